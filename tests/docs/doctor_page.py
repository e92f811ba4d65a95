"""docs/doctor.md, from the catalogue of checks."""

from __future__ import annotations

from halbd.decide.doctor.catalog import CHECKS
from halbd.system.doctor.listen import LEAST, MOST
from halbd.system.doctor.servers import DEADLINE

HEAD = f"""\
# What `halbctl doctor` looks at

`halbctl doctor` looks for what stands in the way of this node, before halbd is installed and after. It changes nothing,
starts nothing and needs no running daemon. This page is made from the catalogue in `halbd/decide/doctor/`:
`HALBD_UPDATE_GOLDEN=1 pytest tests/docs`.

```console
# halbctl doctor --config /etc/halbd/halbd.yaml
```

Each finding is `wrong`, a `warning`, `unknown` (shown as "Not checked") or `fine`. What is wrong comes first, each
with why it matters and the command or the edit that cures it. The command is yours to run. What could not be looked
at, such as without root or without a program, is said and never counts as fine.

| exit code | |
|---|---|
| 0 | nothing is wrong; read the warnings and what was not checked |
| 1 | something is wrong |
| 2 | halbd.yaml has problems; what needs no config was looked at all the same |

`--json` prints an object with `version`, `file`, `cluster`, `node`, `digest`, `at`, `ok` and `findings`, a list of
`{{check, group, severity, what, why, cure}}` in the same order.

## What it sends

One ICMP echo request to each peer and to each VIP that is not here; for each server of a frontend one connection with
the question of its `check` (at most {DEADLINE:g} s for all of them). It sends no VRRP: it listens for three
`advert_int`, at least {LEAST:g} s and at most {MOST:g} s.

## What it cannot tell

- Nodes have no channel between them, and only the holder of a VIP speaks. Its VIPs, VRRP version, advert_int and
  virtual_router_id are compared as its adverts carry them. For the rest `peer-config` has the command that asks each
  other node for the SHA-256 of its file; who may log in to both has to run it.
- Rules of nftables and iptables are walked through as the kernel does it. Where a condition that it does not know
  (marks, `fib`, rate limits, ipsets) decides, or nft does not tell which device a chain at ingress or egress is at,
  `vrrp-firewall` says so and does not guess. Not seen are the filters of a bridge (`table bridge`, ebtables), of tc(8)
  and in eBPF programs, and a firewall in front of the machine.
- A VIP that this node serves is not asked for from outside: `halbctl status` has the daemon's own probes.

## The checks
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for group in dict.fromkeys(check.group for check in CHECKS):
        rows = [f"| `{one.name}` | {one.looks_at} | {one.why} |\n" for one in CHECKS if one.group == group]
        parts.append(f"\n### {group}\n\n| check | looks at | why it matters |\n|---|---|---|\n{''.join(rows)}")
    return "".join(parts)
