"""What the loader is asked for, and what it hands over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from halbd.model.config import Config
from halbd.model.files import FileSet
from halbd.model.paths import Paths
from halbd.system.generations import Source


@dataclass(frozen=True, slots=True)
class Request:
    """Which file to load, as which node; `file` None: the last good generation."""

    paths: Paths
    file: Path | None
    node: str | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config with what it was made from and what it renders to."""

    config: Config
    source: Source
    files: FileSet
