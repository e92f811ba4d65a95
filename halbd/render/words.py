"""The line writer: texts for keepalived and HAProxy are built from checked words, so none can add a directive.

The parser refuses bad words at the door with a Problem. This is the second line of defence: a word that got past the
parser is a bug, and raises ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NewType, TypeAlias

from halbd.model.config import Address

HEADER = """\
# Written by halbd. Do not edit: every reload writes this file anew.
# Edit halbd.yaml instead, the same on every node, then run: halbctl reload
"""

# What neither program gives a meaning to. Refused with the rest: blanks, quotes, backslash and comments (# and !);
# keepalived's braces, $variables, @conditions, ~sequences and <files (keepalived.conf(5), "Parameter substitution");
# HAProxy's "$" and braces (Configuration Manual, 2.2).
_WORD = re.compile(r"[A-Za-z0-9._:/,*?&=%+\[\]-]+")
_NAME = re.compile(r"[A-Za-z0-9._:-]+")
# Inside single quotes keepalived takes blanks and brackets as they are.
_ARGUMENT = re.compile(r"[A-Za-z0-9._:/,*?&=%+\[\] ();-]+")
_INDENT = "    "

Line = NewType("Line", str)
"""A line of checked words. Made by `line`, `block` and `section` only."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """An argument list in one pair of double quotes, as keepalived's `script` takes it."""

    arguments: tuple[str, ...]

    def __str__(self) -> str:
        """The quoted text; an argument that is no word stands in single quotes. Raises ValueError as `line` does."""
        return '"' + " ".join(_quoted(argument) for argument in self.arguments) + '"'


Word: TypeAlias = str | int | Path | Address | Quoted


def line(*words: Word) -> Line:
    """One line. Raises ValueError (a bug) when a word is empty or holds a character that a word may not hold."""
    return Line(" ".join(str(word) if isinstance(word, Quoted) else _checked(_WORD, str(word)) for word in words))


def name(text: str) -> str:
    """A name, in which nothing may be interpreted, not even HAProxy's `%[...]`. Raises ValueError as `line` does."""
    return _checked(_NAME, text)


def seconds(value: float) -> str:
    """A time as HAProxy takes it: "5s", or "200ms" where it is not whole (Configuration Manual, 2.5)."""
    milliseconds = round(value * 1000)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def number(value: float) -> str:
    """Seconds as keepalived takes them: "1" or "0.25", never an exponent."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def section(head: Line, body: Iterable[Line]) -> list[Line]:
    """The form of HAProxy: the body stands indented below its head; an empty line ends it."""
    return [head, *(Line(_INDENT + inner) for inner in body), Line("")]


def block(head: Line, body: Iterable[Line]) -> list[Line]:
    """The form of keepalived: the body stands in braces."""
    return [Line(head + " {"), *(Line(_INDENT + inner) for inner in body), Line("}")]


def document(lines: Iterable[Line]) -> str:
    """A whole file: the header, an empty line, the lines; one newline at the end."""
    return HEADER + "\n" + "\n".join(lines).rstrip("\n") + "\n"


def _quoted(argument: str) -> str:
    return argument if _WORD.fullmatch(argument) else f"'{_checked(_ARGUMENT, argument)}'"


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"not a word: {text!r}")
    return text
