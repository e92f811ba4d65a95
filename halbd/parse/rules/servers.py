"""Rules about the servers of each frontend."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from halbd.model.config import Frontend, is_address
from halbd.parse.finding import Finding, Place
from halbd.parse.rules.common import unique
from halbd.parse.view import View


def server_names(view: View) -> Iterator[Finding]:
    """No name twice within a frontend."""
    for i, frontend in enumerate(view.frontends):
        places = ((_place(i, j, "name"), server.name) for j, server in enumerate(frontend.servers))
        if not any(
            True for _ in _twice(i, frontend)
        ):  # twice the same server has twice the same name: one word is enough
            yield from unique(places, "give each server its own name")


def certificate_names(view: View) -> Iterator[Finding]:
    """HAProxy compares the name of a check with DNS names only: a right address in the certificate does not count."""
    for i, frontend in enumerate(view.frontends):
        check = view.file.frontends[i].check
        if check.scheme == "https" and not check.insecure and is_address(check.server_name):
            yield Finding(
                ("frontends", i, "check", "server_name"),
                f"{check.server_name} is an address, and certificates are judged by name",
                f"write a DNS name of the certificates of {frontend.name}'s servers, such as kubernetes",
            )


def server_addresses(view: View) -> Iterator[Finding]:
    """No address and port twice within a frontend: each would be checked, and counted, twice."""
    for i, frontend in enumerate(view.frontends):
        yield from _twice(i, frontend)


def _twice(i: int, frontend: Frontend) -> Iterator[Finding]:
    places = ((_place(i, j), f"{server.address} port {server.port}") for j, server in enumerate(frontend.servers))
    return unique(places, "write each server once; weight gives it a greater share")


def no_loop(view: View) -> Iterator[Finding]:
    """A server is not the frontend itself: each connection would come back for ever."""
    vips = {vip.address for vip in view.vips}
    everywhere = {str(address) for address in (*vips, *(node.address for node in view.nodes))}
    for i, frontend in enumerate(view.frontends):
        own = everywhere if frontend.bind is None else {str(frontend.bind)}
        probed = frontend.bind is None or frontend.bind in vips  # it listens on loopback as well
        for j, server in enumerate(frontend.servers):
            here = server.address in own or (probed and _loopback(server.address))
            if here and server.port == frontend.port:
                what = f"{server.address} port {server.port} is where this frontend itself listens"
                yield Finding(
                    _place(i, j), what, "write the API server's own address and port, or another frontend port"
                )


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def not_all_backup(view: View) -> Iterator[Finding]:
    """A backup stands behind something."""
    for i, frontend in enumerate(view.frontends):
        if all(server.backup for server in frontend.servers):
            yield Finding(
                ("frontends", i, "servers"), "every server is a backup", "write backup: true for fewer of them"
            )


def _place(frontend: int, server: int, *key: str) -> Place:
    return ("frontends", frontend, "servers", server, *key)
