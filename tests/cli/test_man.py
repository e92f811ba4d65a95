"""The man pages: what --help knows, they know."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from halbd.cli import halbctl, halbd
from halbd.cli.check import USAGE
from halbd.model.paths import Paths
from tests.cli.conftest import ROOT

PAGES = ROOT / "docs" / "man"


def words(page: str) -> str:
    """The page without roff's escapes."""
    return re.sub(r"\\f.|[\\\"]", "", (PAGES / page).read_text())


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}  # noqa: SLF001  # no public name


def verbs() -> dict[str, argparse.ArgumentParser]:
    found = [action for action in halbctl.parser()._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001  # the same
    return dict(found[0].choices)


def entry(verb: str) -> str:
    """The verb's own paragraph."""
    tagged = words("halbctl.8").split(".SH VERBS")[1].split(".SH ")[0].split(".TP\n")
    return next((text for text in tagged if re.match(rf"\.BR? {verb}\b", text)), "")


def test_every_option_of_halbd_is_in_its_page() -> None:
    text = words("halbd.8")
    assert all(option in text for option in options(halbd.parser(Paths.from_environment(os.environ))))


def test_every_option_of_halbd_check_is_in_its_page() -> None:
    text = words("halbd-check.8")
    assert all(option in text for option in re.findall(r"(?<!\w)--?\w+", USAGE.split("\n", maxsplit=1)[0]))
    assert "/run/halbd/halbd.sock" in text


@pytest.mark.parametrize("verb", halbctl.VERBS)
def test_every_verb_is_in_the_page_of_halbctl_with_every_option(verb: str) -> None:
    text = entry(verb)
    assert text
    assert {option for option in options(verbs()[verb]) - {"-h", "--help"} if option not in text} == set()


def test_the_options_of_halbctl_itself_are_in_its_page() -> None:
    assert all(option in words("halbctl.8") for option in options(halbctl.parser()))


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.8")), ids=lambda page: page.name)
def test_man_renders_it_without_a_warning(page: Path) -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        [groff, "-man", "-Tutf8", "-P-cbou", "-ww", str(page)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "NAME" in done.stdout
