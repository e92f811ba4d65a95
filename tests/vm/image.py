"""A Debian 12 root folder to boot; what the package depends on lies ready in it, so that no network is needed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SUITE = "bookworm"
INCLUDED = "systemd-sysv,dbus,iproute2,python3-minimal,procps"
PACKAGES = "opt/packages"
NEEDED = ("keepalived", "haproxy", "python3", "python3.11")


def image(folder: Path) -> Path:
    """The root folder, made once. `folder` is where it is kept; the host must be Debian 12, whose apt fetches.

    Raises:
        CalledProcessError: debootstrap(8) or apt-get(8) failed.
    """
    root, done = folder / "base", folder / "base.done"
    if done.exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    _run("debootstrap", "--variant=minbase", f"--include={INCLUDED}", SUITE, str(root))
    # By the host's own apt and its sources, but as if the root's packages were installed: exactly what is missing
    # there is fetched, and nothing of the host's settings has to be copied into it.
    archives = root / PACKAGES
    (archives / "partial").mkdir(parents=True)
    options = [f"Dir::State::status={root}/var/lib/dpkg/status", f"Dir::Cache::archives={archives}"]
    words = [word for option in options for word in ("-o", option)]
    _run("apt-get", "update", "-qq")
    _run("apt-get", *words, "install", "--download-only", "--no-install-recommends", "-qq", "-y", *NEEDED)
    (root / "etc/apt/sources.list").write_text("")
    for fetched in (root / "var/cache/apt/archives").glob("*.deb"):
        fetched.unlink()
    done.touch()
    return root


def _run(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=900)
