"""The two spellings of a server made one."""

from __future__ import annotations

import re

from halbd.parse.finding import show
from halbd.parse.leaves import told

# The brackets of RFC 3986, 3.2.2 keep an IPv6 address apart from its port.
_TEXT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:]*)):(?P<port>[0-9]+)")


def server_from_text(value: object) -> object:
    """The mapping that "host:port" or "[IPv6]:port" stands for; any other value as it is. Raises `told`."""
    if not isinstance(value, str):
        return value
    found = _TEXT.fullmatch(value)
    if not found:
        raise told(f"{show(value)} is not host:port", "write 10.10.50.11:6443, or [2001:db8::11]:6443 for IPv6")
    return {"address": found["v6"] or found["host"], "port": _port(found["port"])}


def _port(digits: str) -> int | str:
    """A number where it is surely one; else the text, which is then refused as a port."""
    return int(digits) if re.fullmatch(r"0|[1-9][0-9]{0,8}", digits) else digits
