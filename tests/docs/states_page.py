"""docs/states.md: the diagrams and the table of verdicts, from the code."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from halbd.decide.timing import patience
from halbd.model.effects import Effect
from halbd.model.events import DrainRequested, StopRequested
from tests.decide.driver import BEGIN, Driver, running
from tests.docs.walks import Edge, child, drain, stop
from tests.sample import config

HEAD = """\
# States and verdicts, drawn from the code

This page is made by walking the functions in `halbd/decide/`: every event in every state that can be reached.
`HALBD_UPDATE_GOLDEN=1 pytest tests/docs` draws it anew, and a test fails when it is not what the code does. On an
arrow: what happens, and after the slash what halbd does or says. The reasons are in [explanation.md](explanation.md).
"""
CHILD = """\
## The life of the proxy, and of keepalived where halbd runs it

`backoff` lasts 0.2 s at first, then twice as long each time, up to 30 s. From the third death in a row on the proxy is
in `trial` when it runs again: [causes.md](causes.md) has the times. A `stop` while a spawn is under way waits for its
end.
"""
DRAIN = """\
## A drain

`offered`: the VIPs are still here, at a lowered priority. `withdrawn`: keepalived is told FAULT. The words after the
slash are what `halbctl drain` reports. `no offer`: no peer would act on a lowered priority
(`vrrp.preempt: false`, for one).
"""
STOP = """\
## A stop

`offered` and `withdrawn` as in a drain; `ending`: proxy and keepalived (where halbd runs it) have been sent SIGTERM.
"""
VERDICT = """\
## The verdict

What the daemon says to keepalived in each case, with the default settings unless the row names others. `fault` is the
track file that puts keepalived into FAULT; `lowered` is by how many steps the VRRP priority is lowered. `-`:
nothing new is said, and halbd-check looks for itself.

| what is seen | cause | may hold the VIP | `fault` | lowered |
|---|---|---|---|---|
"""
Case = tuple[str, Callable[[], Driver]]


def page() -> str:
    """The whole page."""
    parts = [HEAD, CHILD, _diagram("stopped", child()), DRAIN, _diagram("serving", drain()), STOP]
    parts += [_diagram("running", stop()), VERDICT + "".join(_row(words, case()) for words, case in CASES)]
    return "\n".join(parts)


def _diagram(first: str, edges: Iterable[Edge]) -> str:
    """Mermaid, which the forges draw. A colon or semicolon in a label would end it."""
    arrows = "".join(f"    {e.before} --> {e.after}: {e.event}{f' / {e.deed}' * bool(e.deed)}\n" for e in sorted(edges))
    return f"```mermaid\nstateDiagram-v2\n    [*] --> {first}\n{arrows}```\n"


def _row(words: str, node: Driver) -> str:
    verdict = node.verdict
    causes = ", ".join(f"`{cause}`" for cause in node.causes) or "none"
    may = "unknown" if verdict.stale else "yes" if verdict.ok else "no"
    group = next(name for name in node.state.pushed if name.startswith("no_servers"))
    fault = "-" if verdict.stale else node.fault
    return f"| {words} | {causes} | {may} | {fault} | {node.state.pushed[group]} |\n"


def _lived(seconds: float, *, connected: bool = True, silent: bool = False, ok: bool = False) -> Driver:
    node = running(holder=True)
    node.live(seconds, ok=ok, connected=connected, silent=silent)
    return node


def _blind(seconds: float, *, holder: bool = True, on_no_servers: str = "lower_priority") -> Driver:
    node = running(config(health={"on_no_servers": on_no_servers}), holder=holder)
    node.live(seconds, ok=False, up=0)
    return node


def _dead() -> Driver:
    node = running(holder=True)
    node.died()
    return node


def _unstable() -> Driver:
    """It has died three times in a row, and answers again."""
    node = running(holder=True)
    for pid in (100, 101, 102):
        node.died(pid)
        node.live(2)
        node.spawned(pid + 1)
    node.live(4)
    return node


def _vip_unserved() -> Driver:
    """Every probe is answered but that through the VIP."""
    node = running(holder=True)
    for _ in range(3):
        node.wait(1)
        node.look()
        for name in list(node.state.series):
            node.answer_one(name, ok=not name.startswith("vip/"), connected=False)
    return node


def _after(*acts: Callable[[Driver], list[Effect]], holder: bool = True) -> Driver:
    node = running(holder=holder)
    for act in acts:
        act(node)
    return node


def _drain(node: Driver) -> list[Effect]:
    return node.post(DrainRequested(BEGIN, None, force=False, number=1))


def _stop(node: Driver) -> list[Effect]:
    return node.post(StopRequested())


def _leave(node: Driver) -> list[Effect]:
    return node.hold(present=False)


def _silence(node: Driver) -> list[Effect]:
    return node.wait(10)


LONG = patience(config()) + 5
CASES: tuple[Case, ...] = (
    ("all is well", running),
    ("the proxy's process is gone", _dead),
    ("it runs again after three deaths in a row, and has not yet for 8 s", _unstable),
    ("it runs, and neither probe nor admin socket gets an answer", lambda: _lived(4, silent=True)),
    ("it does not accept connections", lambda: _lived(4, connected=False)),
    ("a server is up, probes fail, and the proxy may still drop a dead server", lambda: _lived(4)),
    ("the same, after the proxy had time for that", lambda: _lived(LONG)),
    ("all probes are answered but that through the VIP, which is here", _vip_unserved),
    ("the admin socket alone is silent", lambda: _lived(4, ok=True, silent=True)),
    ("no server is up; this node holds the VIP, and has just seen it", lambda: _blind(3)),
    ("no server is up; this node holds the VIP, and waited for the others", lambda: _blind(LONG)),
    ("no server is up; this node is a standby", lambda: _blind(3, holder=False)),
    ("no server is up; `on_no_servers: fail`", lambda: _blind(3, on_no_servers="fail")),
    ("no server is up; `on_no_servers: ignore`", lambda: _blind(LONG, on_no_servers="ignore")),
    ("a drain has begun, and the VIP is still here", lambda: _after(_drain)),
    ("a drain, and the VIP has left", lambda: _after(_drain, _leave)),
    ("a stop has begun, and the VIP is still here", lambda: _after(_stop)),
    ("no probe has been answered for 10 s", lambda: _after(_silence)),
)
