"""What keepalived.service has been told outlives the daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from halbd.daemon import told_note
from halbd.model.told import Owes, Told


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    told = Told(7, 4711, "abc", Owes.RELOAD | Owes.START)
    told_note.write(tmp_path / "told.json", told)
    assert told_note.read(tmp_path / "told.json") == told


@pytest.mark.parametrize(
    "text", [None, "", "[]", '{"pid": 7}', '{"pid": 7, "start_ticks": 1, "written": "", "owes": 99}', "\xff"], ids=str
)
def test_where_it_cannot_be_read_a_reload_is_owed(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "told.json").write_text(text, encoding="latin-1")
    assert told_note.read(tmp_path / "told.json") == Told(owes=Owes.RELOAD)
