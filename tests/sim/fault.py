"""What every fault is: it begins on a node, and says how it is healed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tests.sim.node import Node

Heal: TypeAlias = Callable[[], None]
Begin: TypeAlias = Callable[["Node", Random], Heal]


def nothing() -> None:
    """It heals by itself."""
