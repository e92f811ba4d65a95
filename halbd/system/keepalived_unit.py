"""keepalived.service: asked, started and told to reload, by systemctl(1)."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from halbd.model.errors import FailedError
from halbd.system import files
from halbd.system.run import run

UNIT = "keepalived.service"
SIGNATURE = "# Written by halbd."
"""How every file begins that halbd renders."""


def systemd_runs() -> bool:
    """Systemd is this machine's init (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def main_pid() -> int | None:
    """The PID of the running service, None where it does not run. Raises HalbdError."""
    words = run(["systemctl", "show", "--property=MainPID", "--value", UNIT]).words
    return int(words) if words.isdigit() and words != "0" else None


def apply() -> None:
    """Have the service run on the file that is now in place.

    The signal is sent directly: Debian's ExecReload calls /bin/kill, which a minimal system lacks.

    Raises:
        FailedError: it does not start.
        HalbdError: systemctl cannot be run.
    """
    pid = main_pid()
    if pid is not None:
        os.kill(pid, signal.SIGHUP)
        return
    outcome = run(["systemctl", "start", UNIT])
    if outcome.code != 0:
        raise FailedError(f"cannot start {UNIT}: {outcome.words}")


def write_config(text: str, target: Path) -> Path | None:
    """Put keepalived.conf in place; one that halbd did not write is kept aside first. Returns where that is.

    Raises:
        OSError: a file cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(target.name + ".before-halbd")
    foreign = target.exists() and not target.read_text(errors="replace").startswith(SIGNATURE)
    if foreign and not aside.exists():
        os.link(target, aside)
    files.write(target, text.encode(), 0o600)
    return aside if foreign else None
