"""The structured log: JSON lines for the journal, words for a terminal."""

from __future__ import annotations

import contextlib
import io
import logging
import sys

import structlog

from halbd.model.config import Log, LogFormat


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
