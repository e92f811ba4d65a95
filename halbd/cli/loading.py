"""halbd.yaml as this host sees it, for the verbs that need no daemon. Heavy: import it in run() only."""

from __future__ import annotations

from pathlib import Path

from halbd.cli.options import paths
from halbd.cli.out import complain
from halbd.model.config import Config
from halbd.model.files import FileSet
from halbd.model.problem import Problem
from halbd.parse.parse import parse
from halbd.render.render import render
from halbd.system.generations import last_good
from halbd.system.host import gather, read_file, read_secret
from halbd.system.surroundings import surroundings


def load(file: Path, node: str | None) -> Config | tuple[Problem, ...]:
    """Read and parse the file. One that cannot be read is a problem like any other."""
    try:
        text = file.read_bytes()
    except OSError as problem:
        return (Problem(0, "", f"cannot read it: {problem.strerror}", "name the file with --config FILE"),)
    return parse(text, gather(paths().configuration), read_file, node, read_secret)


def load_in_force(node: str | None) -> Config | None:
    """The config that the daemon put in force, from its own copies of every file; None where they cannot be read."""
    source = last_good(paths())
    if source is None:
        return None
    config = parse(source.text, gather(paths().configuration), source.read, node, source.read_secret)
    return config if isinstance(config, Config) else None


def rendered(config: Config) -> FileSet:
    """The files as the daemon would write them on this host. Raises HalbdError."""
    return render(config, surroundings(paths()))


def sentence(file: Path, problem: Problem) -> str:
    """FILE:LINE: where: what; hint. Editors jump to it."""
    place = f"{file}:{problem.line}" if problem.line else str(file)
    where = f"{problem.where}: " if problem.where else ""
    return f"{place}: {where}{problem.what}" + (f"; {problem.hint}" if problem.hint else "")


def reject(file: Path, problems: tuple[Problem, ...]) -> int:
    """Every problem on stderr; the exit code."""
    for problem in problems:
        complain(sentence(file, problem))
    return 2
