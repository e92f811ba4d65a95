"""Rules about `frontends` and what they listen on."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.model.config import Frontend
from halbd.parse.finding import Finding, where
from halbd.parse.rules.common import unique
from halbd.parse.view import View, carried


def frontend_names(view: View) -> Iterator[Finding]:
    """No name twice."""
    places = ((("frontends", i, "name"), frontend.name) for i, frontend in enumerate(view.frontends))
    return unique(places, "give each frontend its own name")


def one_listener(view: View) -> Iterator[Finding]:
    """No address and port twice; * is every address."""
    for i, frontend in enumerate(view.frontends):
        first = next((j for j, other in enumerate(view.frontends[:i]) if _clash(frontend, other)), None)
        if first is not None:
            what = f"port {frontend.port} is already taken by {where(('frontends', first))}"
            yield Finding(("frontends", i, "port"), what, "write another port, or another bind for both")


def _clash(one: Frontend, other: Frontend) -> bool:
    return one.port == other.port and (one.bind == other.bind or None in {one.bind, other.bind})


def bind_address(view: View) -> Iterator[Finding]:
    """An address is a VIP, or this machine's own."""
    here = {vip.address for vip in view.vips} | carried(view.host)
    for i, frontend in enumerate(view.frontends):
        bind = frontend.bind
        if view.at_home and bind is not None and bind not in here and not bind.is_loopback:
            vips = " or ".join(str(vip.address) for vip in view.vips)
            what = f"{bind} is neither a VIP nor an address of this machine"
            yield Finding(("frontends", i, "bind"), what, f'write "*", or the VIP {vips}')


def insecure_or_ca(view: View) -> Iterator[Finding]:
    """Certificates are verified or they are not."""
    for i, frontend in enumerate(view.file.frontends):
        if frontend.check.insecure and frontend.check.ca_file is not None:
            place = ("frontends", i, "check", "insecure")
            yield Finding(
                place, "insecure: true leaves no use for ca_file", "keep ca_file and remove insecure, or the reverse"
            )
