"""Folders and authorities for the hands."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import pytest

from halbd.lab.certs import Authority
from halbd.model.paths import Paths
from tests.system.helped import Way, by_helper


@pytest.fixture
def paths() -> Iterator[Paths]:
    """The three folders, with names short enough for a unix socket and open to other accounts."""
    folder = Path(mkdtemp(prefix="hb-"))
    folder.chmod(0o755)
    paths = Paths(folder / "etc", folder / "run", folder / "lib")
    for one in (paths.configuration, paths.runtime, paths.proxy_folder, paths.state):
        one.mkdir()
    yield paths
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def ca() -> Authority:
    """Signs the certificates of the stand-in API servers."""
    return Authority()


@pytest.fixture(params=["itself", "by its helper"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Way:
    """Both ways in which the daemon has done what takes privileges: this process stands for it."""
    if request.param == "itself":
        return lambda _: nullcontext()
    return partial(by_helper, monkeypatch)
