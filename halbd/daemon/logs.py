"""The structured log: JSON lines for the journal, which learns their priority, words for a terminal."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog

from halbd.model.config import Log, LogFormat, LogLevel

PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "exception": 3, "critical": 2}
"""Of syslog(3), by the logger's method."""


class _Careful(io.StringIO):
    """Standard output, where a line that cannot be written is lost: a full disk must not end the daemon."""

    def write(self, text: str) -> int:
        """Write, or lose it."""
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or lose it."""
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()


def configure(log: Log) -> structlog.typing.FilteringBoundLogger:
    """Set the format and the least level, and give the daemon's logger."""
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
            renderer,
            *([_with_priority] if _to_journal(os.environ) else []),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(log.level.upper())),
        logger_factory=structlog.WriteLoggerFactory(_Careful()),
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


def _to_journal(environment: Mapping[str, str]) -> bool:
    """Whether standard output is the journal: systemd.exec(5), $JOURNAL_STREAM."""
    try:
        out = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{out.st_dev}:{out.st_ino}"


def _with_priority(_: object, method: str, line: Any) -> str:
    """What the journal takes for the line's priority and does not show: sd-daemon(3)."""
    return f"<{PRIORITIES.get(method, 6)}>{line}"
