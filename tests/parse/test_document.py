"""What is wrong with the text as YAML."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.parse.told import BASE, edited, told

NOT_A_FILE = {
    "empty": (b"", "the file is empty; nodes, vips and frontends are required"),
    "only a comment": (b"# x\n", "the file is empty; nodes, vips and frontends are required"),
    "only a marker": (b"---\n", "the file is empty; nodes, vips and frontends are required"),
    "not UTF-8": (b"a: b\nc: \xff", "line 2: the file is not UTF-8 text; save it as UTF-8"),
    "not UTF-8 in the midst": (b"\na: b\nc: \xff\nd: e\n", "line 3: the file is not UTF-8 text; save it as UTF-8"),
    "UTF-16": ("a: b".encode("utf-16"), "line 1: the file is not UTF-8 text; save it as UTF-8"),
    "NUL": (b"a: b\nc: \x00", "line 2: the character '\\x00' is not allowed; remove it"),
    "NUL in the midst": (b"\na: b\nc: \x00\nd: e\n", "line 3: the character '\\x00' is not allowed; remove it"),
    "escape": (b"a: \x1b[31m", "line 1: the character '\\x1b' is not allowed; remove it"),
    "too large": (
        b"#" * (1 << 20) + b"\n",
        "the file has 1048577 bytes; 1048576 bytes is the most that is read",
    ),
    "as large as it may be": (b"#" * (1 << 20), "the file is empty; nodes, vips and frontends are required"),
    "two documents": (b"a: 1\n---\nb: 2", "line 2: a second document begins here; remove the line ---"),
    "a tag": (
        b"a: !!python/object/apply:os.system [id]",
        (
            "line 1: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not used here; "
            "remove it; quotes make a string"
        ),
    ),
    "a tag of the user's": (b"a: !x b", "line 1: the tag '!x' is not used here; remove it; quotes make a string"),
    "a list as key": (b"? [a]\n: b", "line 1: a list or mapping stands where a key belongs; a key is one word"),
    "a mapping as key": (b"{a: b}: c", "line 1: a list or mapping stands where a key belongs; a key is one word"),
    "a node in itself": (
        b"a: &a\n  - *a",
        'line 2: the alias *a has no anchor above it; write "*a" in quotes if it is meant as text',
    ),
    "a bind without quotes": (
        b"a: 1\nbind: *",
        (
            "line 2: the file is not YAML: while scanning an alias did not find expected alphabetic or numeric "
            "character; "
            'a word that starts with * needs quotes: "*"'
        ),
    ),
    "too deep": (b"[" * 500, "line 1: the file is nested too deeply; 20 levels is the most"),
    "too deep in blocks": (b"- " * 500, "line 1: the file is nested too deeply; 20 levels is the most"),
}

TOO_MUCH = "the file holds more than 10000 values or 20 levels, once its aliases are read; use fewer aliases"


@pytest.mark.parametrize(("text", "words"), NOT_A_FILE.values(), ids=NOT_A_FILE)
def test_a_text_that_is_no_file_is_one_problem(text: bytes, words: str) -> None:
    assert told(text) == [words]


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("a:\n\tb: 1", 2, "indent with blanks, not with tabs"),
        ("a: @x", 1, "text that begins with @"),
        ("a: [", 2, "needs quotes around it"),
        ('a: "b', 1, "needs quotes around it"),
        ("a: b: c", 1, "needs quotes around it"),
        ("- [2001:db8::1]:6443", 1, "needs quotes around it"),
        ("%YAML 3.0\n---\na", 1, "needs quotes around it"),
        ("a: 1\n b: 2", 2, "needs quotes around it"),
    ],
)
def test_bad_yaml_is_told_with_its_line_and_what_was_meant(text: str, line: int, hint: str) -> None:
    (problem,) = told(text)
    assert problem.startswith(f"line {line}: the file is not YAML: ")
    assert hint in problem


@pytest.mark.parametrize(
    ("text", "what"), [("- a\n- b", "a list"), ("hello", "'hello'"), ("42", "42"), ("true", "true")]
)
def test_a_file_of_one_value_is_told_the_keys(text: str, what: str) -> None:
    (problem,) = told(text)
    assert problem.startswith(f"line 1: {what} stands where keys belong; write one of these below it: cluster, nodes, ")


def test_an_alias_bomb_is_a_problem() -> None:
    names = [f"a{i}" for i in range(12)]
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]" for old, new in pairwise(names)]
    assert [problem.split(": ", 1)[1] for problem in told("\n".join(lines))] == [TOO_MUCH]


def test_a_long_chain_of_aliases_is_a_problem() -> None:
    names = [f"a{i}" for i in range(5000)]
    lines = ["a0: &a0 x", *(f"{new}: &{new} [*{old}]" for old, new in pairwise(names))]
    assert [problem.split(": ", 1)[1] for problem in told("\n".join(lines))] == [TOO_MUCH]


def test_an_alias_stands_for_its_value() -> None:
    port = edited("port: 6443", "port: &port 6443")
    assert told(f"{port}  - name: second\n    port: *port\n    servers: [10.10.50.11:6443]\n") == [
        (
            "line 16: frontends[1].port: port 6443 is already taken by frontends[0]; "
            "write another port, or another bind for both"
        )
    ]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert told(b"\xef\xbb\xbf" + BASE.encode()) == []


def test_a_key_that_stands_twice_is_told_with_both_lines() -> None:
    assert told(f"{BASE}cluster: other\n") == ["line 1: cluster: written twice, on line 1 and on line 15; keep one"]


def test_a_key_that_stands_twice_deep_down_is_told_beside_other_problems() -> None:
    assert told(edited("port: 6443", "port: 6443\n    check: {rise: 2, rise: 3}\n    port: 70000\n    prt: 1")) == [
        "line 11: frontends[0].port: written twice, on line 11 and on line 13; keep one",
        "line 12: frontends[0].check.rise: written twice, on line 12 and on line 12; keep one",
        "line 14: frontends[0].prt: unknown key; did you mean port?",
    ]


@pytest.mark.parametrize(
    "word", ["on", "yes", "no", "off", "y", "n", "0x1f", "0o17", "017", "12:30", "1_000", "2026-01-01"]
)
def test_what_only_yaml_1_1_reads_as_another_type_stays_a_word(word: str) -> None:
    named = edited("name: lb1", f"name: {word}")
    name_is_fine = [] if word != "12:30" else ["line 3: nodes[0].name: '12:30' is not the name of a node"]
    assert [problem.split(";")[0] for problem in told(named)] == name_is_fine


@pytest.mark.parametrize("word", ["~", "null", "Null", "NULL", ""])
def test_every_spelling_of_nothing_is_nothing(word: str) -> None:
    assert told(f"{BASE}proxy:\n  user: {word}\n") == []


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "false", "False", "FALSE"])
def test_every_spelling_of_a_boolean_is_one(word: str) -> None:
    assert told(f"{BASE}vrrp:\n  unicast: {word}\n") == []


@pytest.mark.parametrize("number", ["2", "+2", "2.0", "2.", "+2.5", "20e-1", "2.0E+0", ".25e1"])
def test_every_spelling_of_a_number_is_one(number: str) -> None:
    assert told(edited("port: 6443", f"port: 6443\n    check: {{interval: {number}}}")) == []


def test_too_many_values_are_a_problem_before_they_are_kept() -> None:
    for text in ("- a\n" * 20_001, "a:\n" * 10_001):
        (problem,) = told(text)
        assert problem.endswith(": the file holds too many values; 10000 is the most")
