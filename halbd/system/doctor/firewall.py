"""What the packet filters have for rules: nftables by nft(8), iptables by iptables-save(8). firewalld writes either."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from halbd.model.errors import HalbdError
from halbd.model.facts import Filters
from halbd.model.firewall import Table
from halbd.system.doctor import iptables, nft
from halbd.system.programs import find
from halbd.system.run import produce, run

DEADLINE = 10.0
"""Seconds: a node of a cluster may have tens of thousands of rules."""
T = TypeVar("T")


def filters() -> Filters:
    """All that can be read. Raises HalbdError where a program's answer is not understood."""
    old = (*_saved("iptables-save", "ip"), *_saved("ip6tables-save", "ip6"))
    try:
        program = find("nft")
    except HalbdError:
        return Filters(old, "nft is not installed: rules of nftables, if there are any, were not read", _firewalld())
    said = produce([program, "-j", "list", "ruleset"], b"", DEADLINE)
    known = {(one.family, one.name) for one in old}
    # iptables may keep its rules in nftables, which then shows them with parts that only iptables can read.
    new = tuple(one for one in _read(program, lambda: nft.tables(json.loads(said))) if _key(one) not in known)
    return Filters((*new, *old), firewalld=_firewalld())


def _saved(name: str, family: str) -> tuple[Table, ...]:
    """Its tables; none where it is not installed, or where the kernel has none for it."""
    try:
        said = produce([find(name)], b"", DEADLINE).decode(errors="replace")
    except HalbdError:
        return ()
    return _read(name, lambda: iptables.tables(said, family))


def _read(program: str, reader: Callable[[], T]) -> T:
    try:
        return reader()
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, StopIteration) as error:
        raise HalbdError(f"cannot understand the rules that {program} prints: {error!r}") from error


def _key(table: Table) -> tuple[str, str]:
    return table.family, table.name


def _firewalld() -> bool:
    try:
        return run(["firewall-cmd", "--state"], DEADLINE).code == 0
    except HalbdError:
        return False
