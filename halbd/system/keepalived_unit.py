"""keepalived.service: asked, started and told to reload, by systemctl(1)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path

from halbd.decide.owing import SIGNATURE
from halbd.decide.service import idle
from halbd.model.errors import FailedError
from halbd.model.service import Service
from halbd.model.told import Owes
from halbd.system import files, keepalived_reload, pid_files, process
from halbd.system.run import run

UNIT = "keepalived.service"
PROPERTIES = (
    "MainPID,LoadState,ActiveState,Job,InactiveEnterTimestampMonotonic,ConditionResult,ConditionTimestampMonotonic"
)


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
        unmet=said.get("ConditionResult") == "no" and _number(said, "ConditionTimestampMonotonic") > 0,
    )


def _number(said: Mapping[str, str], name: str) -> int:
    """0 stands for none, as systemd itself has it; it leaves some out instead."""
    word = said.get(name, "")
    return int(word) if word.isdecimal() else 0


def apply(owes: Owes) -> bool:
    """Have the service run on the file that is now in place; whether one that ran had to be started anew for that.

    One that somebody stopped is left alone, unless this is the first file of halbd's: then nobody knew of halbd. One
    that the conditions of its unit kept from starting, for the file was missing, was not stopped by anybody.

    No start is waited for: the loop has more to do, and sees by netlink what comes of it. The signal is sent directly:
    Debian's ExecReload calls /bin/kill, which a minimal system lacks.

    Raises:
        FailedError: it does not start, or cannot be told now.
        HalbdError: systemctl cannot be run.
    """
    service = look()
    if service.pid is None:
        if Owes.START in owes or (owes and service.unmet) or idle(service) is None:
            _start("start")
    elif Owes.RESTART in owes:
        _start("restart")
        return True
    elif owes and (who := process.identity(service.pid)):  # one that has just gone reads the new file at its next start
        keepalived_reload.reload(who)
    return False


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


def read_config(target: Path) -> bytes | None:
    """What is there; None where there is no file. Raises OSError."""
    return target.read_bytes() if target.is_file() else None


def put_config(text: bytes, target: Path) -> None:
    """For root alone: it may hold auth_pass. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files.write(target, text, 0o600)


def write_config(text: bytes, target: Path) -> Path | None:
    """Put keepalived.conf in place; one that halbd did not write is kept aside first, and where is returned.

    Raises:
        OSError: a file cannot be written.
    """
    before, aside = read_config(target), None
    if before is not None and not before.startswith(SIGNATURE):
        aside = _free_name(target)
        os.link(target, aside)
    put_config(text, target)
    return aside


def _free_name(target: Path) -> Path:
    """Beside the file, and not yet taken by one that was kept earlier."""
    first = target.with_name(target.name + ".before-halbd")
    later = (first.with_name(f"{first.name}.{number}") for number in count(2))
    return next(path for path in chain([first], later) if not path.exists())
