"""What the pages tell people to type, write and read is what the programs take and say."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from ipaddress import ip_interface
from pathlib import Path

import pytest

from halbd.decide.change import change
from halbd.decide.status import check, status
from halbd.model.config import Config
from halbd.model.files import Surroundings
from halbd.model.host import Host, HostAddress, SecretFile
from halbd.model.problem import Problem
from halbd.parse.document import load
from halbd.parse.parse import parse
from halbd.render.keepalived import check_command
from halbd.render.render import render
from tests.decide.driver import running
from tests.docs.commands import parsers
from tests.docs.events import events
from tests.docs.page import PAGES, ROOT, blocks, files, patched
from tests.docs.walks import child
from tests.sample import read

COMMAND = re.compile(r"^\w*[#$] (.+)$", re.MULTILINE)
"""A line of a console block that is typed: after a prompt, which may name the node."""
AROUND = Surroundings(
    Path("/run/halbd"), Path("/var/lib/halbd"), "root", check_command(Path("/usr/bin/halbd-check"), Path("/run/h.sock"))
)


def typed(page: Path) -> list[str]:
    """Every halbd or halbctl command of the page, without what it is piped into."""
    lines = [line for block in blocks(page) if block.language == "console" for line in COMMAND.findall(block.text)]
    spans = re.findall(r"`((?:halbctl|halbd) [^`A-Z]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))
    parts = (part.strip() for line in [*lines, *spans] for part in re.split(r"[|;&>]+", line))
    return [part for part in parts if part.split() and part.split()[0] in {"halbctl", "halbd"}]


def refused(command: str) -> str:
    """Why the real parser does not take the command, or ""."""
    name, *words = shlex.split(command)
    try:
        parsers()[name].parse_args(words)
    except argparse.ArgumentError as error:
        return str(error)
    except SystemExit as end:
        return f"exit {end.code}" if end.code else ""
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_is_one(page: Path) -> None:
    assert [command for command in typed(page) if refused(command)] == []


def test_a_wrong_verb_or_option_is_noticed() -> None:
    assert refused("halbctl statuss")
    assert refused("halbctl drain --fro 60")
    assert not refused("halbctl drain --for 60")


WITH_FILES = [page for page in PAGES if any(block.title == "halbd.yaml" for block in blocks(page))]


def configs(text: str) -> Iterator[Config]:
    """The file as each of its nodes sees it; a problem fails the test."""
    found = load(text.encode())
    assert not isinstance(found, Problem), str(found)
    written = found.value
    assert isinstance(written, dict)
    for node in written["nodes"]:
        host = Host((HostAddress("ens192", ip_interface(f"{node['address']}/24")),), Path("/etc/halbd"))
        seen = parse(text.encode(), host, read, read_secret=lambda _: SecretFile(b"k8s-vip\n", 0o600))
        assert isinstance(seen, Config), [str(problem) for problem in seen]
        yield seen


@pytest.mark.parametrize("page", WITH_FILES, ids=lambda page: page.name)
def test_every_file_of_a_page_is_good_and_renders_on_every_node(page: Path) -> None:
    for text in files(page):
        for config in configs(text):
            assert render(config, AROUND).text("keepalived.conf")


def reloads(page: Path) -> Iterator[tuple[str, str, list[str]]]:
    """The file before and after each change of the page, and what the page says that `halbctl reload` then prints."""
    text = after = ""
    for block in blocks(page):
        if block.title == "halbd.yaml":
            text, after = after, patched(after, block.text) if block.language == "diff" else block.text
        elif block.language == "console" and "# halbctl reload\n" in block.text and text:
            said = block.text.partition("# halbctl reload\n")[2].splitlines()
            yield text, after, [line for line in said if line and not COMMAND.match(line)]


def test_what_a_page_says_that_a_reload_prints_is_what_it_prints() -> None:
    seen = 0
    for page in WITH_FILES:
        for before, after, said in reloads(page):
            old, new = next(configs(before)), next(configs(after))
            done = change(old, render(old, AROUND), new, render(new, AROUND))
            prints = [*done.actions, *(f"warning: {warning}" for warning in done.warnings)]
            assert said in ([], prints), page.name
            seen += bool(said)
    assert seen


def test_every_log_line_is_explained_and_no_other() -> None:
    page = (ROOT / "docs/causes.md").read_text()
    section = page.partition("## Log lines")[2].partition("\n## ")[0]
    first_cells = "\n".join(row.split("|")[1] for row in section.splitlines() if row.startswith("| `"))
    assert set(re.findall(r"`([a-z_.]+)`", first_cells)) == set(events())


def test_the_table_above_the_life_of_a_child_is_what_its_functions_do() -> None:
    text = (ROOT / "halbd/decide/life.py").read_text()
    rows = [[cell.strip() for cell in row.split("|")[1:5]] for row in re.findall(r"^\| [a-z].*$", text, re.MULTILINE)]
    told = {(phase, event, after) for phases, event, after, _ in rows for phase in phases.split(", ")}
    assert told - {("phase", "event", "next phase")} <= {(edge.before, edge.event, edge.after) for edge in child()}


def keys(found: object) -> Iterator[str]:
    """Every key at any depth."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield key
            yield from keys(value)
    elif isinstance(found, list):
        for value in found:
            yield from keys(value)


def test_every_field_of_status_and_check_is_explained() -> None:
    node = running(holder=True)
    node.died()
    said = {*keys(status(node.state, node.now)), *keys(check(node.state, node.now))}
    page = (ROOT / "docs/socket.md").read_text()
    assert [key for key in sorted(said) if f"`{key}`" not in page] == []


def test_every_path_of_the_socket_is_explained() -> None:
    routes = re.findall(r'\("(GET|POST)", "(/[a-z]+)"\)', (ROOT / "halbd/daemon/routes.py").read_text())
    page = (ROOT / "docs/socket.md").read_text()
    assert routes
    assert [f"{method} {path}" for method, path in routes if f"`{method} {path}`" not in page] == []


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs/README.md").read_text()
    pages = [str(page.relative_to(ROOT / "docs")) for page in PAGES if page.is_relative_to(ROOT / "docs")]
    found = [page for page in pages if page != "README.md" and not page.startswith("decisions/")]
    assert [page for page in found if f"({page})" not in index] == []
