"""Hypothesis strategies for what is almost halbd.yaml: a sound document, and what goes wrong with one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.documents import Given, sound

NUMBERS = [0, -1, 1.5, -0.0, 10**17, -(10**30), 1e300, float("nan"), float("inf"), True, None]
# Surrogates, as JSON and YAML can write them, name no character.
TEXTS = ["", " ", "*", "~", "null", "\0", "\n", "a\nb", "\x1b[31m", "\u2028", "\ud800", "\ufeff", "\u0661"]
LONG = ["x" * 5000, "9" * 5000, [1] * 50, "a." * 300, "/" * 2000]
ADDRESSES = ["10.10.50.2", "10.10.50.999", "::", "::1", "::ffff:10.10.50.4", "fe80::1%eth0", "0.0.0.0", "10.10.50.4/33"]
WORDS = ["a:0", "a:65536", "[::1]:1", "[::1", "..", "/", "/%", "lb1", "ca.crt", "haproxy", "/dev/zero"]
NESTED: list[Any] = [[], {}, [[]], [{}], [None], {"": ""}, {"name": {}}, {"a": {"a": {"a": [{"a": []}]}}}]
NASTY: st.SearchStrategy[Any] = st.sampled_from([*NUMBERS, *TEXTS, *LONG, *ADDRESSES, *WORDS, *NESTED]) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
MARKS = [b"\0", b"\t", b"&a ", b"*a", b"<<: *a", b"!!python/name:os.system ", b"- ", b"{", b"]", b": ", b"? ", b"|"]
BYTES = [b"\xed\xa0\x80", b"\xff", b"\xef\xbb\xbf", b"\r", b"\xe2\x80\xa8", b"\n---\n", b"%YAML 9\n", b"'", b"#"]
PIECES = st.binary(min_size=1, max_size=4) | st.sampled_from([*MARKS, *BYTES])


def _places(value: Any, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to every value below."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for key, one in inner for found in _places(one, (*place, key)))]


def _at(value: Any, place: tuple[str | int, ...], change: Callable[[Any], Any]) -> Any:
    """A copy in which the value at that place is changed."""
    if not place:
        return change(value)
    key, rest = place[0], place[1:]
    if isinstance(value, dict):
        return value | {key: _at(value[key], rest, change)}
    return [_at(one, rest, change) if i == key else one for i, one in enumerate(value)]


def _twist(draw: st.DrawFn, value: Any) -> Any:
    """Another value, one key or entry too many or too few, a key that is spelt wrong."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        keys = draw(st.sampled_from(sorted(value)))
        less = {key: one for key, one in value.items() if key != keys}
        wrong = draw(st.sampled_from([keys + "s", keys.upper(), "", "\0", "nodes"]) | st.text(max_size=5))
        return draw(st.sampled_from([less, less | {wrong: value[keys]}, value | {wrong: draw(NASTY)}]))
    if isinstance(value, list) and value and draw(st.booleans()):
        return draw(st.sampled_from([value[1:], value * 2, [*value, draw(NASTY)], [value], [*value, value[0]]]))
    return draw(st.sampled_from([[value], {"a": value}, str(value)]) | NASTY)


@st.composite
def twisted(draw: st.DrawFn) -> tuple[Given, bytes]:
    """A sound document's machine, and that document with up to three values that are not right."""
    given = draw(sound())
    document: Any = given.document
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(_places(document)))
        document = _at(document, place, lambda value: _twist(draw, value))
    return given, json.dumps(document).encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Given, bytes]:
    """A sound document's machine, and its text with a few places cut, doubled or written over."""
    given = draw(sound())
    text = draw(st.sampled_from([given.text, yaml.safe_dump(given.document, sort_keys=False).encode()]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 40))
        text = text[:start] + draw(st.sampled_from([b"", text[start:end] * 2]) | PIECES) + text[end:]
    return given, text
