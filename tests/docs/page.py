"""The fenced blocks of a page, and the files that they spell out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
WHOLE = "halbd.yaml"
"""The title of a block that is a whole file (`yaml halbd.yaml`) or a change to the one before (`diff halbd.yaml`)."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: the first word after the fence, the words after that, and what is in it."""

    language: str
    title: str
    text: str


def blocks(page: Path) -> tuple[Block, ...]:
    """Every fenced block of the page, in order."""
    found = re.findall(r"^```(\w*) ?(.*)\n((?:.*\n)*?)```$", page.read_text(), re.MULTILINE)
    return tuple(Block(*each) for each in found)


def titled(page: Path, title: str) -> str:
    """The one block of that title."""
    (found,) = (block.text for block in blocks(page) if block.title == title)
    return found


def files(page: Path) -> Iterator[str]:
    """Every whole halbd.yaml of the page, and what it becomes by each change."""
    text = ""
    for block in blocks(page):
        if block.title == WHOLE:
            text = patched(text, block.text) if block.language == "diff" else block.text
            yield text


def patched(text: str, change: str) -> str:
    """The text with a change, ` `, `-` or `+` before each line; its old lines must be there exactly once."""
    lines = change.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(old) == 1, f"the change fits {text.count(old)} places of\n{text}\n{change}"
    return text.replace(old, new)
