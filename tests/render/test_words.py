"""Nothing can be injected: a bad word that slipped past the parser is a bug, and raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halbd.model.config import Config, Vrrp
from halbd.model.files import Surroundings
from halbd.render.render import render
from halbd.render.words import Quoted, block, document, line, number, seconds, section
from tests.render.cases import AROUND, CHECK, CONFIG, FRONTEND, LB1, LB2, VIP, with_check, with_frontend

BAD = [
    *("", "a b", "a\tb", "a\nuser root", "a\rb", "a\x00b", "a\x7fb", "a\x1b[31m", 'a"b', "a'b", "a#b", "a!b", "a\\b"),
    *(
        "a$b",
        "${HOME}",
        "@lb1",
        "{",
        "a}",
        "a;b",
        "~SEQ",
        "a(b",
        "a|b",
        "<file",
        "a`b",
        "naïve",
        "a\u2028b",
        "a\u00a0b",
    ),
]

_SERVER = FRONTEND.servers[0]
_FIELDS: dict[str, Callable[[str], Config]] = {
    "node name": lambda bad: replace(CONFIG, node=replace(LB1, name=bad), nodes=(replace(LB1, name=bad), LB2)),
    "interface": lambda bad: replace(CONFIG, vips=(replace(VIP, interface=bad),)),
    "prefer": lambda bad: replace(CONFIG, vips=(replace(VIP, prefer=bad),)),
    "auth_pass": lambda bad: replace(CONFIG, vrrp=Vrrp(version=2, advert_int=1, auth_pass=bad)),
    "frontend name": lambda bad: with_frontend(replace(FRONTEND, name=bad)),
    "server name": lambda bad: with_frontend(replace(FRONTEND, servers=(replace(_SERVER, name=bad),))),
    "server address": lambda bad: with_frontend(replace(FRONTEND, servers=(replace(_SERVER, address=bad),))),
    "check path": lambda bad: with_check(replace(CHECK, path=bad)),
    "check server_name": lambda bad: with_check(replace(CHECK, server_name=bad)),
}
_AROUND: dict[str, Callable[[str], Surroundings]] = {
    "runtime": lambda bad: replace(AROUND, runtime=Path("/run") / bad),
    "script user": lambda bad: replace(AROUND, script_user=bad),
    "check command": lambda bad: replace(AROUND, check_command=("/usr/bin/python3", bad)),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("field", _FIELDS)
def test_a_bad_word_in_the_config_raises(field: str, bad: str) -> None:
    with pytest.raises(ValueError, match="not a word"):
        render(_FIELDS[field](bad), AROUND)


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad and bad not in {"a b", "a;b", "a(b"}])
@pytest.mark.parametrize("field", ["check command"])
def test_a_bad_argument_of_the_check_raises(field: str, bad: str) -> None:
    """Blanks, brackets and semicolons may stand there: within single quotes, and no shell reads them."""
    with pytest.raises(ValueError, match="not a word"):
        render(CONFIG, _AROUND[field](bad))


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad])
@pytest.mark.parametrize("field", ["runtime", "script user"])
def test_a_bad_word_of_the_machine_raises(field: str, bad: str) -> None:
    with pytest.raises(ValueError, match="not a word"):
        render(CONFIG, _AROUND[field](bad))


def test_a_host_header_cannot_hold_an_expression_of_haproxy() -> None:
    """`http-check send … hdr` takes a log-format string, in which %[…] is evaluated."""
    with pytest.raises(ValueError, match="not a word"):
        render(with_check(replace(CHECK, server_name="%[env(HOME)]")), AROUND)


@given(st.text(max_size=20))
def test_a_line_holds_as_many_words_as_it_was_given(text: str) -> None:
    try:
        written = line("key", text)
    except ValueError:
        return
    assert written.split() == ["key", text]
    assert written.splitlines() == [written]


def test_an_argument_list_becomes_one_word() -> None:
    assert line("script", Quoted(("/bin/sh", "/x"))) == 'script "/bin/sh /x"'
    assert line("script", Quoted(("/bin/sh", "-c", "a; b"))) == """script "/bin/sh -c 'a; b'\""""


def test_blocks_nest() -> None:
    inner = block(line("inner"), [line("key", 1)])
    text = document([*block(line("outer"), inner), *section(line("global"), [line("maxconn", 5)])])
    assert text.partition("\n\n")[2] == ("outer {\n    inner {\n        key 1\n    }\n}\nglobal\n    maxconn 5\n")


@pytest.mark.parametrize(
    ("value", "text"), [(5, "5s"), (0.2, "200ms"), (1.5, "1500ms"), (0.001, "1ms"), (3600, "3600s")]
)
def test_times_for_haproxy(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (0.2, "0.2"), (0.01, "0.01"), (300.0, "300"), (40, "40")])
def test_times_for_keepalived(value: float, text: str) -> None:
    assert number(value) == text
