"""The JSON of `nft -j list ruleset` (libnftables-json(5)) as tables of rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from halbd.model.firewall import Chain, Condition, Key, Rule, Table, Verdict

Json: TypeAlias = Any
Sets: TypeAlias = Mapping[tuple[str, str, str], Sequence[Json]]
"""The elements of named sets and maps, by family, table and name."""
Place: TypeAlias = tuple[str, str]
"""Family and table."""

FAMILIES = {"ip", "ip6", "inet", "netdev"}
OTHER = Condition(Key.OTHER)
ENDS = {
    "accept": Verdict.ACCEPT,
    "drop": Verdict.DROP,
    "reject": Verdict.DROP,
    "return": Verdict.RETURN,
    "continue": Verdict.CONTINUE,
    "queue": Verdict.UNCLEAR,
}
JUMPS = {"jump": Verdict.JUMP, "goto": Verdict.GOTO}
IDLE = {"counter", "log", "mangle", "notrack", "comment", "flow", "ct helper", "set", "map"}
"""Statements that let a packet go on."""
KEYS = {
    ("meta", "l4proto"): Key.PROTOCOL,
    ("meta", "iifname"): Key.IN,
    ("meta", "iif"): Key.IN,
    ("meta", "oifname"): Key.OUT,
    ("meta", "oif"): Key.OUT,
    ("meta", "nfproto"): Key.FAMILY,
    ("meta", "protocol"): Key.FAMILY,
    ("ct", "state"): Key.STATE,
}
FIELDS = {"saddr": Key.SOURCE, "daddr": Key.TARGET, "protocol": Key.PROTOCOL, "nexthdr": Key.PROTOCOL}
SPELLINGS = {"ipv4": "ip", "ipv6": "ip6"}
PORTS = {"tcp", "udp", "sctp", "dccp", "udplite", "icmp", "icmpv6"}
"""Protocols whose fields no other packet has."""


def tables(said: Json) -> tuple[Table, ...]:
    """Every table of ip, ip6, inet and netdev. Raises what anything raises that is not as documented."""
    objects = [next(iter(one.items())) for one in said["nftables"]]
    sets = {(*_place(one), one["name"]): one.get("elem", []) for kind, one in objects if kind in {"set", "map"}}
    rules: dict[tuple[Place, str], list[Rule]] = defaultdict(list)
    for kind, one in objects:
        if kind == "rule":
            rules[_place(one), one["chain"]] += _rules(one["expr"], _place(one), sets)
    chains: dict[Place, dict[str, Chain]] = defaultdict(dict)
    for kind, one in objects:
        if kind == "chain":
            policy = Verdict.DROP if one.get("policy") == "drop" else Verdict.ACCEPT
            its = tuple(rules[_place(one), one["name"]])
            chains[_place(one)][one["name"]] = Chain(one["name"], its, one.get("hook", ""), policy, _devices(one))
    return tuple(Table("nftables", *place, its) for place, its in chains.items() if place[0] in FAMILIES)


def _devices(chain: Json) -> tuple[str, ...]:
    """Of a chain at ingress or egress; nft 1.0.6 does not say."""
    said = chain.get("dev", [])
    return (said,) if isinstance(said, str) else tuple(said)


def _place(one: Json) -> Place:
    return one["family"], one["table"]


def _rules(statements: Sequence[Json], place: Place, sets: Sets) -> Iterator[Rule]:
    """One rule, or one for each verdict of a verdict map."""
    conditions: tuple[Condition, ...] = ()
    for statement in statements:
        name, body = next(iter(statement.items()))
        if name == "match":
            conditions += _conditions(body["op"], body["left"], body["right"], place, sets)
        elif name == "vmap":
            for key, verdict in _elements(body["data"], place, sets) or [(None, {"queue": None})]:
                yield Rule((*conditions, *_conditions("==", body["key"], key, place, sets)), *_verdict(verdict))
        elif name in ENDS or name in JUMPS:
            yield Rule(conditions, *_verdict(statement))
        elif name == "xt" and body and body.get("type") == "target":
            yield Rule(conditions, Verdict.UNCLEAR)
        elif name not in IDLE:
            conditions += (OTHER,)


def _verdict(statement: Json) -> tuple[Verdict, str]:
    name, body = next(iter(statement.items()))
    return (JUMPS[name], body["target"]) if name in JUMPS else (ENDS[name], "")


def _conditions(operator: str, left: Json, right: Json, place: Place, sets: Sets) -> tuple[Condition, ...]:
    """What a match asks. A field of IPv4 or of TCP says besides that the packet is one."""
    key, implied = _key(left)
    values = _values(right, place, sets)
    if key is None or values is None or operator not in {"==", "!=", "in"}:
        return (*implied, OTHER)
    return (*implied, Condition(key, values, operator == "!="))


def _key(left: Json) -> tuple[Key | None, tuple[Condition, ...]]:
    kind, body = next(iter(left.items()))
    if kind == "payload":
        protocol, field = body.get("protocol"), body.get("field")
        if protocol in PORTS:
            return None, (Condition(Key.PROTOCOL, (protocol,)),)
        if protocol in {"ip", "ip6"}:
            return FIELDS.get(field), (Condition(Key.FAMILY, (protocol,)),)
        return None, ()
    return KEYS.get((kind, str(body.get("key")))) if isinstance(body, dict) else None, ()


def _values(right: Json, place: Place, sets: Sets) -> tuple[str, ...] | None:
    """The values of a right side; None where one is not understood."""
    found = _elements(right, place, sets)
    if found is None:
        return None
    values = [_value(one) for one in found]
    known = [value for value in values if value is not None]
    return tuple(known) if len(known) == len(values) else None


def _elements(right: Json, place: Place, sets: Sets) -> Sequence[Json] | None:
    if isinstance(right, str) and right.startswith("@"):
        return sets.get((*place, right[1:]))
    if isinstance(right, list):
        return right
    if isinstance(right, dict) and "set" in right:
        inner = right["set"]
        return inner if isinstance(inner, list) else [inner]
    return [right]


def _value(one: Json) -> str | None:
    if isinstance(one, str | int):
        return SPELLINGS.get(str(one), str(one))
    if isinstance(one, dict) and "elem" in one:
        return _value(one["elem"]["val"])
    if isinstance(one, dict) and "prefix" in one:
        return f"{one['prefix']['addr']}/{one['prefix']['len']}"
    if isinstance(one, dict) and "range" in one:
        first, last = one["range"]
        return f"{first}-{last}"
    return None
