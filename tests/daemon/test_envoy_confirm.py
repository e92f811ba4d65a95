"""Whether a real Envoy has taken up what was put in force, and its words where it has not."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from halbd.daemon.proxy_envoy import Envoy
from halbd.model.config import LogLevel
from halbd.model.errors import FailedError
from halbd.model.evidence import ServerState
from halbd.model.files import FileSet
from halbd.model.paths import Paths
from halbd.render.render import render
from halbd.system import generations, process
from halbd.system.envoy import words as envoy_words
from halbd.system.generations import Source
from halbd.system.programs import proxy_account
from halbd.system.surroundings import surroundings
from tests.render.netns import wait_until
from tests.render.stand_in import free_port
from tests.render.test_envoy_rejected import damaged
from tests.system.conftest import paths  # noqa: F401  # a fixture
from tests.system.test_envoy import config, frontend, running, server, up  # noqa: F401  # one is a fixture

DAMAGES: dict[str, tuple[str, Callable[[str], str], str]] = {
    "servers of another cluster": (
        "eds-api.json",
        lambda text: text.replace('"cluster_name": "api"', '"cluster_name": "other"'),
        "Unexpected EDS cluster",
    ),
    "a listener that cannot be bound": (
        "lds.json",
        lambda text: text.replace('"address": "127.0.0.1"', '"address": "192.0.2.1"'),
        "cannot bind",
    ),
}


def put(at: Paths, files: FileSet) -> None:
    generations.commit(at, generations.stage(at, files, Source(b"", {})), files)


@pytest.mark.root
@pytest.mark.parametrize("case", DAMAGES)
def test_what_envoy_rejects_is_told_in_its_words_and_can_be_taken_back(
    case: str,
    paths: Paths,  # noqa: F811  # the fixture
    up: int,  # noqa: F811  # the fixture
) -> None:
    name, damage, words = DAMAGES[case]
    one = config(frontend(free_port(), server("s0", up)))
    good = render(one, surroundings(paths))
    with running(paths, one) as envoy:
        proxy = Envoy(paths)
        asyncio.run(proxy.reload())
        put(paths, damaged(good, name, damage))
        log = paths.runtime / "log"
        wait_until(lambda: "update rejected" in log.read_text(), "the rejection")
        assert {proxy.level(line) for line in log.read_text().splitlines()} >= {LogLevel.INFO, LogLevel.WARNING}
        with pytest.raises(FailedError, match=rf"^cannot change the running envoy: .*{words}"):
            asyncio.run(reload(Envoy(paths), log))  # another daemon's, which has not seen that it was put in force
        assert envoy.states()["s0"][0] is ServerState.UP
        put(paths, good)
        asyncio.run(proxy.reload())
        put(paths, damaged(good, name, damage))
        with pytest.raises(FailedError, match=rf"^cannot change the running envoy: .*{words}"):
            asyncio.run(reload(proxy, log))
        put(paths, good)


async def reload(proxy: Envoy, log: Path) -> None:
    """While what it prints is read, as in the daemon."""
    with log.open() as lines:
        lines.seek(0, os.SEEK_END)
        reading = asyncio.create_task(read(proxy, lines))
        try:
            await proxy.reload()
        finally:
            reading.cancel()


async def read(proxy: Envoy, lines: IO[str]) -> None:
    while True:
        for line in lines:
            proxy.level(line)
        await asyncio.sleep(0.02)


@pytest.mark.root
def test_what_envoy_rejected_before_is_not_laid_on_a_change_that_it_does_not_answer(
    paths: Paths,  # noqa: F811  # the fixture
    up: int,  # noqa: F811  # the fixture
) -> None:
    one = config(frontend(free_port(), server("s0", up)))
    good = render(one, surroundings(paths))
    name, damage, words = DAMAGES["servers of another cluster"]
    with running(paths, one):
        proxy, log = Envoy(paths), paths.runtime / "log"
        (who,) = process.leaders_with(envoy_words(paths), frozenset({proxy_account(one.proxy).pw_uid}))
        asyncio.run(proxy.reload())
        put(paths, damaged(good, name, damage))
        wait_until(lambda: words in log.read_text(), "the rejection")
        for line in log.read_text().splitlines():
            proxy.level(line)
        put(paths, good)
        os.kill(who.pid, signal.SIGSTOP)
        try:
            with pytest.raises(FailedError, match=r"its admin socket does not answer"):
                asyncio.run(proxy.reload())
        finally:
            os.kill(who.pid, signal.SIGCONT)
        asyncio.run(proxy.reload())


@pytest.mark.root
def test_a_frontend_that_envoy_does_not_list_has_no_server_from_the_second_look_on(
    paths: Paths,  # noqa: F811  # the fixture
    up: int,  # noqa: F811  # the fixture
) -> None:
    one = config(frontend(free_port(), server("s0", up)))
    more = config(frontend(free_port(), server("s0", up)), frontend(free_port(), server("s0", up), name="other"))
    with running(paths, one):
        proxy = Envoy(paths)
        assert asyncio.run(proxy.view(more, 5)).blind == ()
        assert asyncio.run(proxy.view(more, 5)).blind == ("other",)
        assert asyncio.run(proxy.view(one, 5)).blind == ()


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("info main starting", LogLevel.INFO),
        ("warning config odd", LogLevel.WARNING),
        ("critical main error initializing", LogLevel.ERROR),
        ("debug x y", LogLevel.DEBUG),
        ("and so on", LogLevel.INFO),
        ("", LogLevel.INFO),
    ],
)
def test_a_line_is_logged_at_its_own_level(line: str, level: LogLevel) -> None:
    assert Envoy(Paths(Path("/e"), Path("/r"), Path("/s"))).level(line) is level
