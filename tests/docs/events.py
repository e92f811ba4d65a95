"""The names of all log lines, read from the code: calls of the logger, and `Say`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from halbd.model.child import Program

LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
PACKAGE = Path(__file__).parents[2] / "halbd"


def events() -> dict[str, set[str]]:
    """Every name, and the files that say it. Raises ValueError where a name cannot be told from the code."""
    found: dict[str, set[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for name in _names(ast.parse(file.read_text()), str(file)):
            found.setdefault(name, set()).add(str(file.relative_to(PACKAGE)))
    return found


def _names(tree: ast.AST, file: str) -> Iterator[str]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and (said := _said(call)) is not None:
                    yield from _values(said, function, f"{file}:{call.lineno}")


def _said(call: ast.Call) -> ast.expr | None:
    """The expression that names the line, where this is a call that logs one."""
    match call.func:
        case ast.Name(id="Say"):
            return call.args[1]
        case ast.Call(func=ast.Name(id="at")):  # logs.at(logger, level)(name)
            return None if ast.unparse(call.args[0]) == "effect.event" else call.args[0]  # that one is a Say's
        case ast.Attribute(attr=level, value=logger) if level in LEVELS and "log" in ast.unparse(logger):
            return call.args[0]
        case _:
            return None


def _values(said: ast.expr, function: ast.AST, place: str) -> list[str]:
    """Every value that the expression can have."""
    match said:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=one, orelse=other):
            return _values(one, function, place) + _values(other, function, place)
        case ast.JoinedStr(values=parts):
            return ["".join(each) for each in product(*(_values(part, function, place) for part in parts))]
        case ast.FormattedValue(value=inner):
            return _values(inner, function, place)
        case ast.Name(id="program") | ast.Attribute(attr="program"):
            return [program.value for program in Program]
        case ast.Name(id=name):
            return _assigned(name, function, place)
        case _:
            raise ValueError(f"cannot tell the name of the log line at {place}")


def _assigned(name: str, function: ast.AST, place: str) -> list[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == name for target in node.targets):
            return _values(node.value, function, place)
    raise ValueError(f"cannot tell what {name} is at {place}")
