"""A file with mistakes, made whole enough to judge the rest of it: every problem is to be told at once.

What has a default is left out; an entry that cannot do without what is wrong is replaced by a stand-in that offends no
rule. What the rules then say of a stand-in, or only because of one, is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from halbd.parse.explain import genuine
from halbd.parse.finding import Finding, Place
from halbd.parse.models import File

# 240.0.0.0/4 is reserved (RFC 1112, 4): no operator's address is in it.
_STAND_INS: dict[str, Callable[[int], dict[str, Any]]] = {
    "nodes": lambda i: {"name": f"unreadable-node-{i}", "address": f"240.0.0.{i % 100 + 1}"},
    "vips": lambda i: {"address": f"240.0.1.{i % 100 + 1}", "interface": f"unreadable{i % 100}"},
    "frontends": lambda i: {
        "name": f"unreadable-frontend-{i}",
        "bind": f"240.0.2.{i % 100 + 1}",
        "servers": ("240.0.3.1:1",),
        "check": {"insecure": True},
    },
}
_FEWEST = {"nodes": 2, "vips": 1, "frontends": 1}
# What each room of rules, or single rule, cannot judge without.
_NEEDS = {"nodes": {"nodes"}, "vips": {"nodes", "vips"}, "bind_address": {"nodes", "vips"}}
_REQUIRED = {"nodes": {"name", "address"}, "vips": {"address"}, "frontends": {"servers"}}


@dataclass(frozen=True, slots=True)
class Repaired:
    """A valid file, and the places of its stand-ins."""

    file: File
    stand_ins: frozenset[Place]

    def judged(self, rule: Callable[..., Iterator[Finding]]) -> bool:
        """The rule has all that it needs."""
        missing = {place[0] for place in self.stand_ins}
        room = rule.__module__.rpartition(".")[2]
        return not (_NEEDS.get(room, set()) | _NEEDS.get(rule.__name__, set())) & missing

    def told(self, finding: Finding) -> bool:
        """The finding is not about a stand-in."""
        return finding.place[:1] not in self.stand_ins and finding.place[:2] not in self.stand_ins


def repair(value: Any, error: ValidationError) -> Repaired | None:
    """Leave out and replace what is wrong; None where that is not enough."""
    if not isinstance(value, dict):
        return None
    places: set[Place] = {each["loc"] for each in genuine(error)}
    gone = {place for place in places if place[0] not in _STAND_INS or _optional(place)}
    stand_ins = frozenset(place[:2] for place in places - gone)
    whole = _without(value, (), gone)
    for section in {str(place[0]) for place in stand_ins}:
        whole[section] = _entries(whole.get(section), section, stand_ins)
    try:
        return Repaired(File.model_validate(whole), stand_ins)
    except (
        ValidationError
    ):  # pragma: no cover - no file is known to come here; what is found so far is told all the same
        return None


def _optional(place: Place) -> bool:
    """A key of an entry that may be left out, or does not belong there; servers stand and fall with their entry."""
    entry, key = place[2:], place[-1]
    return bool(entry) and isinstance(key, str) and "servers" not in entry and key not in _REQUIRED[str(place[0])]


def _entries(found: Any, section: str, stand_ins: Collection[Place]) -> tuple[Any, ...]:
    """The section's entries, with a stand-in for each that is wrong; a section that is no list is all stand-ins."""
    listed = found if isinstance(found, tuple) and found else ()
    wrong = {place[1] for place in stand_ins if place[0] == section and len(place) > 1}
    kept = [_STAND_INS[section](i) if i in wrong else entry for i, entry in enumerate(listed)]
    return tuple(kept) or tuple(_STAND_INS[section](i) for i in range(_FEWEST[section]))


def _without(value: Any, place: Place, gone: Collection[Place]) -> Any:
    """A copy of the value at that place, less the keys at those other places."""
    if isinstance(value, dict):
        kept = {key: (inner, (*place, key)) for key, inner in value.items()}
        return {key: _without(inner, here, gone) for key, (inner, here) in kept.items() if here not in gone}
    if isinstance(value, tuple):
        return tuple(_without(inner, (*place, i), gone) for i, inner in enumerate(value))
    return value
