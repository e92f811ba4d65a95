"""Every fault by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.sim import outer_faults as outer
from tests.sim import program_faults as program
from tests.sim.fault import Begin


@dataclass(frozen=True, slots=True)
class Fault:
    """`splits`: while it lasts, two nodes or none may hold a VIP."""

    begin: Begin
    splits: bool = False


SPLITTING = {program.keepalived_hang, outer.link_cut, outer.link_one_way, outer.adverts_lost}

FAULTS: Mapping[str, Fault] = {
    begin.__name__: Fault(begin, begin in SPLITTING)
    for begin in (
        program.proxy_kill,
        program.proxy_hang,
        program.proxy_wrong,
        program.proxy_mute,
        program.proxy_cannot_start,
        program.proxy_crash_loop,
        program.keepalived_kill,
        program.keepalived_cannot_start,
        program.keepalived_hang,
        program.daemon_kill,
        program.daemon_hang,
        program.daemon_stop,
        program.drain,
        program.daemon_restart,
        outer.server_refuses,
        outer.server_silent,
        outer.all_servers_refuse,
        outer.all_servers_silent,
        outer.servers_lost_here,
        outer.link_cut,
        outer.link_one_way,
        outer.adverts_lost,
        outer.node_death,
        outer.cannot_write,
        outer.tampered,
        outer.vip_deleted,
        outer.vip_added,
        outer.vip_added_elsewhere,
        outer.vip_blocked,
        outer.overrun,
        outer.files_edited,
        outer.clock_jump,
        outer.reload,
        outer.bad_reload,
    )
}
