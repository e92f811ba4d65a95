"""keepalived.service: asked, started and told to reload, by systemctl(1)."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from halbd.decide.service import idle
from halbd.model.errors import FailedError
from halbd.model.service import Service
from halbd.system import files, pid_files
from halbd.system.run import run

UNIT = "keepalived.service"
PROPERTIES = "MainPID,LoadState,ActiveState,Job,InactiveEnterTimestampMonotonic"
SIGNATURE = "# Written by halbd."
"""How every file begins that halbd renders."""


def systemd_runs() -> bool:
    """Systemd is this machine's init (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def look() -> Service:
    """Ask systemd.

    Raises:
        FailedError: it does not answer.
        HalbdError: systemctl cannot be run.
    """
    outcome = run(["systemctl", "show", f"--property={PROPERTIES}", UNIT])
    if outcome.code != 0:
        raise FailedError(f"cannot ask systemd for {UNIT}: {outcome.words}")
    said = dict(line.split("=", 1) for line in outcome.words.splitlines() if "=" in line)
    pid, job, ended = (_number(said, name) for name in ("MainPID", "Job", "InactiveEnterTimestampMonotonic"))
    return Service(
        pid=pid or None,
        load=said.get("LoadState", ""),
        active=said.get("ActiveState", ""),
        job=bool(job),
        ended=ended / 1_000_000 if ended else None,
        blocked=() if pid else pid_files.blocking(),
    )


def _number(said: Mapping[str, str], name: str) -> int:
    """0 stands for none, as systemd itself has it; it leaves some out instead."""
    word = said.get(name, "")
    return int(word) if word.isdecimal() else 0


def apply(*, changed: bool, by_hand: bool = False, first: bool = False) -> None:
    """Have the service run on the file that is now in place: start it, or tell it that the file has changed.

    One that somebody stopped is left alone, unless this is the `first` file of halbd's: then nobody knew of halbd.

    One that has run on a file written `by_hand` is started anew. keepalived 2.2.7 remembers what it had to complain of
    in that one (most often "script_security not enabled"), and ends at a reload when the new file has
    reload_check_config, as ours has (keepalived/vrrp/vrrp_daemon.c, start_vrrp).

    No start is waited for: the loop has more to do, and sees by netlink what comes of it. The signal is sent directly:
    Debian's ExecReload calls /bin/kill, which a minimal system lacks.

    Raises:
        FailedError: it does not start.
        HalbdError: systemctl cannot be run.
    """
    service = look()
    if by_hand:
        _start("restart")
    elif service.pid is None:
        if first or idle(service) is None:
            _start("start")
    elif changed:
        with contextlib.suppress(ProcessLookupError):  # it has just gone; its next start reads the new file
            os.kill(service.pid, signal.SIGHUP)


def _start(verb: str) -> None:
    outcome = run(["systemctl", verb, "--no-block", UNIT])
    if outcome.code != 0:
        raise FailedError(f"cannot {verb} {UNIT}: {outcome.words}")


def kill() -> None:
    """End the service by SIGKILL, which a process that is stopped heeds as well; then it has failed.

    Raises:
        FailedError: systemd refuses.
        HalbdError: systemctl cannot be run.
    """
    outcome = run(["systemctl", "kill", "--signal=SIGKILL", UNIT])
    if outcome.code != 0:
        raise FailedError(f"cannot end {UNIT}: {outcome.words}")


@dataclass(frozen=True, slots=True)
class Written:
    """What became of keepalived.conf: whether its bytes changed, and where a hand-written one was kept.

    `first`: there was none that halbd had written.
    """

    changed: bool
    aside: Path | None
    first: bool = False

    def besides(self, before: Written) -> Written:
        """Both together, where keepalived has not been told of the earlier one."""
        return Written(self.changed or before.changed, self.aside or before.aside, self.first or before.first)


def write_config(text: str, target: Path) -> Written:
    """Put keepalived.conf in place; one that halbd did not write is kept aside first.

    Raises:
        OSError: a file cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    before = target.read_bytes() if target.exists() else None
    if before == text.encode():
        return Written(changed=False, aside=None)
    aside, first = None, before is None or not before.startswith(SIGNATURE.encode())
    if before is not None and first:
        aside = _free_name(target)
        os.link(target, aside)
    files.write(target, text.encode(), 0o600)
    return Written(changed=True, aside=aside, first=first)


def _free_name(target: Path) -> Path:
    """Beside the file, and not yet taken by one that was kept earlier."""
    first = target.with_name(target.name + ".before-halbd")
    later = (first.with_name(f"{first.name}.{number}") for number in count(2))
    return next(path for path in chain([first], later) if not path.exists())
