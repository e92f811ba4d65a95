"""Threads that are there before they are needed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from halbd.model.errors import HalbdError


class Threads(ThreadPoolExecutor):
    """A pool that starts its threads at once, and no other one unless `most` is more.

    What is given to it later works, or waits, also where the machine has no thread left for anybody (pthread_create(3),
    EAGAIN; TasksMax= of systemd). Beyond `number` it is as every pool: it raises RuntimeError then.
    """

    def __init__(self, number: int, name: str, most: int = 0) -> None:
        """Raises HalbdError: there are not so many."""
        super().__init__(max(number, most), thread_name_prefix=name)
        here = Barrier(number + 1)
        try:
            for _ in range(number):
                self.submit(here.wait)
        except RuntimeError as error:
            here.abort()
            self.shutdown(wait=False)
            raise HalbdError(f"cannot start {number} threads: {error}") from error
        here.wait()
