"""All faults, in the order in which they are played."""

from __future__ import annotations

from halbd.lab.faults import (
    all_servers_down,
    node_death,
    proxy_hang,
    proxy_kill,
    server_death,
    server_poweroff,
    servers_lost_here,
    vrrp_blocked,
)

FAULTS = (
    proxy_kill.FAULT,
    proxy_hang.FAULT,
    node_death.FAULT,
    server_death.FAULT,
    server_poweroff.FAULT,
    all_servers_down.FAULT,
    servers_lost_here.FAULT,
    vrrp_blocked.FAULT,
)
