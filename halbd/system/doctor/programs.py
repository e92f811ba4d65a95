"""Versions and features, by the programs' own words."""

from __future__ import annotations

import re

from halbd.model.config import Proxy, ProxyKind
from halbd.model.errors import HalbdError
from halbd.model.facts import Program
from halbd.system import envoy, haproxy
from halbd.system.programs import find, proxy_binary
from halbd.system.run import run

DEADLINE = 5.0
"""Seconds that a program may take to say what it is."""


def keepalived() -> Program:
    """From `keepalived --version`, which names what it was built with under "Config options"."""
    try:
        words = run([find("keepalived"), "--version"], DEADLINE).words
    except HalbdError as error:
        return Program("keepalived", error=str(error))
    version = re.search(r"Keepalived v(\S+)", words)
    options = re.search(r"^Config options:(.*)$", words, re.MULTILINE)
    return Program("keepalived", version[1] if version else "", frozenset(options[1].split() if options else ()))


def proxy(config: Proxy) -> Program:
    """From `haproxy -vv` (its features with a plus) or `envoy --version`."""
    name = config.kind.value
    try:
        binary = proxy_binary(config)
        if config.kind is ProxyKind.ENVOY:
            return Program(name, envoy.version(binary))
        words = run([binary, "-vv"], DEADLINE).words
        return Program(name, haproxy.version(binary), frozenset(re.findall(r"(?<=\s)\+(\w+)", words)))
    except HalbdError as error:
        return Program(name, error=str(error))
