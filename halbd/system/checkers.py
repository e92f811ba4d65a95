"""The real programs judge a generation in its own folder before anything that runs is touched."""

from __future__ import annotations

import tempfile
from pathlib import Path

from halbd.model.config import Config, ProxyKind
from halbd.model.errors import RefusedError
from halbd.model.files import File, FileSet
from halbd.render.envoy import CHECK
from halbd.system.programs import find, proxy_binary
from halbd.system.run import Outcome, run

WORDS = 2000
"""Characters of a checker's output that are passed on."""


def check(files: FileSet, config: Config, folder: Path | None = None) -> None:
    """Judge the files; `folder` holds them already, else they are written to one that is removed again.

    Raises:
        RefusedError: a program refuses them, with its words.
        HalbdError: a program is not installed or cannot be run.
    """
    if folder is not None:
        _proxy(config, folder)
        _keepalived(folder)
        return
    with tempfile.TemporaryDirectory(prefix="halbd-check-") as name:
        write(files, Path(name))
        check(files, config, Path(name))


def write(files: FileSet, folder: Path) -> None:
    """Put the files into an existing folder, with their modes. Raises OSError."""
    for file in files.files:
        path = folder / file.name
        path.touch(mode=0o600)
        path.chmod(file.mode)
        path.write_bytes(content(file))


def content(file: File) -> bytes:
    """A file's text as it stands on the disk."""
    return file.text.encode(errors="surrogateescape")


def _proxy(config: Config, folder: Path) -> None:
    """The proxy's own checker: 0 is fine.

    `haproxy -c` also gives 0 with warnings, and 2 for a file without a listener (its management guide, 3). Envoy reads
    no file that another one names, so it has one with everything in it.
    """
    match config.proxy.kind:
        case ProxyKind.HAPROXY:
            words = ["-c", "-f", str(folder / "haproxy.cfg")]
        case ProxyKind.ENVOY:
            words = ["--mode", "validate", "--log-level", "error", "--log-format", "%v", "-c", str(folder / CHECK)]
    _judge(config.proxy.kind.value, run([proxy_binary(config.proxy), *words]))


def _keepalived(folder: Path) -> None:
    """Keepalived -t: anything but 0 is a refusal, also a crash (it dies of an unterminated quote)."""
    _judge("keepalived", run([find("keepalived"), "-t", "-f", str(folder / "keepalived.conf")]))


def _judge(program: str, outcome: Outcome) -> None:
    if outcome.code != 0:
        raise RefusedError(f"{program} refuses the generated config (exit {outcome.code}): {outcome.words[-WORDS:]}")
