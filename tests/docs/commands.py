"""docs/commands.md, from the parsers of the three commands."""

from __future__ import annotations

import argparse
from functools import partial

from halbd.cli import check, halbctl, halbd
from halbd.model.paths import Paths

HEAD = """\
# The commands

What each prints for `--help`, in full. This page is made from the programs: `HALBD_UPDATE_GOLDEN=1 pytest tests/docs`.
Root runs them; `halbctl` asks the daemon on its socket ([socket.md](socket.md)). Every `halbctl` verb takes `--json`.
"""
WIDTH = 110


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Every command line there is, by how it begins."""
    found = {"halbd": halbd.parser(Paths.from_environment({})), "halbctl": halbctl.parser()}
    verbs = argparse.ArgumentParser("halbctl").add_subparsers()
    for module in halbctl.VERBS.values():
        module.add(verbs)
    return found | {f"halbctl {verb}": parser for verb, parser in verbs.choices.items()}


def page() -> str:
    """The whole page."""
    sections = [_section(name, _help(parser)) for name, parser in parsers().items()]
    return "\n".join([HEAD, *sections, _section("halbd-check", check.USAGE)])


def _help(parser: argparse.ArgumentParser) -> str:
    parser.formatter_class = partial(argparse.RawDescriptionHelpFormatter, width=WIDTH)
    return parser.format_help()


def _section(name: str, words: str) -> str:
    return f"## {name}\n\n```text\n{words.strip()}\n```\n"
