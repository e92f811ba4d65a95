"""The words in which every check judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TypeAlias

from halbd.model.config import Config
from halbd.model.facts import Facts
from halbd.model.findings import Said, Severity

Judge: TypeAlias = Callable[[Facts], Iterable[Said]]
ConfigJudge: TypeAlias = Callable[[Config, Facts], Iterable[Said]]


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


def with_config(judge: ConfigJudge) -> Judge:
    """A check that can say nothing about a file with problems."""

    @wraps(judge)
    def judged(facts: Facts) -> Iterable[Said]:
        if not isinstance(facts.config, Config):
            return (unknown(f"{facts.file} has problems: those first"),)
        return judge(facts.config, facts)

    return judged
