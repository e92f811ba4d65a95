"""An old holder, a new holder and a client on one switch, and a VIP that moves between the first two."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from halbd.model.config import Address
from tests.render.netns import add_address, link, namespace, run
from tests.system.within import fresh_name, within

PORT = 6443


@dataclass(frozen=True, slots=True)
class Lan:
    """The namespaces, and the VIP, which is at the old holder first."""

    old: str
    new: str
    client: str
    vip: Address

    def take(self, place: str) -> None:
        """The VIP arrives there, and the client is told (as by a gratuitous ARP)."""
        run("ip", "-n", place, "addr", "add", self._prefix, "dev", "eth0", *["nodad"][: self.vip.version == 6])
        run("ip", "-n", self.client, "neigh", "flush", "dev", "eth0")

    def lose(self, place: str) -> None:
        """The VIP leaves."""
        run("ip", "-n", place, "addr", "del", self._prefix, "dev", "eth0")

    @property
    def _prefix(self) -> str:
        return f"{self.vip}/{self.vip.max_prefixlen}"

    def listen(self, place: str, any_address: str = "") -> socket.socket:
        """A listener on every address there; "::" takes IPv4 as well (ipv6(7))."""
        wide = any_address or ("0.0.0.0" if self.vip.version == 4 else "::")

        def listen() -> socket.socket:
            if ":" in wide:
                return socket.create_server((wide, PORT), family=socket.AF_INET6, dualstack_ipv6=True)
            return socket.create_server((wide, PORT))

        return within(place, listen)

    def connect(self, to: str = "") -> socket.socket:
        """A connection of the client's."""
        one = within(self.client, lambda: socket.create_connection((to or str(self.vip), PORT), 10))
        one.settimeout(10)
        return one


@contextmanager
def lan(vip: Address) -> Iterator[Lan]:
    """All of them, linked, the VIP at the old holder; gone afterwards."""
    with ExitStack() as stack:
        switch, old, new, client = (stack.enter_context(namespace(fresh_name())) for _ in range(4))
        run("ip", "-n", switch, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", switch, "link", "set", "br0", "up")
        for number, place in enumerate((old, new, client), 1):
            link((place, "eth0"), (switch, f"port{number}"))
            run("ip", "-n", switch, "link", "set", f"port{number}", "master", "br0")
            add_address(place, "eth0", f"10.99.0.{number}/24")
            add_address(place, "eth0", f"2001:db8::{number}/64")
        one = Lan(old, new, client, vip)
        one.take(one.old)
        yield one
