"""What several rules need."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import TypeVar

from halbd.model.config import Address
from halbd.parse.finding import Finding, Place, where

T = TypeVar("T", bound=Hashable)


def doubles(values: Iterable[tuple[Place, T]]) -> Iterator[tuple[Place, Place]]:
    """Each place whose value stood before, with the place where it stood first."""
    first: dict[T, Place] = {}
    for place, value in values:
        if value in first:
            yield place, first[value]
        else:
            first[value] = place


def unique(values: Iterable[tuple[Place, T]], hint: str) -> Iterator[Finding]:
    """A finding for each value that stands twice."""
    listed = list(values)
    by_place = dict(listed)
    for place, first in doubles(listed):
        yield Finding(place, f"{by_place[place]} is used twice: also at {where(first)}", hint)


def family(address: Address) -> str:
    """The family's name."""
    return f"IPv{address.version}"


def vip_place(number: int, key: str = "address") -> Place:
    """The place of a VIP's key."""
    return ("vips", number, key)
