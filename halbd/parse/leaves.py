"""The single values of the file: how each is read, what is said when it is wrong, and its JSON Schema.

Every string that may reach a generated file is held to a list of characters here, so that no value can add a
directive: keepalived.conf(5) and HAProxy's configuration.txt give meaning to blanks, quotes, and to # ! $ @ and braces.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from halbd.model.config import Address
from halbd.parse.finding import show

Json = dict[str, object]

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# A scope (fe80::1%eth0) is free text to ipaddress, so the characters are checked first.
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]+")
_INTERFACE = re.compile(r"[0-9A-Fa-f.:]+(/[1-9][0-9]{0,2})?")
_ADDRESS_HINT = "write an IP address such as 10.10.50.2"


@dataclass(frozen=True, slots=True, eq=False)  # compared as itself: Annotated wants a hash
class Leaf:
    """Pydantic's metadata for one kind of value; `read` raises what `told` makes."""

    read: Callable[[object], object]
    schema: Mapping[str, object]

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Ask `read` alone: its words are better than those of the general validators."""
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, _core: CoreSchema, _handler: GetJsonSchemaHandler) -> Json:
        """What an editor needs for completion."""
        return dict(self.schema)


def told(what: str, hint: str) -> PydanticCustomError:
    """The error that a reader raises: both texts go to the operator as they are."""
    return PydanticCustomError("told", "{what}", {"what": what, "hint": hint})


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was most likely meant, or "". Long input is not compared: it is no misspelling."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1) if len(word) <= 40 else []
    return close[0] if close else ""


def whole(low: int, high: int, noun: str) -> Leaf:
    """A whole number within bounds; `noun` is what it is not when it is wrong ("a port")."""

    def read(value: object) -> int:
        if type(value) is int and low <= value <= high:
            return value
        hint = f"write a whole number from {low} to {high}" + (", without quotes" if isinstance(value, str) else "")
        raise told(f"{show(value)} is not {noun}", hint)

    return Leaf(read, {"type": "integer", "minimum": low, "maximum": high})


def seconds(low: float, high: float, *, or_zero: bool = False) -> Leaf:
    """A number of seconds within bounds, or 0 where that means no limit."""

    def read(value: object) -> float:
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
        if low <= number <= high or (or_zero and number == 0):
            return float(number)
        span = f"{'0 (no limit) or ' if or_zero else ''}from {low:g} to {high:g}"
        quotes = ", without quotes or a unit" if isinstance(value, str) else ""
        raise told(f"{show(value)} is not a time", f"write a number of seconds, {span}{quotes}")

    span: Json = {"type": "number", "minimum": low, "maximum": high}
    return Leaf(read, {"anyOf": [{"const": 0}, span]} if or_zero else span)


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    yes = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
    raise told(
        f"{show(value)} is neither true nor false",
        f"write {yes.get(str(value).lower(), 'true or false')}, without quotes",
    )


TRUTH = Leaf(_truth, {"type": "boolean"})


def choice(kind: type[StrEnum]) -> Leaf:
    """One of an enum's words."""
    words = [member.value for member in kind]

    def read(value: object) -> StrEnum:
        if isinstance(value, str) and value in words:
            return kind(value)
        meant = nearest(value, words) if isinstance(value, str) else ""
        raise told(f"{show(value)} is not one of {', '.join(words)}", f"write {meant or ' or '.join(words)}")

    return Leaf(read, {"type": "string", "enum": words})


def text(pattern: str, longest: int, noun: str, hint: str) -> Leaf:
    """A string that fits the pattern as a whole."""
    fits = re.compile(pattern)

    def read(value: object) -> str:
        if isinstance(value, str) and len(value) <= longest and fits.fullmatch(value):
            return value
        quoted = f', in quotes: "{value}"' if type(value) in {int, float} else ""
        raise told(f"{show(value)} is not {noun}", hint + quoted)

    return Leaf(read, {"type": "string", "pattern": f"^(?:{pattern})$", "maxLength": longest})


def word(noun: str, longest: int = 63, more: str = "") -> Leaf:
    """A name that may stand in every generated file; `more` are further characters for inside it."""
    shown = " ".join(f"_ . - {more}".split())
    return text(
        f"[A-Za-z0-9][A-Za-z0-9_.{more}-]*", longest, noun,
        f"write at most {longest} letters, digits and {shown}, beginning with a letter or digit",
    )  # fmt: skip


def _parsed(value: object) -> Address | None:
    try:
        return ipaddress.ip_address(value) if isinstance(value, str) and _ADDRESS.fullmatch(value) else None
    except ValueError:
        return None


def _address(value: object) -> Address:
    address = _parsed(value)
    if address is None:
        raise told(f"{show(value)} is not an IP address", _ADDRESS_HINT)
    return _usable(address)


def _usable(address: Address) -> Address:
    """Refuse what parses and still names no one machine."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped:
        raise told(f"{address} is an IPv4 address in IPv6 dress", f"write {mapped}")
    if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
        raise told(f"{address} is not the address of one machine", _ADDRESS_HINT)
    return address


def _reached(address: Address) -> Address:
    """Refuse what a connection needs an interface for (RFC 4007, 6), which these keys do not have. VRRP has one."""
    if address.version == 6 and address.is_link_local:
        what = f"{address} is a link-local address, which nobody can connect to without naming an interface"
        raise told(what, "write a global or a unique local one, such as fd00::4")
    return address


def _bind(value: object) -> object:
    if value == "*":
        return value
    if str(value) in {"0.0.0.0", "::"}:
        raise told(f"{show(value)} is not an address of one machine", 'write "*" for every address')
    try:
        return _reached(_address(value))
    except PydanticCustomError as error:
        raise told(error.message(), 'write an IP address, or "*" in quotes for every address') from error


def _interface(value: object) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    try:
        interface = ipaddress.ip_interface(value) if isinstance(value, str) and _INTERFACE.fullmatch(value) else None
    except ValueError:
        interface = None
    if interface is None:
        raise told(
            f"{show(value)} is not an IP address",
            "write an address such as 10.10.50.4, with or without a prefix length",
        )
    _reached(_usable(interface.ip))
    return interface


def host(value: object) -> str:
    """An IP address in its usual spelling, or a host name by RFC 1123, 2.1, in small letters. Raises `told`."""
    if address := _parsed(value):
        return str(_reached(_usable(address)))
    labels = value.split(".") if isinstance(value, str) and len(value) <= 253 else [""]
    # An all-numeric last label is a mistyped address: no top-level domain is a number (RFC 1123, 2.1).
    if labels[-1].isdigit() or not all(_LABEL.fullmatch(label) for label in labels):
        raise told(
            f"{show(value)} is neither an IP address nor a host name",
            "write an address such as 10.10.50.11, or a name of letters, digits, - and .",
        )
    return ".".join(labels).lower()


ADDRESS = Leaf(_address, {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]})
BIND = Leaf(_bind, {"type": "string", "anyOf": [{"const": "*"}, {"format": "ipv4"}, {"format": "ipv6"}]})
INTERFACE = Leaf(_interface, {"type": "string"})
HOST = Leaf(host, {"type": "string", "maxLength": 253})
PORT = whole(1, 65535, "a port")
ABSOLUTE = text(
    r"(/[A-Za-z0-9_+-][A-Za-z0-9_.+-]*)+", 255, "an absolute path of plain words",
    "write a path such as /usr/sbin/haproxy: letters, digits, _ . + - and /",
)  # fmt: skip
FILE = text(
    r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+", 4095, "a file name", "write the name of a file, without control characters"
)
# RFC 3986, 3.3 and 3.4, without what a generated file could read as its own.
HTTP_PATH = text(
    r"/([A-Za-z0-9._&*+,=:/?-]|%[0-9A-Fa-f]{2})*", 1024, "a path that can be asked for",
    "write a path such as /readyz: it begins with / and holds no blanks, quotes, # or a backslash",
)  # fmt: skip
