"""The pages are shipped with what they link to, where the link says it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEB, RPM = ROOT / "packaging/debian/halbd.docs", ROOT / "packaging/halbd.spec"


def shipped() -> Iterator[list[str]]:
    """The names at the top of each package's folder of documentation."""
    yield DEB.read_text().split()
    yield from (line.split()[1:] for line in RPM.read_text().splitlines() if line.startswith("%doc "))


@pytest.mark.parametrize("names", list(shipped()), ids=["deb", "rpm"])
def test_every_link_of_a_shipped_page_leads_to_something_that_is_shipped(names: list[str]) -> None:
    tops = [ROOT / name for name in names]
    pages = [page for top in tops for page in (top.rglob("*.md") if top.is_dir() else [top])]
    links = [(page, link) for page in pages for link in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())]
    ends = {link: (page.parent / link).resolve() for page, link in links}
    assert ROOT / "docs/README.md" in pages
    assert [link for link, end in ends.items() if not any(end.is_relative_to(top) for top in tops)] == []


def test_no_page_is_compressed_or_renamed() -> None:
    """By itself debhelper compresses from 4 KiB on, and renames CHANGELOG.md; then a link to it leads nowhere."""
    rules = (ROOT / "packaging/debian/rules").read_text()
    assert "dh_compress -X.md -X/docs/man/" in rules
    assert "dh_installchangelogs -XCHANGELOG.md" in rules
