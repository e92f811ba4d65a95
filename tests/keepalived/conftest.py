"""Pairs of load balancers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from halbd.model.config import Config
from tests.keepalived.pair import LoadBalancer, moved, pair
from tests.render.cases import CONFIG

MakePair: TypeAlias = Callable[[Config], tuple[LoadBalancer, LoadBalancer]]


@pytest.fixture
def make_pair(tmp_path: Path) -> Iterator[MakePair]:
    """Makes the two nodes of a config."""
    with ExitStack() as stack:
        yield lambda config: stack.enter_context(pair(config, tmp_path))


@pytest.fixture
def stopped(make_pair: MakePair) -> tuple[LoadBalancer, LoadBalancer]:
    """The plain pair, keepalived not yet started."""
    return make_pair(CONFIG)


@pytest.fixture
def running(stopped: tuple[LoadBalancer, LoadBalancer]) -> tuple[LoadBalancer, LoadBalancer]:
    """The plain pair, the first node holding the VIP."""
    start(*stopped)
    return stopped


def start(first: LoadBalancer, second: LoadBalancer) -> None:
    """Start the first one, until it holds every VIP; then the second one, until it has settled as its standby."""
    first.start()
    moved(second, first)
    second.start()
    second.wait_for_state("BACKUP")
