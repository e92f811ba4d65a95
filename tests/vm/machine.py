"""One booted system: Debian under systemd as PID 1, in systemd-nspawn(1), with a network namespace of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.render.netns import run, wait_until

BOOT = 60.0  # seconds
# Each container in cgroups of its own: two that share /payload are one to systemd, and neither can stop a service.
START = """
for tree in systemd unified; do
    mkdir -p "/sys/fs/cgroup/$tree/$1" && echo $$ > "/sys/fs/cgroup/$tree/$1/cgroup.procs"
done
name=$1; shift
exec systemd-nspawn --quiet --machine="$name" --register=no --keep-unit --console=pipe --boot "$@"
"""
CAPABILITIES = "CAP_NET_ADMIN,CAP_NET_RAW,CAP_SYS_NICE"
CALLS = "--system-call-filter=pidfd_getfd"  # a container is not allowed it otherwise, a machine is


class Machine:
    """`base` is what it boots from; what it writes goes to a folder of its own below `work`."""

    def __init__(self, name: str, base: Path, work: Path, namespace: str) -> None:
        self.name, self._work, self._namespace = name, work / name, namespace
        self.root = self._work / "root"
        shutil.rmtree(self._work, ignore_errors=True)
        for folder in ("root", "upper", "scratch"):
            (self._work / folder).mkdir(parents=True)
        layers = f"lowerdir={base},upperdir={self._work / 'upper'},workdir={self._work / 'scratch'}"
        run("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))
        (self.root / "etc/hostname").write_text(f"{name}\n")
        self._nspawn: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        """Start it, and wait until systemd says that it is up."""
        Path("/run/systemd/nspawn/propagate").mkdir(parents=True, exist_ok=True)
        words = ["sh", "-c", START, "start", f"halbd-vm-{self.name}", f"--directory={self.root}"]
        words += [f"--network-namespace-path=/run/netns/{self._namespace}", f"--capability={CAPABILITIES}", CALLS]
        with (self._work / "console.log").open("ab") as log:
            self._nspawn = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_for_boot()

    def wait_for_boot(self) -> None:
        """Until PID 1 is there and every unit has been started, or has failed."""
        wait_until(self.booted, f"{self.name} has booted", BOOT)

    def booted(self) -> bool:
        """Whether systemd says that it is up."""
        return self.init() is not None and self.run("systemctl", "is-system-running", check=False).strip() in {
            "running",
            "degraded",
        }

    def init(self) -> int | None:
        """The PID of its systemd, seen from outside."""
        if self._nspawn is None or self._nspawn.poll() is not None:
            return None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def run(self, *words: str, check: bool = True, timeout: float = 60) -> str:
        """Run a program in there; its output. Raises CalledProcessError, with what it said."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{self.name}: {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def command(self, *words: str) -> list[str]:
        """The words that run a program in there."""
        init = str(self.init())
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        enter = ["nsenter", "-t", init, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--"]
        return [*enter, "env", "-i", path, "TERM=dumb", *words]

    def status(self) -> dict[str, Any] | None:
        """What `halbctl status --json` says; None while no daemon answers."""
        words = self.run("halbctl", "status", "--json", check=False)
        try:
            said: dict[str, Any] = json.loads(words)
        except json.JSONDecodeError:
            return None
        return said

    def pid(self, unit: str) -> int:
        """The unit's main process, as the machine counts."""
        return int(self.run("systemctl", "show", "--property=MainPID", "--value", unit))

    def go_down(self) -> None:
        """Order a reboot, and wait until the system is gone; boot() brings it up again, on the same disk."""
        self.run("systemctl", "reboot", check=False)
        assert self._nspawn is not None
        # With --keep-unit a reboot is whoever's who started systemd-nspawn (systemd-nspawn(1), exit status 133).
        self._nspawn.wait(BOOT)

    def close(self) -> None:
        """Power off, and take the root folder down."""
        if self._nspawn is not None and self._nspawn.poll() is None:
            if self.init() is not None:
                self.run("systemctl", "poweroff", check=False)
            try:
                self._nspawn.wait(20)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait()
        run("umount", "--recursive", str(self.root), check=False)


def eventually(sign: Callable[[], object], what: str, deadline: float = 30) -> None:
    """As wait_until, for what costs a process in there to ask."""
    wait_until(sign, what, deadline, interval=0.2)
