"""All faults, in the order in which they are played."""

from __future__ import annotations

from halbd.lab.faults import (
    all_servers_down,
    bad_config,
    config_removed,
    halbd_hang,
    halbd_kill,
    node_death,
    port_taken,
    proxy_hang,
    proxy_kill,
    server_death,
    server_poweroff,
    servers_lost_here,
    state_folder,
    stop,
    vrrp_blocked,
)

DEMO = (
    proxy_kill.FAULT,
    proxy_hang.FAULT,
    node_death.FAULT,
    server_death.FAULT,
    server_poweroff.FAULT,
    all_servers_down.FAULT,
    servers_lost_here.FAULT,
    vrrp_blocked.FAULT,
)
"""What is played when nothing else is asked for: two minutes that show what the cluster is for."""

FAULTS = (
    *DEMO,
    halbd_kill.FAULT,
    halbd_hang.FAULT,
    stop.FAULT,
    bad_config.FAULT,
    port_taken.FAULT,
    config_removed.FAULT,
    state_folder.FULL,
    state_folder.READONLY,
    state_folder.REMOVED,
)
