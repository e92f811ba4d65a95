"""What the parser lets in, the writers can write: otherwise a good file would end in a bug."""

from __future__ import annotations

import string
from typing import Any

import pytest

from halbd.model.config import Config
from halbd.model.host import SecretFile
from halbd.parse.parse import parse
from halbd.render.render import render
from tests.render.cases import AROUND
from tests.render.envoy import with_envoy
from tests.sample import HOST, read, sample_yaml


def accepted(secret: bytes = b"x", **top_level: Any) -> bool:
    """Parse, and render what was accepted: that must not raise."""
    parsed = parse(sample_yaml(**top_level), HOST, read, None, lambda _: SecretFile(secret, 0o600))
    if isinstance(parsed, Config):
        render(parsed, AROUND)
        render(with_envoy(parsed), AROUND)
    return isinstance(parsed, Config)


def frontend(**keys: Any) -> dict[str, Any]:
    return {"frontends": [{"name": "a", "port": 1, "servers": ["10.10.50.11:6443"], **keys}]}


@pytest.mark.parametrize("sign", string.printable)
def test_every_sign_that_is_accepted_anywhere_can_be_written(sign: str) -> None:
    word = f"a{sign}b"
    accepted(cluster=word)
    accepted(**frontend(name=word))
    accepted(**frontend(check={"path": f"/{word}"}))
    accepted(**frontend(check={"server_name": word}))
    accepted(**frontend(servers=[{"name": word, "address": "10.10.50.11", "port": 6443}]))
    accepted(**frontend(servers=[f"{word}:6443"]))
    accepted(vips=[{"address": "10.10.50.4", "interface": word}])
    accepted(nodes=[{"name": word, "address": "10.10.50.2"}, {"name": "b", "address": "10.10.50.3"}])
    accepted(health={"path": f"/{word}"})
    accepted(word.encode(), vrrp={"version": 2, "advert_int": 1, "auth_pass_file": "/pass"})


def test_the_plain_cases_are_accepted() -> None:
    assert accepted(**frontend(check={"path": "/readyz?verbose&exclude=etcd"}))
    assert accepted(b"s3cret", vrrp={"version": 2, "advert_int": 1, "auth_pass_file": "/pass"})
