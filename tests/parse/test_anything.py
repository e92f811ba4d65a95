"""No bytes and no YAML value make the parser raise."""

from __future__ import annotations

from collections.abc import Mapping

import yaml
from hypothesis import given
from hypothesis import strategies as st

from halbd.model.config import Config
from halbd.model.problem import Problem
from halbd.parse.parse import parse
from tests.documents import Given, sound
from tests.sample import HOST, read, sample_yaml
from tests.twisted import damaged, twisted

WRITTEN = (
    "cluster nodes vips vrrp proxy frontends health keepalived metrics log name address priority interface prefer "
    "virtual_router_id version advert_int unicast preempt preempt_delay auth_pass_file kind binary user bind port mode "
    "balance max_connections timeouts connect client server servers weight backup check scheme path expect ca_file "
    "insecure server_name interval timeout rise fall on_no_servers manage config_file listen level format"
)
KEYS = WRITTEN.split()
WORDS = ["*", "10.10.50.2", "10.10.50.4/24", "::1", "a:1", "[::1]:2", "/x", "haproxy", "https", "lb1", "~", "on"]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(WORDS), st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5) | st.integers(), inner, max_size=6)
    ),
    max_leaves=30,
)
SECTIONS = st.dictionaries(st.sampled_from(KEYS[:10]), VALUES, max_size=4)
FRONTEND = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8)


def answered(text: bytes) -> bool:
    """The parser gives a Config, or problems that each are one line."""
    return sensible(parse(text, HOST, read))


def sensible(parsed: Config | tuple[Problem, ...]) -> bool:
    """A Config, or problems: each is one line that a terminal and a log can show, and is told once."""
    if isinstance(parsed, Config):
        return True
    lines = [str(each) for each in parsed]
    return bool(lines) and len(set(lines)) == len(lines) and all(line.isprintable() for line in lines)


@given(st.binary(max_size=400))
def test_bytes(text: bytes) -> None:
    assert answered(text)


@given(st.text(max_size=400))
def test_text(text: str) -> None:
    assert answered(text.encode("utf-8", "surrogatepass"))


@given(st.text(alphabet="ab:-*&!?{}[],'\"\\ \n\t#|>%@`0.~<", max_size=80))
def test_yaml_punctuation(text: str) -> None:
    assert answered(text.encode())


@given(VALUES)
def test_yaml_values(value: object) -> None:
    assert answered(yaml.safe_dump(value).encode())


@given(SECTIONS)
def test_a_sound_file_with_any_sections(sections: Mapping[str, object]) -> None:
    assert answered(sample_yaml(**sections))


@given(FRONTEND)
def test_a_sound_file_with_any_frontend(frontend: dict[str, object]) -> None:
    assert answered(sample_yaml(frontends=[{"name": "f", "port": 1, "servers": ["a:1"]} | frontend]))


@given(sound())
def test_a_sound_document_of_any_shape_is_a_config(one: Given) -> None:
    assert one.config() == one.config()


@given(twisted())
def test_an_almost_right_document_is_answered(case: tuple[Given, bytes]) -> None:
    one, text = case
    assert sensible(one.parsed(text))


@given(damaged())
def test_a_damaged_text_is_answered(case: tuple[Given, bytes]) -> None:
    one, text = case
    assert sensible(one.parsed(text))
