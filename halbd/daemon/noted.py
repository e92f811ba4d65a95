"""Which programs an earlier daemon left running."""

from __future__ import annotations

import json
import os.path
from dataclasses import dataclass
from pathlib import Path

from halbd.daemon import proxy
from halbd.decide.change import ENVOY_BOOTSTRAP
from halbd.model.child import Program
from halbd.model.config import ProxyKind
from halbd.model.paths import Paths
from halbd.system import envoy, generations, haproxy, process
from halbd.system.process import Identity

FILES = {Program.PROXY: tuple(proxy.FILES.values()), Program.KEEPALIVED: ("keepalived.conf",)}
"""What each program may be given on its command line, in the folder of the generation in force."""

ROOT = frozenset({0})


@dataclass(frozen=True, slots=True)
class Noted:
    """A program that an earlier daemon started, the file on its command line, the generation that it runs on.

    `text` is the note itself, empty where it was lost.
    """

    who: Identity
    binary: str
    generation: str
    file: str
    text: bytes

    def another(self, paths: Paths, binary: str) -> bool:
        """By its note it is another program, or an Envoy with another bootstrap, which none reads twice."""
        if not self.text:
            return False
        other = self.binary != str(Path(binary).resolve())
        return other or generations.had_other(paths, self.generation, ENVOY_BOOTSTRAP)


def already_running(paths: Paths, program: Program, accounts: frozenset[int]) -> Noted | None:
    """What an earlier daemon started, if it still runs: PID, start time and executable agree with its note.

    Instead of the executable the command line will do: a script may have put another in its place. Where the note is
    lost, the process that was started on our own file as halbd does it is it, on an unknown generation; `accounts`
    are those that the proxy may have.
    """
    try:
        text = note(paths, program).read_bytes()
        noted = json.loads(text)
        who, binary = Identity(int(noted["pid"]), int(noted["start_ticks"])), str(noted["program"])
        generation = str(noted["generation"])
    except (OSError, ValueError, KeyError, TypeError):
        return _unnoted(paths, program, accounts)
    words = process.arguments_of(who.pid)
    file = next((name for name in FILES[program] if str(paths.current / name) in words), "")
    same = process.identity(who.pid) == who and (file or process.program_of(who.pid) == binary)
    return Noted(who, binary, generation, file, text) if same else None


def _unnoted(paths: Paths, program: Program, accounts: frozenset[int]) -> Noted | None:
    """Of several the one that owns the admin socket's own name: the others made room for it."""
    for name in FILES[program]:
        for found in started(paths, name, accounts):
            if not os.path.lexists(envoy.aside(paths, found.pid)):
                return Noted(found, process.program_of(found.pid) or "", "", name, b"")
    return None


def started(paths: Paths, name: str, accounts: frozenset[int]) -> tuple[Identity, ...]:
    """The processes that run on this file of ours, as halbd starts them: not who checks or reads the same file.

    Nor who only has our words on his command line. keepalived is root's, as is a proxy until setpriv(1) is done.
    """
    if name in FILES[Program.KEEPALIVED]:
        return process.leaders_with(keepalived_words(paths), ROOT)
    words = {proxy.FILES[ProxyKind.HAPROXY]: haproxy.words, proxy.FILES[ProxyKind.ENVOY]: envoy.words}
    return process.leaders_with(words[name](paths), ROOT | accounts)


def keepalived_words(paths: Paths) -> list[str]:
    """In the foreground, VRRP only, logging to its output."""
    return ["--dont-fork", "--log-console", "--vrrp", "-f", str(paths.current / "keepalived.conf")]


def note(paths: Paths, program: Program) -> Path:
    """Where the running program's identity is noted, for the next daemon."""
    return paths.runtime / f"{program}.json"
