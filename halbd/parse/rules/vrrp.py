"""Rules about `vrrp`."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.model.config import OnNoServers
from halbd.parse.finding import Finding
from halbd.parse.view import View

_LONGEST_VERSION_3 = 40.95
"""4095 centiseconds: RFC 5798, 5.2.7, has twelve bits for them."""


def advert_int(view: View) -> Iterator[Finding]:
    """Version 2 counts whole seconds (RFC 3768, 5.3.7), version 3 centiseconds."""
    vrrp = view.file.vrrp
    place = ("vrrp", "advert_int")
    if vrrp.version == 2:
        if vrrp.advert_int < 1 or vrrp.advert_int % 1:
            default = "" if "advert_int" in vrrp.model_fields_set else " (the default)"
            what = f"{vrrp.advert_int:g}{default} is no whole number of seconds, and VRRP version 2 has only those"
            yield Finding(place, what, "write advert_int: 1, or version: 3")
    elif vrrp.advert_int > _LONGEST_VERSION_3:
        what = f"{vrrp.advert_int:g} is longer than VRRP version 3 can say"
        yield Finding(place, what, f"write {_LONGEST_VERSION_3} or less")
    elif abs(vrrp.advert_int * 100 - round(vrrp.advert_int * 100)) > 1e-6:
        what = f"{vrrp.advert_int:g} is no whole number of centiseconds"
        yield Finding(place, what, f"write {round(vrrp.advert_int, 2) or 0.01:g}")


def auth_version(view: View) -> Iterator[Finding]:
    """Version 3 has no authentication (RFC 5798, 9), and keepalived -t refuses it."""
    if view.file.vrrp.version != 2 and view.file.vrrp.auth_pass_file is not None:
        place = ("vrrp", "auth_pass_file")
        yield Finding(place, "VRRP version 3 has no password", "leave auth_pass_file out, or write version: 2")


def preempt_and_lowering(view: View) -> Iterator[Finding]:
    """A node that does not preempt never acts on a peer's lowered priority."""
    if not view.file.vrrp.preempt and view.file.health.on_no_servers == OnNoServers.LOWER_PRIORITY:
        what = "false excludes health.on_no_servers: lower_priority, since no node would act on a lowered priority"
        yield Finding(("vrrp", "preempt"), what, "write preempt: true, or health.on_no_servers: fail or ignore")


def preempt_delay(view: View) -> Iterator[Finding]:
    """There is nothing to delay where nothing is taken back."""
    if not view.file.vrrp.preempt and view.file.vrrp.preempt_delay:
        place = ("vrrp", "preempt_delay")
        yield Finding(
            place, "there is nothing to delay under preempt: false", "leave preempt_delay out, or write preempt: true"
        )
