"""The text of iptables-save(8) as tables of rules."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from halbd.model.firewall import Chain, Condition, Key, Rule, Table, Verdict

HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "OUTPUT": "output", "POSTROUTING": "postrouting"}
ENDS = {"ACCEPT": Verdict.ACCEPT, "DROP": Verdict.DROP, "REJECT": Verdict.DROP, "RETURN": Verdict.RETURN}
IDLE = {"LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "TRACE", "NOTRACK", "CT", "AUDIT", "SET"}
"""Targets after which a packet goes on (iptables-extensions(8))."""
KEYS = {
    "-p": Key.PROTOCOL,
    "-s": Key.SOURCE,
    "-d": Key.TARGET,
    "-i": Key.IN,
    "-o": Key.OUT,
    "--ctstate": Key.STATE,
    "--state": Key.STATE,
}
SILENT = {"-m", "--comment"}
"""Words that ask nothing by themselves: what a match asks follows it."""


def tables(text: str, family: str) -> tuple[Table, ...]:
    """Every table; `family` is ip or ip6. Raises ValueError for text that nobody would print."""
    found: list[Table] = []
    name, policies, rules = "", dict[str, Verdict](), dict[str, list[Rule]]()
    for line in text.splitlines():
        if line.startswith("*"):
            name, policies, rules = line[1:], {}, {}
        elif line.startswith(":"):
            chain, policy, *_ = line[1:].split()
            policies[chain] = Verdict.DROP if policy == "DROP" else Verdict.ACCEPT
            rules[chain] = []
        elif line.startswith("-A "):
            _, chain, *words = shlex.split(line)
            rules[chain].append(_rule(words, policies))
        elif line == "COMMIT":
            chains = {one: Chain(one, tuple(rules[one]), HOOKS.get(one, ""), policies[one]) for one in rules}
            found.append(Table("iptables", family, name, chains))
    return tuple(found)


def _rule(words: list[str], chains: Mapping[str, Verdict]) -> Rule:
    """A rule whose target is to be found among the options; what follows the target belongs to it."""
    conditions: list[Condition] = []
    for option, values, negated in _options(words):
        if option in {"-j", "-g"}:
            return Rule(tuple(conditions), *_target(option, values[0] if values else "", chains))
        if option in KEYS:
            wanted = tuple(part.lower() if option.startswith("--") else part for part in values[0].split(","))
            if wanted != ("all",):
                conditions.append(Condition(KEYS[option], wanted, negated))
        elif option not in SILENT:
            conditions.append(Condition(Key.OTHER))
    return Rule(tuple(conditions), Verdict.CONTINUE)


def _options(words: list[str]) -> Iterator[tuple[str, list[str], bool]]:
    """Each option with the words up to the next one, and whether a ! stood before it."""
    starts = [i for i, word in enumerate(words) if word.startswith("-")]
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        values = [word for word in words[start + 1 : end] if word != "!"]
        yield words[start], values, start > 0 and words[start - 1] == "!"


def _target(option: str, name: str, chains: Mapping[str, Verdict]) -> tuple[Verdict, str]:
    if name in ENDS:
        return ENDS[name], ""
    if name in chains:
        return (Verdict.GOTO if option == "-g" else Verdict.JUMP), name
    return (Verdict.CONTINUE if name in IDLE else Verdict.UNCLEAR), ""
