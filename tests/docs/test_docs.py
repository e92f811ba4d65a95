"""The pages say what the code does, and lead somewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from halbd.model.config import Config
from halbd.model.verdict import Cause
from halbd.parse.parse import parse
from tests.docs.reference import reference
from tests.sample import HOST, read

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]


def test_the_config_reference_is_what_the_schema_says() -> None:
    page = ROOT / "docs" / "config.md"
    if os.environ.get("HALBD_UPDATE_GOLDEN"):
        page.write_text(reference())
    assert page.read_text() == reference()


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
