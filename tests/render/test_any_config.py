"""Whatever the parser takes, the real programs take: sound documents over the whole schema, in their hands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from halbd.model.config import ProxyKind
from halbd.render.render import render
from tests.documents import INTERFACES, Given, sound
from tests.render.cases import AROUND
from tests.render.envoy import ENVOY
from tests.render.netns import inside, link, namespace
from tests.render.stand_in import HAPROXY
from tests.render.test_checkers import write

FEW = max(10, settings().max_examples // 10)
"""Programs take a hundred times as long as functions do."""
NO_DNS = ("could not resolve address", "has no nameservers", "can't connect socket for nameserver")
"""There is none in the namespace."""


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """A namespace with every interface that the documents name."""
    with namespace(f"halbd-any-{os.getpid()}") as name:
        for i, interface in enumerate(INTERFACES):
            link((name, interface), (name, f"peer{i}"))
        yield name


def judged(words: tuple[str, ...]) -> tuple[int, str]:
    """The exit code, and all that the program said."""
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return done.returncode, done.stderr + done.stdout


@given(sound())
def test_every_config_is_rendered_and_always_alike(one: Given) -> None:
    config = one.config()
    assert render(config, AROUND) == render(one.config(), AROUND)


@pytest.mark.root
@given(one=sound())
@settings(max_examples=FEW)
def test_haproxy_takes_every_config_without_a_warning(host: str, one: Given) -> None:
    with TemporaryDirectory(prefix="halbd-") as folder:
        write(one.config(), Path(folder))
        code, said = judged(inside(host, HAPROXY, "-c", "-f", f"{folder}/haproxy.cfg"))
    assert code == 0, said
    warnings = [row for row in said.splitlines() if "[WARNING]" in row and not any(each in row for each in NO_DNS)]
    assert warnings == []


@given(sound(kind="envoy"))
@settings(max_examples=FEW)
def test_envoy_takes_every_config(one: Given) -> None:
    assert one.config().proxy.kind is ProxyKind.ENVOY
    with TemporaryDirectory(prefix="halbd-") as folder:
        write(one.config(), Path(folder))
        code, said = judged((ENVOY, "--mode", "validate", "--log-level", "warning", "-c", f"{folder}/envoy-check.json"))
    assert code == 0, said
    assert "[warning]" not in said


@pytest.mark.root
@given(one=sound())
@settings(max_examples=FEW)
def test_keepalived_takes_every_config_without_a_word(host: str, one: Given) -> None:
    with TemporaryDirectory(prefix="halbd-") as folder:
        write(one.config(), Path(folder))
        assert judged(inside(host, "keepalived", "-t", "-f", f"{folder}/keepalived.conf")) == (0, "")
