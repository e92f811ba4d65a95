"""A program that sees another boot of the machine: `python -m halbd.lab.booted FILE COMMAND …`, in `ip netns exec`.

FILE has the ID that this boot is known by. The command runs in the same process, so the PID is its own; the namespace
of mounts is its own as well (ip-netns(8)), so nobody else sees it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from halbd.system.boot import BOOT_ID
from halbd.system.programs import find


def words(file: Path) -> tuple[str, ...]:
    """What comes before the command, where there is such a file."""
    return (sys.executable, "-P", "-m", "halbd.lab.booted", str(file)) if file.exists() else ()


def main() -> None:
    """Put the file in the place of the kernel's, and become the command."""
    file, *command = sys.argv[1:]
    subprocess.run([find("mount"), "--bind", file, str(BOOT_ID)], check=True)
    os.execvp(command[0], command)  # noqa: S606  # the lab's own words, without a shell


if __name__ == "__main__":
    main()
