"""docs/lab.md, from the catalogue of faults."""

from __future__ import annotations

from halbd.lab.faults.base import Fault
from halbd.lab.faults.catalog import DEMO, FAULTS
from halbd.lab.schedule import APART, LONGEST, PAIRS, SHORTEST
from halbd.lab.units import RESTART_SEC

HEAD = f"""\
# The lab's faults

`halbctl lab --config halbd.yaml` builds every node of your file on one machine and plays the first table.
`--fault NAME` plays others, `--fault all` plays every one. This page is made from the catalogue in `halbd/lab/faults/`:
`HALBD_UPDATE_GOLDEN=1 pytest tests/docs`.

A fault strikes the node that holds the first VIP. The lab plays systemd for halbd: one that ends by itself is started
again after {RESTART_SEC:g} s. After each fault the world must be right again, or the fault has failed:

- exactly one node holds each VIP, the preferred one where it preempts; every node is well, serves and can take a VIP;
- `history.jsonl` of each node tells what the lab's own netlink monitor saw there: all of it, in order, nothing twice
  (of what happened while no daemon ran, the outcome);
- each node runs one halbd, one proxy with its workers (an old worker, or an Envoy that made room, may live while a
  client is connected to it) and one keepalived, and nothing else, not even a zombie; nobody's socket is left in the
  runtime folder, no cgroup and no network namespace of the lab's, and the daemon's open files stay bounded;
- no daemon ended that the fault did not end.
"""

CHAOS = f"""\
## Chaos

`halbctl lab --chaos MINUTES` plays random faults on any node, in {PAIRS:.0%} of the rounds two of them within
{APART:g} s, each for {SHORTEST:g} to {LONGEST:g} s, and checks the same after each round.
A fault that plays alone must also leave the programs that it may not touch as they were, and cost no more than it may:
one that strikes the daemon alone, or a node that holds no VIP, may cost no transition, no connection and no watch.
It prints its seed; a round follows from the seed, its number, the faults and the names of the nodes alone, so
`--seed N --from K` plays round K again. It stops at the first thing that is wrong, with every node's status, log and
holders. config/three-nodes.yaml is a cluster to try.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [HEAD, "## The demo", "", *_table(DEMO), "", "## The others", "", *_table(FAULTS[len(DEMO) :]), "", CHAOS]
    )


def _table(faults: tuple[Fault, ...]) -> list[str]:
    rows = [f"| `{fault.name}` | {fault.summary} | {fault.holds} |" for fault in faults]
    return ["| fault | what happens | what must hold |", "|---|---|---|", *rows]
