"""Run as a program of its own: reads the operator's file, renders it, and hands both over as a pickle on its output.

Reading a config takes 12 MB of libraries and happens once a month; in a process that ends, the daemon is that much
smaller all the time, and no file, however strange, can take it down.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from halbd import __version__
from halbd.daemon.loaded import Loaded, Request
from halbd.model.config import Config
from halbd.model.errors import HalbdError
from halbd.model.host import ReadFile, ReadSecret, SecretFile
from halbd.model.problem import Problem
from halbd.parse.parse import parse
from halbd.render.render import render
from halbd.system import generations
from halbd.system.generations import Source
from halbd.system.host import gather, read_file, read_secret
from halbd.system.surroundings import surroundings

Answer = Loaded | tuple[Problem, ...] | HalbdError | None


def load(request: Request) -> Answer:
    """A config with all that is made of it; or every problem; or None, where there is no last good generation.

    What the world refuses is handed over as a value as well.
    """
    try:
        return _load(request)
    except HalbdError as error:
        return error


def _load(request: Request) -> Answer:
    if request.file is None:
        source = generations.last_good(request.paths)
        return _loaded(request, source.text, source.read, source.read_secret) if source else None
    try:
        text = read_file(request.file)
    except OSError as error:
        hint = "write it, or name another with --config" if isinstance(error, FileNotFoundError) else ""
        return (Problem(0, str(request.file), f"cannot read it: {error.strerror}", hint),)
    return _loaded(request, text, read_file, read_secret)


def _loaded(request: Request, text: bytes, read: ReadFile, secret: ReadSecret) -> Loaded | tuple[Problem, ...]:
    """Parse and render, and keep a copy of every file that the config names."""
    inputs: dict[str, bytes] = {}

    def noted(path: Path) -> bytes:
        return inputs.setdefault(str(path), read(path))

    def noted_secret(path: Path) -> SecretFile:
        one = secret(path)
        inputs[str(path)] = one.content
        return one

    parsed = parse(text, gather(request.paths.configuration), noted, request.node, noted_secret)
    if not isinstance(parsed, Config):
        return parsed
    return Loaded(parsed, Source(text, inputs), render(parsed, surroundings(request.paths)))


def answer(version: str) -> Answer:
    """To the daemon that started us; a daemon of another version means other things by the same words."""
    if version != __version__:
        words = f"halbd {__version__} is installed, and {version} runs; run `halbctl upgrade` first"
        return HalbdError(f"cannot load the file: {words}")
    return load(pickle.load(sys.stdin.buffer))  # noqa: S301  # from that daemon


if __name__ == "__main__":
    pickle.dump(answer(sys.argv[1]), sys.stdout.buffer)
