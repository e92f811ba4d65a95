"""What the real Envoy does with files that it cannot use: it keeps what it had, and says so."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from halbd.model.config import Check, Scheme
from halbd.model.files import File, FileSet
from halbd.render.envoy import CHECK
from halbd.render.render import render
from tests.render.cases import AROUND, CASES, CONFIG
from tests.render.conftest import StartApi, StartEnvoy, in_front_of
from tests.render.envoy import ENVOY, UP, with_envoy
from tests.render.netns import wait_until

_ENDPOINTS = "eds-kube-apiserver.json"

# The file, the damage, the counter that tells of it, and a word of Envoy's reason in its log.
_REJECTED = {
    "servers that are no JSON": (
        _ENDPOINTS,
        lambda _: "{",
        "cluster.kube-apiserver.update_failure",
        "Unable to parse JSON",
    ),
    "servers of another cluster": (
        _ENDPOINTS,
        lambda text: text.replace('"cluster_name": "kube-apiserver"', '"cluster_name": "other"'),
        "cluster.kube-apiserver.update_rejected",
        "Unexpected EDS cluster",
    ),
    "a cluster out of range": (
        "cds.json",
        lambda text: text.replace('"connect_timeout": "5s"', '"connect_timeout": "0s"'),
        "cluster_manager.cds.update_rejected",
        "ConnectTimeout: value must be greater than 0s",
    ),
    "a listener that cannot be bound": (
        "lds.json",
        lambda text: text.replace('"address": "127.0.0.1"', '"address": "192.0.2.1"'),
        "listener_manager.lds.update_rejected",
        "cannot bind",
    ),
}


def damaged(files: FileSet, name: str, damage: Callable[[str], str]) -> FileSet:
    """The files with that one damaged, and named as another version."""
    assert damage(files.text(name)) != files.text(name)
    return FileSet(
        tuple(
            replace(file, text=damage(file.text).replace('"version_info": "', '"version_info": "X'))
            if file.name == name
            else file
            for file in files.files
        )
    )


@pytest.mark.parametrize("case", _REJECTED)
def test_what_envoy_rejects_leaves_the_old_in_force(
    case: str, start_api: StartApi, start_envoy: StartEnvoy, quick: Check
) -> None:
    name, damage, counter, reason = _REJECTED[case]
    config = in_front_of(replace(quick, scheme=Scheme.TCP, ca=None), start_api())
    envoy = start_envoy(config)
    before = envoy.in_force()
    envoy.put(damaged(envoy.render(config), name, damage))
    wait_until(lambda: envoy.stat(counter) == 1, counter)
    assert envoy.in_force() == before
    assert envoy.state("s0") == UP
    told = [line for line in envoy.log().splitlines() if line.startswith("warning config Filesystem config update")]
    assert reason in told[0]
    envoy.change(config)


def validate(files: tuple[File, ...], folder: Path) -> tuple[int, str]:
    """The judgement of the program itself on the file that is made for it."""
    for file in files:
        (folder / file.name).write_text(file.text)
    words = [ENVOY, "--mode", "validate", "-l", "warning", "-c", str(folder / CHECK)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize("case", CASES)
def test_envoy_accepts_what_is_rendered_without_a_word(case: str, tmp_path: Path) -> None:
    assert validate(render(with_envoy(CASES[case]), AROUND).files, tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ('"idle_timeout"', '"idle_timeouts"', "has unknown fields"),
        ('"port_value": 6443', '"port_value": 76443', "value must be less than or equal to 65535"),
        ("BEGIN CERTIFICATE", "BEGIN NOTHING", "Failed to load trusted CA certificates"),
    ],
)
def test_envoy_refuses_a_bad_file(good: str, bad: str, words: str, tmp_path: Path) -> None:
    files = render(with_envoy(CONFIG), AROUND).files
    code, output = validate(tuple(replace(file, text=file.text.replace(good, bad)) for file in files), tmp_path)
    assert code == 1
    assert words in output
