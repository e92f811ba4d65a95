"""Configs to render: a plain one, and what differs in each case. Built by hand, so that the parser is not needed."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

from halbd.model.config import (
    Balance,
    Check,
    Config,
    Frontend,
    Health,
    Keepalived,
    Log,
    Mode,
    Node,
    OnNoServers,
    Proxy,
    Scheme,
    Server,
    Timeouts,
    Vip,
    Vrrp,
)
from halbd.model.files import Surroundings
from halbd.render.keepalived import check_command

# A CA certificate that nobody has the key of: the checkers only read it.
CA_PEM = """\
-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIUGXO4Pndi+FviKP2HEXWlgPQDZqUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJZ29sZGVuIENBMCAXDTI2MTEyMDA2MjgyNFoYDzIxMjYxMDI3
MDYyODI0WjAUMRIwEAYDVQQDDAlnb2xkZW4gQ0EwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQ4h6HhrNOBFBYEscenvbqm08f8OwWiHYVfs1qvCCfo/9ayKhnH3AqH
bE3LkQX/psBTA598e8qfsxibn3vTikiNo1MwUTAdBgNVHQ4EFgQU+Le1dCwVJhs+
OXhx3MKHmDFg8DAwHwYDVR0jBBgwFoAU+Le1dCwVJhs+OXhx3MKHmDFg8DAwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAM0q7DR07gseTGOnj5yr+5
PyMbnqjwwdgnX1csRH/gVwIgLiPLYdiulbMydRZzKC5FgS+FwH+4s0NJzNlTT2NM
Wds=
-----END CERTIFICATE-----
"""

EIGHT_BYTES = "s3cret_7"

AROUND = Surroundings(
    runtime=Path("/run/halbd"),
    state=Path("/var/lib/halbd"),
    script_user="root",
    check_command=check_command(Path("/usr/lib/halbd/check.py"), Path("/run/halbd/halbd.sock")),
)

LB1 = Node("lb1", ip_address("10.10.50.2"), 254)
LB2 = Node("lb2", ip_address("10.10.50.3"), 253)
LB3 = Node("lb3", ip_address("10.10.50.5"), 252)
VIP = Vip(ip_address("10.10.50.4"), 32, "ens192", 4, "lb1")
VIP6 = Vip(ip_address("2001:db8::4"), 128, "ens192", 4, "lb1")
SECOND_VIP = Vip(ip_address("10.10.50.6"), 32, "ens192", 6, "lb2")

CHECK = Check(
    scheme=Scheme.HTTPS,
    path="/readyz",
    expect=(200,),
    ca=CA_PEM,
    server_name="kubernetes",
    interval=2,
    timeout=1,
    rise=2,
    fall=2,
)
FRONTEND = Frontend(
    name="kube-apiserver",
    bind=None,
    port=6443,
    mode=Mode.TCP,
    balance=Balance.ROUNDROBIN,
    max_connections=10000,
    timeouts=Timeouts(),
    servers=(Server("10.10.50.11", "10.10.50.11", 6443), Server("10.10.50.12", "10.10.50.12", 6443)),
    check=CHECK,
)
CONFIG = Config(
    cluster="kubernetes",
    node=LB1,
    nodes=(LB1, LB2),
    vips=(VIP,),
    vrrp=Vrrp(),
    proxy=Proxy(),
    frontends=(FRONTEND,),
    health=Health(),
    keepalived=Keepalived(),
    log=Log(),
    digest="0" * 64,
)

_LB1_V6 = Node("lb1", ip_address("2001:db8::2"), 254)
_LB2_V6 = Node("lb2", ip_address("2001:db8::3"), 253)


def with_frontend(frontend: Frontend, config: Config = CONFIG) -> Config:
    """The config with that frontend alone."""
    return replace(config, frontends=(frontend,))


def with_check(check: Check) -> Config:
    """The plain config with another check."""
    return with_frontend(replace(FRONTEND, check=check))


_HOST_NAMES = (
    Server("cp1", "localhost", 6443, weight=10),
    Server("cp2", "2001:db8::12", 6443, weight=5),
    Server("cp3", "10.10.50.13", 6444, backup=True),
)
_ON_VIP = replace(FRONTEND, bind=VIP.address, timeouts=Timeouts(connect=0.5, client=3600, server=3600))
_ON_SECOND_VIP = replace(FRONTEND, name="other-cluster", bind=SECOND_VIP.address, check=replace(CHECK, ca=None))

CASES = {
    "default": CONFIG,
    "version-2-with-password": replace(CONFIG, vrrp=Vrrp(version=2, advert_int=1, auth_pass=EIGHT_BYTES)),
    "ipv6-nodes": replace(CONFIG, node=_LB1_V6, nodes=(_LB1_V6, _LB2_V6), vips=(VIP6,)),
    "dual-stack-multicast": replace(CONFIG, vips=(VIP, VIP6), vrrp=Vrrp(unicast=False)),
    "two-groups": replace(CONFIG, node=LB2, vips=(VIP, SECOND_VIP)),
    "three-nodes": replace(CONFIG, node=LB3, nodes=(LB1, LB2, LB3), vrrp=Vrrp(preempt_delay=2.5)),
    "vip-bind": replace(CONFIG, vips=(VIP, SECOND_VIP), frontends=(_ON_VIP, _ON_SECOND_VIP)),
    "http-check": with_check(
        replace(CHECK, scheme=Scheme.HTTP, path="/readyz?exclude=etcd", expect=(200, 401), ca=None)
    ),
    "tcp-check": with_frontend(
        replace(FRONTEND, balance=Balance.SOURCE, check=replace(CHECK, scheme=Scheme.TCP, ca=None, interval=0.5))
    ),
    "insecure": with_check(replace(CHECK, ca=None)),
    "host-names": with_frontend(replace(FRONTEND, balance=Balance.LEASTCONN, servers=_HOST_NAMES)),
    "no-preempt": replace(CONFIG, node=LB2, vrrp=Vrrp(preempt=False), health=Health(on_no_servers=OnNoServers.IGNORE)),
}
"""What a golden folder is named after, and the config that it was rendered from."""
