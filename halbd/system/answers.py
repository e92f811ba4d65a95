"""What both proxies' admin sockets are believed: their accounts may be in a stranger's hands."""

from __future__ import annotations

LONGEST_ANSWER = 4 * 2**20
"""Bytes of one answer: some thousands of servers."""
LONGEST_NUMBER = 19
"""Digits of 2^63, and no more."""


def count(value: object) -> int:
    """A number that is written as text, 0 where there is none or it makes no sense."""
    text = str(value or 0)
    return int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER else 0
