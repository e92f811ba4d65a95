"""Programs that manage the interface of a VIP, and may take addresses off that they did not set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from halbd.decide.doctor.said import fine, unknown, warning, with_config
from halbd.model.config import Config
from halbd.model.facts import Facts, Keeper, Unknown
from halbd.model.findings import Said

NETWORKD = "systemd-networkd"


@with_config
def managers(_: Config, facts: Facts) -> Iterator[Said]:
    """Of systemd-networkd (also where netplan writes its files) and NetworkManager."""
    if isinstance(facts.keepers, Unknown):
        yield unknown(facts.keepers.why)
        return
    for one in facts.keepers:
        if one.keeps:
            yield fine(f"{one.program} manages {one.interface} and leaves foreign addresses alone")
        elif one.program == NETWORKD:
            what = f"{_who(one)} removes the VIP from {one.interface} when it is told to configure it anew"
            yield warning(what, _drop_in(one))
        else:
            what = f"{one.program} manages {one.interface}: activating the connection again removes the VIP"
            yield warning(what, f"halbctl drain before `nmcli connection up` or `device reapply` for {one.interface}")
    if not facts.keepers:
        yield fine("neither systemd-networkd nor NetworkManager manages the interface of a VIP")


def _who(one: Keeper) -> str:
    return f"{one.program} (by netplan)" if "netplan" in PurePath(one.file).name else one.program


def _drop_in(one: Keeper) -> str:
    """KeepConfiguration= in a drop-in, which netplan does not overwrite (systemd.network(5))."""
    folder = f"/etc/systemd/network/{PurePath(one.file).name}.d"
    text = r"[Network]\nKeepConfiguration=static\n"
    return f"mkdir -p {folder} && printf '{text}' > {folder}/halbd.conf && networkctl reload"
