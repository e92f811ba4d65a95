"""The lab's systemd, on programs that end at once and programs that stay."""

from __future__ import annotations

import asyncio
import configparser
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable
from pathlib import Path

from halbd.lab import units
from halbd.lab.units import Unit

STAYS = ("/bin/sh", "-c", "exec sleep 60")


def play(words: tuple[str, ...], act: Callable[[Unit], Awaitable[None]]) -> Unit:
    """Run a unit of that command while `act` lasts."""

    async def launch() -> Process:
        return await asyncio.create_subprocess_exec(*words, stdin=DEVNULL)

    async def answers() -> bool:
        return True

    async def all_of_it() -> Unit:
        unit = Unit(launch, answers)
        running = asyncio.create_task(unit.run())
        try:
            async with asyncio.timeout(30):
                await unit.up(10)
                await act(unit)
        finally:
            running.cancel()
            unit.kill()
        return unit

    return asyncio.run(all_of_it())


def test_its_times_are_the_unit_files() -> None:
    text = (Path(__file__).parents[2] / "systemd" / "halbd.service").read_text()
    parser = configparser.ConfigParser(strict=False)
    parser.read_string(text)
    service = parser["Service"]
    assert service["Restart"] == "always"
    assert float(service["RestartSec"]) == units.RESTART_SEC
    assert float(service["TimeoutStopSec"]) == units.STOP_LIMIT


def test_a_daemon_that_is_killed_is_started_again() -> None:
    pids = []

    async def act(unit: Unit) -> None:
        for _ in range(2):
            pids.append(unit.pid)
            unit.kill()
            await unit.ended()
            assert await unit.up(10)
        pids.append(unit.pid)

    unit = play(STAYS, act)
    assert None not in pids
    assert len(set(pids)) == 3
    assert [(end.code, end.asked) for end in unit.ends[:2]] == [(-9, True), (-9, True)]
    assert all(absence.until is not None for absence in unit.absences[:3])


def test_a_daemon_that_is_stopped_stays_so_until_it_is_started() -> None:
    async def act(unit: Unit) -> None:
        unit.terminate()
        end = await unit.gone()
        assert end is not None
        assert (end.code, end.asked) == (-15, True)
        assert not await unit.up(2 * units.RESTART_SEC)
        unit.start()
        assert await unit.up(10)

    play(STAYS, act)


def test_a_machine_that_is_off_starts_nothing_until_it_boots() -> None:
    async def act(unit: Unit) -> None:
        unit.power_off()
        await unit.ended()
        assert (unit.ends[0].code, unit.ends[0].asked) == (-9, True)
        assert not await unit.up(2 * units.RESTART_SEC)
        unit.start()
        assert await unit.up(10)

    play(STAYS, act)


def test_an_end_of_its_own_is_no_ones_doing() -> None:
    async def act(unit: Unit) -> None:
        await unit.ended()

    unit = play(("/bin/sh", "-c", "exit 3"), act)
    assert (unit.ends[0].code, unit.ends[0].asked) == (3, False)
