"""The one list of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from halbd.parse.finding import Finding
from halbd.parse.rules import frontends, nodes, not_yet, servers, timing, vips, vrrp
from halbd.parse.view import View

RULES: tuple[Callable[[View], Iterator[Finding]], ...] = (
    nodes.own_node,
    nodes.node_names,
    nodes.node_addresses,
    nodes.one_family,
    nodes.priorities,
    nodes.priorities_leave_room,
    nodes.enough_peers,
    vips.vip_addresses,
    vips.vip_is_no_node,
    vips.vip_interface,
    vips.vip_on_network,
    vips.router_ids,
    vips.preferred_node,
    vips.vip_family,
    vrrp.advert_int,
    vrrp.auth_version,
    vrrp.preempt_and_lowering,
    vrrp.preempt_delay,
    frontends.frontend_names,
    frontends.one_listener,
    frontends.probe_address,
    frontends.bind_address,
    frontends.insecure_or_ca,
    servers.server_names,
    servers.certificate_names,
    servers.server_addresses,
    servers.no_loop,
    servers.not_all_backup,
    timing.timeout_within_interval,
    timing.proxy_drops_in_time,
    not_yet.metrics,
)
