"""Times and durations as a tired person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def moment(text: str) -> datetime:
    """An RFC 3339 time of the daemon's. Raises ValueError."""
    return datetime.fromisoformat(text)


def duration(seconds: float) -> str:
    """The two largest units: "3 d 4 h", "12 min 5 s", "0.8 s"."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    left, parts = int(seconds), []
    for unit, size in UNITS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2])


def ago(text: str | None, now: datetime) -> str:
    """As in "3 min 2 s ago"; "never" where there is no time, "just now" where a clock step put it into the future."""
    if not text:
        return "never"
    seconds = (now - moment(text)).total_seconds()
    return f"{duration(seconds)} ago" if seconds >= 1 else "just now"


def lasting(text: str | None, now: datetime) -> str:
    """As in "for 3 min 2 s"; "" where there is no time."""
    return f"for {duration((now - moment(text)).total_seconds())}" if text else ""


def clock(text: str | None) -> str:
    """The time itself, in UTC to the second, as the log has it."""
    return moment(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if text else "?"
