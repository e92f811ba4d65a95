"""What the next daemon is to know of the programs that run; `noted` reads it."""

from __future__ import annotations

import json

import structlog

from halbd.daemon.noted import note
from halbd.model.child import Program
from halbd.model.paths import Paths
from halbd.system import files
from halbd.system.process import Identity


class Notes:
    """One for each program that runs.

    Where one cannot be written the next daemon reloads a program that needs no reload, which costs nothing.
    """

    def __init__(self, paths: Paths, log: structlog.typing.FilteringBoundLogger) -> None:
        self._paths, self._log = paths, log
        self._texts: dict[Program, bytes] = {}

    def keep(self, program: Program, text: bytes) -> None:
        """It is on disk: an earlier daemon's."""
        self._texts[program] = text

    def write(self, program: Program, who: Identity, binary: str, generation: str) -> None:
        """It runs, from that file, on that generation."""
        noting = {"pid": who.pid, "start_ticks": who.start_ticks, "program": binary, "generation": generation}
        self._texts[program] = json.dumps(noting).encode()
        self._put(program)

    def put_back(self, program: Program) -> None:
        """Where somebody has removed it."""
        if self._texts.get(program) and not note(self._paths, program).exists():
            self._put(program)

    def _put(self, program: Program) -> None:
        try:
            files.write(note(self._paths, program), self._texts[program])
        except OSError as error:
            self._log.error("child.not_noted", program=program, why=error.strerror)
