"""Rules about `frontends` and what they listen on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from halbd.model.config import Address
from halbd.parse.finding import Finding, where
from halbd.parse.rules.common import unique
from halbd.parse.view import View, carried


def frontend_names(view: View) -> Iterator[Finding]:
    """No name twice."""
    places = ((("frontends", i, "name"), frontend.name) for i, frontend in enumerate(view.frontends))
    return unique(places, "give each frontend its own name")


def one_listener(view: View) -> Iterator[Finding]:
    """No address and port twice; * is every address."""
    first: dict[tuple[int, Address | Literal["any"] | None], int] = {}
    for i, frontend in enumerate(view.frontends):
        port, bind = frontend.port, frontend.bind
        in_the_way = [(port, "any")] if bind is None else [(port, bind), (port, None)]
        taken = [first[key] for key in in_the_way if key in first]
        if taken:
            what = f"port {port} is already taken by {where(('frontends', min(taken)))}"
            yield Finding(("frontends", i, "port"), what, "write another port, or another bind for both")
        first.setdefault((port, bind), i)
        first.setdefault((port, "any"), i)


def probe_address(view: View) -> Iterator[Finding]:
    """A frontend on a VIP listens on loopback besides, for this node's own probes (decide/listen.py)."""
    vips = {vip.address for vip in view.vips}
    probed = {frontend.port: i for i, frontend in reversed([*enumerate(view.frontends)]) if frontend.bind in vips}
    for i, frontend in enumerate(view.frontends):
        if frontend.bind is not None and frontend.bind.is_loopback and frontend.port in probed:
            what = f"this node's own probe of {where(('frontends', probed[frontend.port]))} needs port {frontend.port}"
            yield Finding(("frontends", i, "bind"), f"{what} on loopback", "write another port, or an address")


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
