"""The pages say what the code does, and lead somewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from halbd.lab.faults.catalog import FAULTS
from halbd.model.config import Config
from halbd.model.verdict import Cause
from halbd.parse.parse import parse
from tests.docs.commands import page as commands_page
from tests.docs.doctor_page import page as doctor_page
from tests.docs.lab_page import page as lab_page
from tests.docs.page import PAGES, ROOT
from tests.docs.reference import reference
from tests.docs.states_page import page as states_page
from tests.sample import HOST, read

MADE = {
    "commands.md": commands_page,
    "config.md": reference,
    "doctor.md": doctor_page,
    "lab.md": lab_page,
    "states.md": states_page,
}
FOLDERS = ("CONFIGURATION_DIRECTORY", "RUNTIME_DIRECTORY", "STATE_DIRECTORY")


@pytest.mark.parametrize("name", MADE)
def test_a_generated_page_is_what_the_code_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in FOLDERS:
        monkeypatch.delenv(folder, raising=False)
    page, made = ROOT / "docs" / name, MADE[name]()
    if os.environ.get("HALBD_UPDATE_GOLDEN"):
        page.write_text(made)
    assert page.read_text() == made


def test_every_fault_says_what_must_hold() -> None:
    assert [fault.name for fault in FAULTS if not fault.holds] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readmes_example_is_a_good_file() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert yaml.safe_load(example)
    assert isinstance(parse(example.encode(), HOST, read), Config)


def test_every_cause_is_explained() -> None:
    page = (ROOT / "docs" / "causes.md").read_text()
    assert [cause for cause in Cause if f"| `{cause}` |" not in page] == []
