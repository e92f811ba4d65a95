"""No string of the file can add a directive to a generated file: what could is refused at the door."""

from __future__ import annotations

import json

import pytest

from tests.parse.told import told
from tests.sample import sample_yaml

EVIL = ["\n", "\r\n", "\t", " ", '"', "'", "#", "!", "$", "{", "}", "\\", "\0", "\x7f", "\x85", "\u2028", "é", "@"]

# Where a string may be written, as the top-level keys that hold it; %s is the string, quoted.
FIELDS = {
    "cluster": '{"cluster": %s}',
    "node": '{"nodes": [{"name": %s, "address": "10.10.50.2"}, {"name": "b", "address": "10.10.50.3"}]}',
    "node address": '{"nodes": [{"name": "a", "address": %s}]}',
    "vip": '{"vips": [{"address": %s}]}',
    "interface": '{"vips": [{"address": "10.10.50.4", "interface": %s}]}',
    "prefer": '{"vips": [{"address": "10.10.50.4", "prefer": %s}]}',
    "binary": '{"proxy": {"binary": %s}}',
    "user": '{"proxy": {"user": %s}}',
    "kind": '{"proxy": {"kind": %s}}',
    "config_file": '{"keepalived": {"config_file": %s}}',
    "health path": '{"health": {"path": %s}}',
    "frontend": '{"frontends": [{"name": %s, "port": 1, "servers": ["a:1"]}]}',
    "bind": '{"frontends": [{"name": "f", "bind": %s, "port": 1, "servers": ["a:1"]}]}',
    "server": '{"frontends": [{"name": "f", "port": 1, "servers": [%s]}]}',
    "server name": '{"frontends": [{"name": "f", "port": 1, "servers": [{"name": %s, "address": "a", "port": 1}]}]}',
    "server address": '{"frontends": [{"name": "f", "port": 1, "servers": [{"address": %s, "port": 1}]}]}',
    "check path": '{"frontends": [{"name": "f", "port": 1, "servers": ["a:1"], "check": {"path": %s}}]}',
    "server_name": '{"frontends": [{"name": "f", "port": 1, "servers": ["a:1"], "check": {"server_name": %s}}]}',
}
SOUND = {
    "node address": "10.10.50.2",
    "vip": "10.10.50.4",
    "prefer": "lb1",
    "binary": "/usr/sbin/haproxy",
    "kind": "haproxy",
    "config_file": "/etc/k.conf",
    "health path": "/ok",
    "check path": "/ok",
    "bind": "10.10.50.4",
    "server": "api:6443",
}
MEANT = {"health path": "!@", "check path": "!@"}
"""Characters that a URL path may hold (RFC 3986, 3.3); neither program gives them a meaning inside a word."""


def code(evil: str) -> str:
    """An id that can be given to pytest again, on any terminal."""
    return "-".join(f"U+{ord(sign):04X}" for sign in evil)


@pytest.mark.parametrize("evil", EVIL, ids=code)
@pytest.mark.parametrize("field", FIELDS)
def test_a_string_that_could_add_a_directive_is_refused(field: str, evil: str) -> None:
    sound = SOUND.get(field, "word")
    wanted = [] if evil in MEANT.get(field, "") else [sound + evil, evil + sound, f"{sound[:2]}{evil}{sound[2:]}"]
    for value in wanted:
        problems = told(sample_yaml(**json.loads(FIELDS[field] % json.dumps(value))))
        assert problems
        assert all(problem.isprintable() and problem.isascii() for problem in problems)


@pytest.mark.parametrize("evil", ["\n", "\0", "\x7f", "\u2028"], ids=code)
@pytest.mark.parametrize(
    "key", ['"vrrp": {"auth_pass_file": %s}', '"metrics": {"listen": %s}', '"a%sb": 1', '"nodes": %s']
)
def test_a_string_that_could_forge_a_log_line_is_shown_escaped(key: str, evil: str) -> None:
    quoted = json.dumps(evil if key.startswith('"a') else f"a{evil}b")
    text = key % (quoted.strip('"') if key.startswith('"a') else quoted)
    problems = told(sample_yaml(**json.loads(f"{{{text}}}")))
    assert problems
    assert all(problem.isprintable() and problem.isascii() for problem in problems)


@pytest.mark.parametrize("field", FIELDS)
def test_the_sound_string_of_each_field_is_taken(field: str) -> None:
    sound = SOUND.get(field, "word")
    problems = told(sample_yaml(**json.loads(FIELDS[field] % json.dumps(sound))))
    assert not [problem for problem in problems if f"'{sound}' is " in problem]
