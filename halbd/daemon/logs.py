"""The structured log: entries with fields for the journal, words for a terminal, else JSON lines."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import select
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from select import PIPE_BUF
from typing import Any

import structlog

from halbd.model.config import Log, LogFormat, LogLevel
from halbd.system import journal

PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "exception": 3, "critical": 2}
"""Of syslog(3), by the logger's method."""
LAST_WORDS = {"halbd.failed", "config.problem"}
"""Said when the daemon ends: as lines, since the journal knows no longer whose unit the sender of a datagram was."""
PLAIN = re.compile(r"[^\s\"=\x00-\x1f]+")
"""What needs no quotes."""
PATIENCE = 0.1
"""Seconds that a reader may be late for a line, once: until it reads again, none waits."""


class _Careful(io.StringIO):
    """Standard output, where a line that cannot be written is lost, and the next one says how many were.

    A full disk must not end the daemon, and a reader that hangs must not stop it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._out = _standard_output()
        self._lost = 0
        self._torn = b""

    def count(self, _: object, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
        """A processor of structlog."""
        return {**line, "lines_lost": self._lost} if self._lost else line

    def write(self, text: str) -> int:
        """Write, or lose it, or its end."""
        line = self._torn + text.encode(errors="replace")
        rest = line
        try:
            while rest:
                self._wait()
                rest = rest[os.write(self._out, rest[:PIPE_BUF]) :]
        except (OSError, ValueError):
            self._lost += 1
        else:
            self._lost = 0
        self._torn = b"\n" if rest and (self._torn or rest != line) else b""
        return len(text)

    def _wait(self) -> None:
        """Where it can be written to, PIPE_BUF octets do not block (pipe(7)). Raises OSError where it cannot."""
        poll = select.poll()
        poll.register(self._out, select.POLLOUT)
        if not poll.poll(0 if self._lost else PATIENCE * 1000):
            raise BlockingIOError


def _standard_output() -> int:
    """Its descriptor; of a terminal, which may block all the same, one of our own that does not."""
    out = sys.stdout.fileno()
    with contextlib.suppress(OSError):
        return os.open(os.ttyname(out), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    return out


def configure(log: Log, journal_socket: Path = journal.SOCKET) -> structlog.typing.FilteringBoundLogger:
    """Set the format and the least level, and give the daemon's logger."""
    out = _Careful()
    to_journal = journal.is_standard_output()
    terminal = sys.stdout.isatty()
    console = log.format is LogFormat.CONSOLE or (log.format is LogFormat.AUTO and terminal)
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=terminal) if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _what_first,
            *([_Entries(journal_socket)] if to_journal and log.format is LogFormat.AUTO else []),
            out.count,
            renderer,
            *([_with_priority] if to_journal else []),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(log.level.upper())),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


def at(log: structlog.typing.FilteringBoundLogger, level: LogLevel) -> Callable[..., Any]:
    """The logger's method for a line of that level."""
    levels = {
        LogLevel.DEBUG: log.debug,
        LogLevel.INFO: log.info,
        LogLevel.WARNING: log.warning,
        LogLevel.ERROR: log.error,
    }
    return levels[level]


def _what_first(_: object, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """When, how bad and what, and then the rest: that is how people read it."""
    return {key: line[key] for key in ("at", "level", "event")} | dict(line)


class _Entries:
    """Sends a line as an entry of the journal, and lets it through as a line where that fails."""

    def __init__(self, address: Path) -> None:
        self._address = address

    def __call__(self, _: object, method: str, line: Mapping[str, Any]) -> Mapping[str, Any]:
        if line["event"] not in LAST_WORDS:
            with contextlib.suppress(OSError):
                journal.send(entry(method, line), self._address)
                raise structlog.DropEvent
        return line


def entry(method: str, line: Mapping[str, Any]) -> dict[str, str]:
    """The fields of systemd.journal-fields(7): a message to read, and each word of it to look for as HALBD_..."""
    words = {key: value for key, value in line.items() if key not in {"at", "level", "event"}}
    return {
        "MESSAGE": " ".join([line["event"], *(f"{key}={_word(value)}" for key, value in words.items())]),
        "PRIORITY": str(PRIORITIES.get(method, 6)),
        "SYSLOG_IDENTIFIER": "halbd",
        "HALBD_EVENT": line["event"],
        **{f"HALBD_{key.upper()}": value if isinstance(value, str) else _json(value) for key, value in words.items()},
    }


def _word(value: object) -> str:
    return value if isinstance(value, str) and PLAIN.fullmatch(value) else _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _with_priority(_: object, method: str, line: Any) -> str:
    """What the journal takes for the line's priority and does not show: sd-daemon(3)."""
    return f"<{PRIORITIES.get(method, 6)}>{line}"
