"""The words in which every check judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TypeAlias

from halbd.model.config import Config
from halbd.model.facts import Facts
from halbd.model.findings import Said, Severity

Judge: TypeAlias = Callable[[Facts], Iterable[Said]]
ConfigJudge: TypeAlias = Callable[[Config, Facts], Iterable[Said]]
SYSCTL_FILE = "/etc/sysctl.d/zz-halbd.conf"


def wrong(what: str, cure: str) -> Said:
    """Something does not work, or will not."""
    return Said(Severity.WRONG, what, cure)


def warning(what: str, cure: str) -> Said:
    """It works, and will cost something one day."""
    return Said(Severity.WARNING, what, cure)


def unknown(what: str, cure: str = "") -> Said:
    """It could not be looked at."""
    return Said(Severity.UNKNOWN, what, cure)


def fine(what: str) -> Said:
    """Nothing to do."""
    return Said(Severity.FINE, what)


def sysctl(settings: Mapping[str, int]) -> str:
    """The command that sets them now and at each start. Its output is what sysctl.d(5) reads; zz- is read last.

    A dot in the name of an interface (a VLAN) is a slash there.
    """
    return f"sysctl -w {' '.join(f'{key}={value}' for key, value in settings.items())} | tee -a {SYSCTL_FILE}"


def with_config(judge: ConfigJudge) -> Judge:
    """A check that can say nothing about a file with problems."""

    @wraps(judge)
    def judged(facts: Facts) -> Iterable[Said]:
        if not isinstance(facts.config, Config):
            return (unknown(f"{facts.file} has problems: those first"),)
        return judge(facts.config, facts)

    return judged
