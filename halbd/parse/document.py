"""YAML text to plain values, with the line of every key and list entry.

PyYAML delivers events and this module composes them, for three reasons: every key keeps its line and its double is
seen; depth and size are bounded before anything is expanded (an alias bomb is small on disk); and plain words are read
by the YAML 1.2 core schema (yaml.org/spec/1.2.2, 10.3), where `on`, `yes` and `12:30` are strings as they look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from halbd.model.problem import Problem
from halbd.parse.finding import Finding, Place, show

LARGEST_FILE = 1 << 20
"""Bytes."""
MOST_VALUES = 10_000
"""Values after the aliases are expanded: some thousand servers."""
DEEPEST = 20
"""Levels; the deepest key of the contract lies on level 5."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# https://yaml.org/spec/1.2.2/#51-character-set
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# 07 is 7 to some readers and octal to others, so it stays a string and is refused where a number belongs.
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FRACTION = re.compile(
    r"[-+]?(([0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18})([eE][-+]?[0-9]{1,3})?|[0-9]{1,18}[eE][-+]?[0-9]{1,3})"
)
_NAMED: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


class _RefusedError(Exception):
    """The text is not a file that halbd reads; carries the only problem there is to tell."""

    def __init__(self, line: int, what: str, hint: str) -> None:
        super().__init__(what)
        self.problem = Problem(line, "", what, hint)


@dataclass(frozen=True, slots=True)
class _Scalar:
    line: int
    text: str
    plain: bool


@dataclass(frozen=True, slots=True)
class _Sequence:
    line: int
    items: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Mapping:
    line: int
    pairs: tuple[tuple[_Scalar, _Node], ...]


_Node: TypeAlias = _Scalar | _Sequence | _Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """The plain value (dict, tuple, str, int, float, bool, None), the line of every place, and the doubled keys."""

    value: object
    lines: dict[Place, int]
    findings: tuple[Finding, ...]

    def line(self, place: Place) -> int:
        """The line of that place, or of the nearest one around it that is written in the file."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]


def load(text: bytes) -> Document | Problem:
    """Read the file's bytes; a Problem when they are not one YAML document of a sane size. Never raises."""
    try:
        root = _Composer(_events(_characters(text))).document()
        expander = _Expander({(): root.line})
        value = expander.expand(root, ())
        if value is None:
            raise _empty()
    except _RefusedError as refused:
        return refused.problem
    except yaml.YAMLError as error:
        return _syntax(error)
    return Document(value, expander.lines, tuple(expander.findings))


def _empty() -> _RefusedError:
    return _RefusedError(0, "the file is empty", "nodes, vips and frontends are required")


def _characters(text: bytes) -> str:
    if len(text) > LARGEST_FILE:
        raise _RefusedError(0, f"the file has {len(text)} bytes", f"{LARGEST_FILE} bytes is the most that is read")
    try:
        characters = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise _RefusedError(line, "the file is not UTF-8 text", "save it as UTF-8") from error
    found = _NOT_PRINTABLE.search(characters)
    if found:
        line = characters.count("\n", 0, found.start()) + 1
        raise _RefusedError(line, f"the character {found[0]!a} is not allowed", "remove it")
    return characters


def _events(characters: str) -> Iterator[yaml.Event]:
    yield from yaml.parse(characters, Loader=_LOADER)


def _syntax(error: yaml.YAMLError) -> Problem:
    """PyYAML's own words, with what operators most often meant."""
    mark = getattr(error, "problem_mark", None)
    words = f"{getattr(error, 'context', None) or ''} {getattr(error, 'problem', None) or error}".strip()
    hint = "text with : # [ ] { } * & ! or a quote in it needs quotes around it"
    if "alias" in words:
        hint = 'a word that starts with * needs quotes: "*"'
    elif "cannot start any token" in words:
        hint = "indent with blanks, not with tabs; text that begins with @, ` or % needs quotes"
    return Problem(mark.line + 1 if mark else 0, "", f"the file is not YAML: {words}", hint)


def _line(event: yaml.Event) -> int:
    return (event.start_mark.line if event.start_mark else 0) + 1


class _Composer:
    """Events to nodes; aliases become the same node again, so nothing grows here."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, _Node] = {}
        self._nodes = 0

    def document(self) -> _Node:
        """The one document of the stream."""
        next(self._events)  # StreamStart
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise _empty()
        root = self._node(next(self._events), 0)
        next(self._events)  # DocumentEnd
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _RefusedError(_line(after), "a second document begins here", "remove the line ---")
        return root

    def _node(self, event: yaml.Event, depth: int) -> _Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > DEEPEST:
            raise _RefusedError(_line(event), "the file is nested too deeply", f"{DEEPEST} levels is the most")
        self._nodes += 1
        if self._nodes > 2 * MOST_VALUES + 1:  # the root, and a key for each value at the most
            raise _RefusedError(_line(event), "the file holds too many values", f"{MOST_VALUES} is the most")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _RefusedError(
                _line(event), f"the tag {show(tag)} is not used here", "remove it; quotes make a string"
            )
        node = self._untagged(event, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _untagged(self, event: yaml.Event, depth: int) -> _Node:
        if isinstance(event, yaml.ScalarEvent):
            return _Scalar(_line(event), event.value, plain=bool(event.implicit[0]))
        if isinstance(event, yaml.SequenceStartEvent):
            return _Sequence(_line(event), tuple(self._until(yaml.SequenceEndEvent, depth)))
        nodes = iter(tuple(self._until(yaml.MappingEndEvent, depth)))
        return _Mapping(_line(event), tuple((_key(key), value) for key, value in zip(nodes, nodes, strict=True)))

    def _until(self, end: type[yaml.Event], depth: int) -> Iterator[_Node]:
        while not isinstance(event := next(self._events), end):
            yield self._node(event, depth + 1)

    def _alias(self, event: yaml.AliasEvent) -> _Node:
        # An anchor counts from its node's end on, so a node that holds itself is an unknown alias and no endless value.
        if event.anchor not in self._anchors:
            what = f"the alias *{event.anchor} has no anchor above it"
            raise _RefusedError(_line(event), what, f'write "*{event.anchor}" in quotes if it is meant as text')
        return self._anchors[event.anchor]


def _key(node: _Node) -> _Scalar:
    if not isinstance(node, _Scalar):
        raise _RefusedError(node.line, "a list or mapping stands where a key belongs", "a key is one word")
    return node


@dataclass(slots=True)
class _Expander:
    """Nodes to plain values, each place with its line: a key's own line, an entry's first line."""

    lines: dict[Place, int]
    findings: list[Finding] = field(default_factory=list)

    def expand(self, node: _Node, place: Place) -> object:
        """The plain value of a node that stands at that place."""
        if len(self.lines) > MOST_VALUES or len(place) > DEEPEST:
            what = f"the file holds more than {MOST_VALUES} values or {DEEPEST} levels, once its aliases are read"
            raise _RefusedError(node.line, what, "use fewer aliases")
        if isinstance(node, _Scalar):
            return _value(node) if node.plain else node.text
        if isinstance(node, _Sequence):
            return tuple(self._at(item, (*place, i), item.line) for i, item in enumerate(node.items))
        return self._mapping(node, place)

    def _at(self, node: _Node, place: Place, line: int) -> object:
        self.lines[place] = line
        return self.expand(node, place)

    def _mapping(self, node: _Mapping, place: Place) -> dict[str, object]:
        values: dict[str, object] = {}
        for key, value in node.pairs:
            here = (*place, key.text)
            if key.text in values:
                first = self.lines[here]
                self.findings.append(
                    Finding(here, f"written twice, on line {first} and on line {key.line}", "keep one")
                )
            else:
                values[key.text] = self._at(value, here, key.line)
        return values


def _value(scalar: _Scalar) -> object:
    if scalar.text in _NAMED:
        return _NAMED[scalar.text]
    if _WHOLE.fullmatch(scalar.text):
        return int(scalar.text)
    return float(scalar.text) if _FRACTION.fullmatch(scalar.text) else scalar.text
