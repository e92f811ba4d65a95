"""Runs a function inside a network namespace: in a thread of its own, which is the one that moves there (setns(2))."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TypeVar

from pyroute2.netns import setns

T = TypeVar("T")
_numbers = count()


def fresh_name() -> str:
    """A namespace name that nobody else uses."""
    return f"hbs{os.getpid()}n{next(_numbers)}"


def within(place: str, function: Callable[[], T]) -> T:
    """What `function` returns or raises; the programs that it starts and the sockets that it opens are in `place`."""

    def moved() -> T:
        setns(place)
        return function()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(moved).result()
