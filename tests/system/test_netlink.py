"""Addresses that come and go, as the kernel tells it in a namespace of its own."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, TypeAlias

import pytest

from halbd.model.config import Address
from halbd.model.events import AddressChanged, AddressesDumped
from halbd.system import netlink
from halbd.system.programs import find
from tests.render.netns import add_address, addresses, link, namespace, run, wait_until
from tests.system.within import fresh_name, within

pytestmark = pytest.mark.root

Event: TypeAlias = AddressChanged | AddressesDumped
Present: TypeAlias = frozenset[tuple[Address, str]]

VIP = ip_address("10.99.0.4")
VIP6 = ip_address("2001:db8::4")
CHANGES = 10_000


@pytest.fixture
def place() -> Iterator[str]:
    with namespace(fresh_name()) as place:
        link((place, "eth0"), (place, "peer0"))
        yield place


def watched(place: str, script: Callable[[AsyncIterator[Event]], Coroutine[Any, Any, None]]) -> None:
    """Run a script against the events of that namespace."""

    async def watch() -> None:
        async with asyncio.timeout(60), contextlib.aclosing(netlink.watch("found when halbd started")) as events:
            await script(events)

    within(place, lambda: asyncio.run(watch()))


async def next_of(events: AsyncIterator[Event], *addresses: Address) -> AddressChanged:
    """The next change of one of these addresses; the kernel makes link-local ones of its own."""
    async for event in events:
        if isinstance(event, AddressChanged) and event.address in addresses:
            return replace(event, port=0)
    raise AssertionError("the events have ended")


def test_it_begins_with_everything_there_is(place: str) -> None:
    add_address(place, "eth0", f"{VIP}/32")
    add_address(place, "eth0", f"{VIP6}/128")

    async def script(events: AsyncIterator[Event]) -> None:
        first = await anext(events)
        assert isinstance(first, AddressesDumped)
        assert first.present >= {(VIP, "eth0"), (VIP6, "eth0"), (ip_address("127.0.0.1"), "lo")}
        assert first.why == "found when halbd started"

    watched(place, script)


@pytest.mark.parametrize("address", [VIP, VIP6], ids=["IPv4", "IPv6"])
def test_an_address_is_seen_to_come_and_to_go(place: str, address: Address) -> None:
    async def script(events: AsyncIterator[Event]) -> None:
        await anext(events)
        # nodad: else the kernel tells of an IPv6 address twice, tentative and then usable.
        run("ip", "-n", place, "addr", "add", str(address), "dev", "eth0", *["nodad"][: address.version == 6])
        assert await next_of(events, address) == AddressChanged(address, "eth0", present=True)
        run("ip", "-n", place, "addr", "del", str(address), "dev", "eth0")
        assert await next_of(events, address) == AddressChanged(address, "eth0", present=False)

    watched(place, script)


def test_an_interface_that_is_born_later_is_known_by_its_name(place: str) -> None:
    async def script(events: AsyncIterator[Event]) -> None:
        await anext(events)
        run("ip", "-n", place, "link", "add", "late0", "type", "veth", "peer", "name", "late1")
        add_address(place, "late0", f"{VIP}/32")
        assert await next_of(events, VIP) == AddressChanged(VIP, "late0", present=True)

    watched(place, script)


def test_an_address_goes_with_its_interface(place: str) -> None:
    add_address(place, "eth0", f"{VIP}/32")

    async def script(events: AsyncIterator[Event]) -> None:
        await anext(events)
        run("ip", "-n", place, "link", "del", "eth0")
        assert await next_of(events, VIP) == AddressChanged(VIP, "eth0", present=False, up=False)

    watched(place, script)


def test_after_an_overrun_the_picture_is_right(place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The consumer is blocked while addresses change 10,000 times, far more than its socket holds (netlink(7))."""
    batch = tmp_path_factory.mktemp("batch") / "changes"
    pairs = (
        f"addr add 10.98.0.{i % 250}/32 dev eth0\naddr del 10.98.0.{i % 250}/32 dev eth0" for i in range(CHANGES // 2)
    )
    batch.write_text("\n".join(("addr del 10.97.0.1/32 dev eth0", *pairs, f"addr add {VIP}/32 dev eth0", "")))
    gone = ip_address("10.97.0.1")
    add_address(place, "eth0", f"{gone}/32")

    async def script(events: AsyncIterator[Event]) -> None:
        present = set((await first(events)).present)
        assert (gone, "eth0") in present
        run("ip", "-n", place, "-batch", str(batch))  # blocks the loop
        whys = []
        async for event in events:
            if isinstance(event, AddressesDumped):
                present = set(event.present)
                whys.append(event.why)
            else:
                one = (event.address, event.interface)
                (present.add if event.present else present.discard)(one)
            if whys and (VIP, "eth0") in present:
                break
        assert whys == ["found after a netlink overrun"]
        assert (gone, "eth0") not in present
        assert not any(str(address).startswith("10.98.") for address, _ in present)
        run("ip", "-n", place, "addr", "del", f"{VIP}/32", "dev", "eth0")  # and on it goes
        assert await next_of(events, VIP) == AddressChanged(VIP, "eth0", present=False)

    watched(place, script)


def test_no_change_of_a_vip_is_lost_in_a_burst_of_others(place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody reads while addresses change 10,000 times, and the VIP comes and goes among them 100 times."""
    batch = tmp_path_factory.mktemp("batch") / "changes"
    others = [f"addr {word} 10.98.0.{n}/32 dev eth0" for n in range(CHANGES // 200) for word in ("add", "del")]
    own = [f"addr {'del' if i % 2 else 'add'} {VIP}/32 dev eth0" for i in range(100)]
    batch.write_text("\n".join(line for one in own for line in (*others, one)) + "\n")

    async def burst() -> None:
        async with asyncio.timeout(60), contextlib.aclosing(netlink.watch("at first", [VIP, VIP6])) as events:
            await first(events)
            run("ip", "-n", place, "-batch", str(batch))  # blocks the loop
            seen = [await anext(events) for _ in own]
        told = [(one.address, one.present) for one in seen if isinstance(one, AddressChanged)]
        assert told == [(VIP, i % 2 == 0) for i in range(100)]

    within(place, lambda: asyncio.run(burst()))


@pytest.mark.parametrize("vips", [(VIP,), (VIP6,), (VIP, VIP6), (VIP6, VIP)], ids=["4", "6", "4 and 6", "6 and 4"])
def test_of_addresses_those_that_were_asked_for_are_told(place: str, vips: tuple[Address, ...]) -> None:
    async def watch() -> None:
        async with asyncio.timeout(60), contextlib.aclosing(netlink.watch("at first", vips)) as events:
            await first(events)
            for vip in vips:
                for address in ("10.99.0.5", "2001:db8::5", vip):
                    run(
                        "ip", "-n", place, "addr", "add", str(address), "dev", "eth0", *["nodad"][: ":" in str(address)]
                    )
                one = await anext(events)
                assert isinstance(one, AddressChanged)
                assert (one.address, one.interface, one.present) == (vip, "eth0", True)
                for address in ("10.99.0.5", "2001:db8::5"):
                    run("ip", "-n", place, "addr", "del", address, "dev", "eth0")

    within(place, lambda: asyncio.run(watch()))


async def first(events: AsyncIterator[Event]) -> AddressesDumped:
    event = await anext(events)
    assert isinstance(event, AddressesDumped)
    return event


def test_a_dump_among_changes_ends_with_the_right_picture(place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The kernel marks a dump that changed under way (NLM_F_DUMP_INTR, rtnetlink(7))."""
    batch = tmp_path_factory.mktemp("batch") / "changes"
    rounds = [(i >> 8, i & 255) for i in range(1500)]
    batch.write_text(
        "".join(f"addr add 10.98.{a}.{b}/32 dev eth0\n" for a, b in rounds) + f"addr add {VIP}/32 dev eth0\n"
    )

    async def script(events: AsyncIterator[Event]) -> None:
        present = set((await first(events)).present)
        while (VIP, "eth0") not in present:
            event = await anext(events)
            assert isinstance(event, AddressChanged)
            present.add((event.address, event.interface))
        assert len({address for address, _ in present if str(address).startswith("10.98.")}) == len(rounds)

    with subprocess.Popen([find("ip"), "-n", place, "-batch", str(batch)]) as changing:
        wait_until(lambda: len(addresses(place)) > 10, "the first changes")
        watched(place, script)
        assert changing.wait(30) == 0
