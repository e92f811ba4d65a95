"""Pydantic's errors in the operator's words."""

from __future__ import annotations

from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from halbd.parse.finding import Finding, Place, show
from halbd.parse.leaves import nearest
from halbd.parse.models import File


def explain(error: ValidationError) -> tuple[Finding, ...]:
    """One finding for each error, at its place in the file."""
    return tuple(map(_finding, genuine(error)))


def genuine(error: ValidationError) -> list[ErrorDetails]:
    """The errors, but for those that only follow from others: a list of wrong entries looks empty to pydantic."""
    listed = error.errors(include_url=False)
    return [each for each in listed if each["type"] != "too_short" or each["input"] == ()]


def _finding(details: ErrorDetails) -> Finding:
    place, found = details["loc"], show(details.get("input"))
    match details["type"]:
        case "told":
            return Finding(place, details["ctx"]["what"], details["ctx"]["hint"])
        case "missing":
            return Finding(place, "is missing", _meaning(place))
        case "extra_forbidden":
            return Finding(place, "unknown key", _known(place))
        case "model_type":
            return Finding(place, f"{found} stands where keys belong", f"write one of these below it: {_keys(place)}")
        case "tuple_type":
            return Finding(
                place, f"{found} stands where a list belongs", 'write each entry on a line of its own, after "- "'
            )
        case "too_short":
            return Finding(place, "the list is empty", "write at least one entry")
        case (
            other
        ):  # pragma: no cover - no other type is reachable; should one appear, its own words are better than none
            return Finding(place, f"{details['msg']} ({other})")


def _meaning(place: Place) -> str:
    field = _section(place[:-1]).model_fields[str(place[-1])]
    return f"add {place[-1]}: {field.description or 'it is required'}".rstrip(".")


def _known(place: Place) -> str:
    known = _section(place[:-1]).model_fields
    meant = nearest(str(place[-1]), known)
    return f"did you mean {meant}?" if meant else f"the keys here are {', '.join(known)}"


def _keys(place: Place) -> str:
    return ", ".join(_section(place).model_fields)


def _section(place: Place) -> type[BaseModel]:
    """The model whose keys stand below that place. Only models are asked for, so every step leads to one."""
    section: type[BaseModel] = File
    for key in (step for step in place if isinstance(step, str)):
        annotation = section.model_fields[key].annotation
        section = (get_args(annotation) or (annotation,))[0]
    return section
