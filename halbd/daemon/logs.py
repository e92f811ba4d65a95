"""The structured log: JSON lines for the journal, words for a terminal."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Callable
from typing import Any

import structlog

from halbd.model.config import Log, LogFormat, LogLevel


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
            renderer,
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
