"""`make mutants`: change one thing at a time in decide/, parse/ and render/, and list what no test notices.

mutmut writes the changed functions. Its own runner starts pytest anew for each of them, and its switch inside every
call takes as long as all the rest; here pytest collects once per room, and a mutant is a fork in which one function
has other code. What that function gave when its module was imported is there already; so a mutant of one that ran then
and that nothing noticed is judged again, by all tests of the room in an interpreter that imports the mutant.
"""

from __future__ import annotations

import ast
import difflib
import gc
import inspect
import json
import mmap
import os
import resource
import shutil
import signal
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from functools import partial, wraps
from math import ceil
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, cast

import mutmut.mutation.trampoline
import pytest
from mutmut.mutation.file_mutation import mutate_file_contents

# Without those that start a program, and those that claim only that nothing raises.
ROOMS = {
    "decide": ["tests/decide"],
    "parse": ["tests/parse", "--ignore=tests/parse/test_anything.py", "--ignore=tests/parse/test_bounds.py"],
    "render": [
        f"tests/render/test_{one}.py" for one in ("golden", "envoy_golden", "edges", "words", "running_haproxy")
    ],
}
MEMORY = 2 << 30  # bytes; an endless loop may also grow
OUTCOMES = {0: "survived", 1: "noticed", -signal.SIGXCPU: "noticed"}
"""By how the fork ends; in any other way no test has said anything."""

AGAIN = 120  # seconds of processor time for all tests of a room
LATE = Path("late.json")
OPTIONS = ["-q", "-s", "--tb=native", "--assert=plain", "--hypothesis-seed=0", "-p", "no:cacheprovider"]

Mutants = dict[str, Any]
found: list[tuple[FunctionType, Mutants]] = []
TraceFunction = Callable[[FrameType, str, Any], Any]


def keep(mutants: Mutants, *, chosen: str = "", **_: object) -> Callable[[FunctionType], FunctionType]:
    """In place of mutmut's switch: leave the function as it is, unless a mutant is chosen, and remember its mutants."""

    def kept(function: FunctionType) -> FunctionType:
        found.append((function, mutants))
        module, _, name = chosen.partition(" ")

        @wraps(function)
        def switched(*args: object, **kwargs: object) -> object:
            return mutants.get(name, function)(*args, **kwargs)  # they are defined after the decorator has run

        return cast("FunctionType", switched) if module == function.__module__ else function

    return kept


def write(tree: Path, asked: tuple[str, ...]) -> None:
    """Copy what the tests read, and write its mutants beside each function of the modules whose names begin so."""
    for name in ("halbd", "tests", "config"):
        shutil.copytree(name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy("pyproject.toml", tree)
    for path in Path("halbd").rglob("*.py"):
        if ".".join(path.with_suffix("").parts).startswith(asked):
            (tree / path).write_text(mutate_file_contents(str(path), path.read_text()).code)


class Judge:
    """A pytest plugin: runs every test once, and then for each mutant those that run what it changes."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.modules = modules
        self.counts: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.lines: dict[CodeType, dict[int, set[int]]] = {}  # of each function, with the tests that run them
        self.order: list[int] = []  # the last that noticed one, and then the quickest
        self.noticed_by = mmap.mmap(-1, 4)  # shared with the forks
        self.imported: set[CodeType] = set()  # what ran before the first test
        self.late: dict[str, str] = {}  # mutants to be judged again
        sys.setprofile(lambda frame, _event, _: self.imported.add(frame.f_code))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judge, instead of running the tests."""
        sys.setprofile(None)
        self.lines = {function.__code__: {} for function, _ in found}
        for at in range(len(session.items)):
            self._watch(session, at)
        assert not session.testsfailed, "the tests fail without any change"
        assert any(function.__module__.startswith(self.modules) for function, _ in found), f"nothing in {self.modules}"
        gc.freeze()  # what is not collected stays shared
        self.order = sorted(range(len(session.items)), key=self.seconds.__getitem__)
        for function, mutants in found:
            if function.__module__.startswith(self.modules):
                self._judge(session, function, mutants)
        LATE.write_text(json.dumps(self.late))
        say(f"{' '.join(self.modules)} {dict(self.counts)}")
        return True

    def _watch(self, session: pytest.Session, at: int) -> None:
        def called(frame: FrameType, _event: str, _: object) -> TraceFunction | None:
            return stepped if frame.f_code in self.lines else None

        def stepped(frame: FrameType, _event: str, _: object) -> TraceFunction:
            self.lines[frame.f_code].setdefault(frame.f_lineno, set()).add(at)
            return stepped

        forget()
        began = time.process_time()
        sys.settrace(called)
        run(session, at)
        sys.settrace(None)
        self.seconds.append(time.process_time() - began)

    def _judge(self, session: pytest.Session, function: FunctionType, mutants: Mutants) -> None:
        lines = self.lines[function.__code__]
        original = mutants.pop("_mutmut_orig")
        above = len(inspect.getsource(function).splitlines()) - len(inspect.getsource(original).splitlines())
        first = function.__code__.co_firstlineno + above  # mutmut's decorator
        own = f"test_{function.__module__.rpartition('.')[2]}.py"
        for name, mutant in mutants.items():
            tests = set[int]().union(*(lines.get(first + at, ()) for at in changed(original, mutant)))
            order = sorted((at for at in self.order if at in tests), key=lambda at: own not in session.items[at].nodeid)
            outcome = self._outcome(session, function, order, mutant)
            if outcome == "noticed":
                at = int.from_bytes(self.noticed_by[:4])
                self.order.remove(at)
                self.order.insert(0, at)
            elif function.__code__ in self.imported:
                outcome = "judged again"
                self.late[f"{function.__module__} {name}"] = difference(original, mutant)
            else:
                say(f"\n{function.__module__} {name} {outcome} ({len(order)} tests)\n{difference(original, mutant)}")
            self.counts[outcome] += 1

    def _outcome(self, session: pytest.Session, function: FunctionType, tests: list[int], mutant: Any) -> str:
        if (pid := os.fork()) == 0:
            swap(function, getattr(mutant, "__func__", mutant))
            for at in tests:
                self.noticed_by[:4] = at.to_bytes(4)
                limit = ceil(time.process_time() + 2 + 10 * self.seconds[at])
                resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
                run(session, at)
                if session.testsfailed:
                    os._exit(1)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return OUTCOMES.get(code, f"ended with {code}")


def run(session: pytest.Session, at: int) -> None:
    item = session.items[at]
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)


def swap(function: FunctionType, mutant: FunctionType) -> None:
    """Change the function itself, whoever holds it."""
    function.__code__ = mutant.__code__
    function.__defaults__, function.__kwdefaults__ = mutant.__defaults__, mutant.__kwdefaults__
    forget()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def forget() -> None:
    """Empty every lru_cache: a test that finds an answer there does not run what gave it."""
    for module in [module for name, module in sys.modules.items() if name.startswith("halbd.")]:
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def changed(original: Any, mutant: Any) -> range:
    """The lines, counted from 0, of the innermost statement that differs; only its head where it has a body."""
    old, new = (textwrap.dedent(inspect.getsource(one)) for one in (original, mutant))
    differing = (i for i, (a, b) in enumerate(zip(old.splitlines(), new.splitlines(), strict=False), 1) if a != b)
    at = next((i for i in differing if i > 1), 1)  # the first holds the name
    around = [one for one in ast.walk(ast.parse(old)) if isinstance(one, ast.stmt) and one.lineno <= at]
    around = sorted((one for one in around if at <= (one.end_lineno or 0)), key=lambda one: one.lineno)
    inner = next((one for one in around[1:] if isinstance(one, ast.FunctionDef)), around[-1])
    body = getattr(inner, "body", []) if len(around) > 1 else []  # a default changes everything
    return range(inner.lineno - 1, body[0].lineno - 1 if body else inner.end_lineno or 0)


def difference(function: Any, mutant: Any) -> str:
    old, new = (inspect.getsource(one).splitlines() for one in (function, mutant))
    return "\n".join(line for line in difflib.ndiff(old, new) if line[0] in "-+" and "__mutmut_" not in line)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()  # before the next fork


def judge_again(tests: list[str]) -> None:
    """Each in an interpreter of its own, which has imported nothing of halbd yet."""
    counts: Counter[str] = Counter()
    for mutant, words in json.loads(LATE.read_text()).items():
        unchanged = mutant.partition(" ")[0]
        assert counts or _imported(unchanged, tests) == "survived", "the tests fail without any change"
        outcome = _imported(mutant, tests)
        if outcome != "noticed":
            say(f"\n{mutant} {outcome} (all tests)\n{words}")
        counts[outcome] += 1
    say(f"again {dict(counts)}")


def _imported(mutant: str, tests: list[str]) -> str:
    if (pid := os.fork()) == 0:
        mutmut.mutation.trampoline.wrap_in_trampoline = partial(keep, chosen=mutant)
        resource.setrlimit(resource.RLIMIT_CPU, (AGAIN, resource.RLIM_INFINITY))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(pytest.main(["-x", *OPTIONS, *tests]) != pytest.ExitCode.OK)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return OUTCOMES.get(code, f"ended with {code}")


def main() -> int:
    """Judge every room, or the modules whose names begin as given: `halbd.decide.guard`. 0 when that was done."""
    asked = tuple(sys.argv[1:]) or tuple(f"halbd.{room}." for room in ROOMS)
    worst = 0
    with tempfile.TemporaryDirectory() as tree:
        write(Path(tree), asked)
        os.chdir(tree)
        sys.path[0] = tree
        mutmut.mutation.trampoline.wrap_in_trampoline = keep
        for room, tests in ROOMS.items():
            modules = tuple(one for one in asked if one.startswith(f"halbd.{room}."))
            if modules and (pid := os.fork()) == 0:
                os._exit(pytest.main([*OPTIONS, *tests], plugins=[Judge(modules)]))
            if modules:
                worst = max(worst, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                judge_again(tests)
    return worst


if __name__ == "__main__":
    sys.exit(main())
