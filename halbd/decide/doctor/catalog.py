"""Every check of `halbctl doctor`, in the order in which they are shown; docs/doctor.md is made from it."""

from __future__ import annotations

from dataclasses import dataclass

from halbd.decide.doctor import (
    certificates,
    clock,
    files,
    firewall,
    heard,
    kernel,
    limits,
    managers,
    network,
    ports,
    programs,
    scripts,
    services,
)
from halbd.decide.doctor.said import Judge
from halbd.model.facts import Facts
from halbd.model.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class Check:
    """One question: what it looks at, why that matters, and who judges."""

    name: str
    group: str
    looks_at: str
    why: str
    judge: Judge


CHECKS = (
    Check(
        "config", "config", "every problem of halbd.yaml, and which node this is",
        "a daemon starts on a file without problems only, or on the last good one", files.problems,
    ),
    Check(
        "config-accepted", "config", "`haproxy -c` or `envoy --mode validate`, and `keepalived -t`",
        "what a program refuses is never put in force", files.accepted,
    ),
    Check(
        "config-in-force", "config", "the file on disk against the daemon's own copy",
        "the next restart would change what runs, at a moment that nobody has chosen", files.in_force,
    ),
    Check(
        "keepalived", "programs", "its version (2.2.3 or later) and that VRRP is built in",
        "it moves the VIP; an older one does not know down_timer_adverts, which halbd writes", programs.keepalived,
    ),
    Check(
        "proxy", "programs", "its version (HAProxy 2.4, Envoy 1.36 or later) and that TLS is built in",
        "the rendered files use what those versions brought", programs.proxy,
    ),
    Check(
        "check-script", "programs",
        "owner and mode of every folder and link on the way to halbd-check, its interpreter and setpriv",
        "keepalived drops a check that others could change, and takes the VIP with no check at all; it looks at the "
        "first program of the command only, so the rest is looked at here", scripts.security,
    ),
    Check(
        "halbd-service", "services", "halbd.service runs, stays up and is enabled",
        "without it nobody runs the proxy, now or after a reboot", services.halbd,
    ),
    Check(
        "halbd-helper", "services", "halbd-helper.socket is there while halbd.service runs, and its service stays up",
        "without it halbd serves on, hears no adverts, does not see whether keepalived works, and a hand-over resets "
        "connections", services.helper,
    ),
    Check(
        "keepalived-service", "services",
        "keepalived.service can be started, and was not stopped; its pid files; the sandbox of one that halbd starts",
        "without keepalived this node takes no VIP; halbd does not start it against an operator who stopped it",
        services.keepalived,
    ),
    Check(
        "proxy-service", "services", "haproxy.service and envoy.service of the distribution",
        "halbd runs the proxy itself; of two that want one port the first to start gets it", services.proxy,
    ),
    Check(
        "ports", "services", "who listens on the ports of the frontends",
        "neither proxy's checker sees a port that is taken: the proxy would not start", ports.ports,
    ),
    Check(
        "open-files", "services", "the file limit against max_connections",
        "HAProxy does not start with a limit that is too low", limits.open_files,
    ),
    Check(
        "own-address", "network", "the node's address is on an interface",
        "keepalived goes into FAULT without it, and does not recover when it comes", network.own_address,
    ),
    Check(
        "interface", "network", "the interfaces of the VIPs exist, are up and have a carrier",
        "keepalived does not start without one, and holds no VIP on one that is down", network.interfaces,
    ),
    Check(
        "peers", "network", "each other node answers an echo request, ARP or neighbour discovery",
        "two nodes that do not reach each other both take the VIP", network.peers,
    ),
    Check(
        "vrrp-firewall", "vrrp", "the rules of nftables, iptables and firewalld let IP protocol 112 through, both ways",
        "a node that hears no adverts takes the VIP although another has it", firewall.vrrp,
    ),
    Check(
        "virtual-router-id", "vrrp", "adverts of strangers with our virtual_router_id",
        "two clusters with one number on one network take each other for a peer with a bad config, and both fail",
        heard.strangers,
    ),
    Check(
        "holder", "vrrp", "two nodes that advertise one VIP, or a VIP that answers though nobody advertises it",
        "clients are torn between two machines with one address", heard.holders,
    ),
    Check(
        "peer-config", "vrrp", "VIPs, VRRP version and advert_int of a peer, as its adverts carry them",
        "keepalived throws away the adverts of a peer that differs in these, and both become master", heard.peer_config,
    ),
    Check(
        "address-managers", "network", "systemd-networkd, netplan and NetworkManager on the interface of a VIP",
        "`networkctl reload`, `netplan apply` or `nmcli connection up` takes the VIP away, and connections with it",
        managers.managers,
    ),
    Check(
        "arp", "kernel", "arp_ignore, and a second interface in the subnet of a VIP",
        "a VIP for which the wrong interface or nobody answers ARP cannot be reached", kernel.arp,
    ),
    Check(
        "reverse-path", "kernel", "rp_filter",
        "strict, it drops clients whose packets come in by another interface than answers to them go out",
        kernel.reverse_path,
    ),
    Check(
        "secondaries", "kernel", "promote_secondaries, for a VIP with a prefix length",
        "such a VIP can become the primary address, and takes the node's own along when it leaves", kernel.secondaries,
    ),
    Check(
        "nonlocal-bind", "kernel", "ip_nonlocal_bind",
        "with it keepalived sends adverts from an address that is not here, and nobody notices that it is missing",
        kernel.binding,
    ),
    Check("ipv6", "kernel", "disable_ipv6, for IPv6 VIPs", "the VIP cannot be set", kernel.ipv6),
    Check(
        "clock", "clock", "the kernel's clock is synchronised by NTP",
        "logs and histories of the nodes cannot be laid side by side, and certificates seem expired or not yet valid",
        clock.synchronised,
    ),
    Check(
        "ca", "servers", "how long each certificate of a ca_file is valid",
        "when it ends every server is down for the proxy, all at once", certificates.authorities,
    ),
    Check(
        "servers", "servers", "each server accepts a connection from here",
        "a server that this node does not reach gets no connections from it", certificates.servers,
    ),
    Check(
        "certificates", "servers", "each server's certificate against ca_file and server_name, and when it ends",
        "the proxy's check fails with it, and the server is down", certificates.certificates,
    ),
    Check(
        "answers", "servers", "the status of each server for the path of the check",
        "a status that is not expected is a server that is down", certificates.answers,
    ),
)  # fmt: skip


def examine(facts: Facts) -> tuple[Finding, ...]:
    """All findings: what is wrong first, then in the order of the checks."""
    found = [Finding(one.name, one.group, said, one.why) for one in CHECKS for said in one.judge(facts)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.said.severity)))
