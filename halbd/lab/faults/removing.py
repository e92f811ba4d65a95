"""How a folder is removed under a daemon that puts its files back at once."""

from __future__ import annotations

import shutil
from pathlib import Path


def remove(folder: Path) -> None:
    """Out of the way in one step, and then away: else it might never be empty."""
    aside = folder.rename(folder.with_name(f"{folder.name}.removed"))
    shutil.rmtree(aside)
