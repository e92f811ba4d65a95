from __future__ import annotations

import json
from pathlib import Path

import pytest

from halbd.lab.chronicle import Chronicle, Told, covers
from halbd.lab.measure import Change
from halbd.lab.units import Absence, End, Unit

VIP, OTHER = "10.10.50.4", "10.10.50.5"


def told(words: str, vip: str = VIP) -> list[Told]:
    """Reads "gl?" as: gained, then lost while no daemon was there."""
    pairs = zip(words, f"{words[1:]} ", strict=False)
    return [Told(vip, letter == "g", sure=after != "?") for letter, after in pairs if letter != "?"]


def written(letters: str, vip: str = VIP) -> list[tuple[str, bool]]:
    return [(vip, letter == "g") for letter in letters]


@pytest.mark.parametrize(
    ("kernel", "history"), [("", ""), ("glg", "glg"), ("gl?g?", "g"), ("gl?g?", "glg"), ("l?", "l"), ("g?l?", "")]
)
def test_a_history_that_tells_it_all_is_right(kernel: str, history: str) -> None:
    assert covers(told(kernel), written(history)) == ""


@pytest.mark.parametrize(
    ("kernel", "history"),
    [("g", ""), ("", "g"), ("gl", "lg"), ("glg", "g"), ("gl", "gll"), ("g", "gg"), ("gl?g?", "gg"), ("gl?g", "gl")],
)
def test_a_loss_a_double_and_a_wrong_order_are_told(kernel: str, history: str) -> None:
    assert VIP in covers(told(kernel), written(history))


def test_each_vip_is_compared_by_itself() -> None:
    kernel = [*told("g"), *told("g", OTHER), *told("l")]
    assert covers(kernel, [*written("gl"), *written("g", OTHER)]) == ""
    words = covers(kernel, [*written("g"), *written("g", OTHER)])
    assert VIP in words
    assert OTHER not in words


def unit() -> Unit:
    """One whose daemon has answered since the beginning."""

    async def never() -> bool:
        return False

    made = Unit(lambda: pytest.fail("not started here"), never)
    made.absences = [Absence(0, 1)]
    return made


def row(change: str, vip: str = VIP) -> str:
    return json.dumps({"vip": vip, "interface": "eth0", "change": change}) + "\n"


def chronicle(file: Path, one: Unit) -> Chronicle:
    """One that has been through a first check, with one line."""
    made = Chronicle("lb1", file, one)
    file.write_text(row("gained"))
    assert made.compare([Change(2, "lb1", VIP, gained=True, interface="eth0")]) == ""
    made.settle()
    return made


def test_only_what_is_new_is_compared(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    follower = chronicle(file, unit())
    file.write_text(row("gained") + row("lost"))
    assert follower.compare([Change(3, "lb1", VIP, gained=False, interface="eth0")]) == ""
    assert "the history has lost" in follower.compare([])


def test_lines_that_were_there_must_stay(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    follower = chronicle(file, unit())
    file.write_text(row("lost"))
    assert "no longer as they were" in follower.compare([Change(3, "lb1", VIP, gained=False, interface="eth0")])


@pytest.mark.parametrize("text", [row("lost"), row("gained") + row("lost")])
def test_a_file_that_was_removed_may_begin_anew_or_be_put_back(tmp_path: Path, text: str) -> None:
    file = tmp_path / "history.jsonl"
    follower = chronicle(file, unit())
    follower.removed()
    file.write_text(text)
    assert follower.compare([Change(3, "lb1", VIP, gained=False, interface="eth0")]) == ""


def test_what_could_not_be_written_may_die_with_the_daemon(tmp_path: Path) -> None:
    file, one = tmp_path / "history.jsonl", unit()
    follower = chronicle(file, one)
    lost = [Change(3, "lb1", VIP, gained=False, interface="eth0"), Change(5, "lb1", VIP, gained=True, interface="eth0")]
    follower.hindered(2.5)
    follower.hindered(None)
    assert follower.compare(lost)
    follower.hindered(2.5)
    one.ends.append(End(4, -9, asked=True))
    follower.hindered(None)
    assert follower.compare(lost) == ""


def test_another_interface_is_another_matter(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    follower = chronicle(file, unit())
    file.write_text(row("gained") + row("gained").replace("eth0", "lo"))
    assert follower.compare([Change(3, "lb1", VIP, gained=True, interface="lo")]) == ""


def test_a_torn_line_is_told(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    follower = Chronicle("lb1", file, unit())
    file.write_text('{"vip": ')
    assert follower.compare([])


def test_the_causes_of_the_losses_since_the_last_check_are_at_hand(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    follower = chronicle(file, unit())
    assert follower.lost() == ()
    lost = row("lost").replace("}", ', "cause": "stopping: offered to the peers"}')
    file.write_text(row("gained") + lost + row("gained"))
    assert follower.lost() == ("stopping: offered to the peers",)
    follower.settle()
    assert follower.lost() == ()
