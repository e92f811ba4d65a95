"""sd_notify(3) in the standard library: readiness, a status line, the watchdog."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Tells systemd how things stand; does nothing where no systemd listens."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        self._watchdog = int(environment.get("WATCHDOG_USEC") or 0) / 1_000_000

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds between two signs of life: half of what systemd allows (sd_watchdog_enabled(3))."""
        return self._watchdog / 2 or None

    def allow(self, seconds: float = 0) -> bool:
        """Have systemd wait so long for a sign of life, at least as long as the unit says (WATCHDOG_USEC=).

        Where it does not wait at all, it goes on not to. Returns what `send` returns.
        """
        return not self._watchdog or self.send(f"WATCHDOG_USEC={int(max(seconds, self._watchdog) * 1_000_000)}")

    def send(self, *assignments: str) -> bool:
        """Send assignments such as "READY=1"; False where systemd does not take them, so that they can be sent again.

        It never waits: a systemd that does not read, or does not listen, is no reason to stand still or to fail.
        """
        if not self._address:
            return True
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
                one.sendto("\n".join(assignments).encode(), socket.MSG_DONTWAIT, self._address)
        except OSError:
            return False
        return True
