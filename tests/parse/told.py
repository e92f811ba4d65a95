"""What the parser tells of a text, line by line."""

from __future__ import annotations

from halbd.model.config import Config
from halbd.model.host import Host, ReadFile, ReadSecret
from halbd.parse.parse import parse
from tests.sample import HOST, read

BASE = """\
cluster: kubernetes
nodes:
  - name: lb1
    address: 10.10.50.2
  - name: lb2
    address: 10.10.50.3
vips:
  - address: 10.10.50.4
frontends:
  - name: kube-apiserver
    port: 6443
    servers:
      - 10.10.50.11:6443
      - 10.10.50.12:6443
"""
"""A sound file of 14 lines; what a test adds begins on line 15."""


def told(
    text: str | bytes,
    host: Host = HOST,
    node: str | None = None,
    read_file: ReadFile = read,
    read_secret: ReadSecret | None = None,
) -> list[str]:
    """Every problem as the operator sees it; none where the text is a Config."""
    parsed = parse(text.encode() if isinstance(text, str) else text, host, read_file, node, read_secret)
    return [] if isinstance(parsed, Config) else [str(problem) for problem in parsed]


def edited(old: str, new: str) -> str:
    """BASE with the first `old` replaced."""
    assert old in BASE
    return BASE.replace(old, new, 1)
