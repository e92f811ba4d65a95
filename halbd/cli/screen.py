"""halbctl status for people: who holds the VIP, is this node well, and why not. Read in five seconds, reasons first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from halbd.cli.advice import advice
from halbd.cli.paint import Paint, columns, printable
from halbd.cli.words import ago, clock, duration, lasting

LABEL = 12  # columns before the text
MOVES = 5  # the newest transitions shown; halbctl history has them all
AGAIN = 3  # times that a file was put right: then somebody changes it again and again
STATES = {"up": "good", "down": "bad"}
Status: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One line in a style; `wrap` marks sentences, which are broken where a table's row is cut."""

    text: str
    style: str = ""
    wrap: bool = False


def screen(status: Status, now: datetime, paint: Paint) -> str:
    """The whole screen."""
    sections = (
        ("", headline(status)),
        ("Drained", maintenance(status, now)),
        ("Why", reasons(status, now)),
        ("VIPs", vips(status, now)),
        ("Proxy", proxy(status, now)),
        ("Probes", probes(status, now)),
        ("Servers", servers(status)),
        ("Keepalived", keepalived(status, now)),
        ("Helper", helper(status, now)),
        ("Config", config(status, now)),
        ("Last moves", moves(status, now)),
        ("History", history(status)),
    )
    return "\n".join(text for label, lines in sections for text in lay(label, list(lines), paint))


def lay(label: str, lines: Sequence[Line], paint: Paint) -> Iterator[str]:
    """One section: its label beside the first line; a section without a label starts at the edge."""
    indent = LABEL if label else 0
    for line in lines:
        text = printable(line.text)
        room = (paint.width - indent) if line.wrap and paint.width else 0
        parts = textwrap.wrap(text, room, break_on_hyphens=False) if room else [paint.cut(text, indent)]
        for part in parts:
            yield f"{paint('bold', label.ljust(indent))}{paint(line.style, part)}"
            label = ""


def table(rows: Sequence[Sequence[str]], styles: Sequence[str] = ()) -> Iterator[Line]:
    """Aligned rows, each in its style."""
    for i, row in enumerate(columns(rows)):
        yield Line("  ".join(row).rstrip(), styles[i] if styles else "")


def headline(status: Status) -> Iterator[Line]:
    """Node, role and health in one line. A node that is drained and has no other reason is neither well nor ill."""
    healthy = bool(status.get("healthy"))
    drained = {reason["cause"] for reason in status.get("reasons") or []} == {"maintenance"}
    well, style = ("healthy", "good") if healthy else ("NOT HEALTHY", "bad")
    if drained and status.get("maintenance"):
        well, style = "otherwise healthy", "odd"
    role = str(status.get("role", "?")).upper()
    text = f"{status.get('node')} is {role} and {well}   (cluster {status.get('cluster')}, halbd {status.get('halbd')})"
    yield Line(text, style)


def maintenance(status: Status, now: datetime) -> Iterator[Line]:
    """Since when the operator keeps the VIPs away from this node, and until when."""
    it = status.get("maintenance")
    if not isinstance(it, dict):
        return
    begun = "is offering its VIPs to the peers" if it.get("state") == "offered" else "by `halbctl drain`"
    end = f"ends by itself at {clock(it['until'])}" if it.get("until") else "`halbctl undrain` ends it"
    yield Line(f"{begun}, {lasting(it.get('since'), now)}; {end}", "odd", wrap=True)


def reasons(status: Status, now: datetime) -> Iterator[Line]:
    """Each reason, and what to do about it."""
    found = status.get("reasons") or []
    for reason in found:
        yield Line(f"{reason['cause']}, {lasting(reason['since'], now)}: {reason['detail']}", "bad", wrap=True)
        if hint := advice(reason["cause"], status):
            yield Line(f"-> {hint}", wrap=True)
    if not found and not status.get("healthy"):
        yield Line("halbd has no fresh evidence yet: just started, or stuck", "bad", wrap=True)


def vips(status: Status, now: datetime) -> Iterator[Line]:
    """Which are on this node, and for how long. Who else holds them, this node does not know."""
    found = status.get("vips") or []
    rows = []
    for vip in found:
        where = "held here" if vip["held"] else "not on this node"
        since = f"{lasting(vip['since'], now)}, since {clock(vip['since'])}" if vip.get("since") else ""
        rows.append((vip["address"], f"on {vip['interface']}", where, since))
    return table(rows, ["good" if vip["held"] else "" for vip in found])


def proxy(status: Status, now: datetime) -> Iterator[Line]:
    """What runs, since when, how often it was started again, and its last words."""
    it = status.get("proxy") or {}
    name = " ".join(filter(None, (it.get("kind"), it.get("version"))))
    restarts = f"restarted {it['restarts']} times" if it.get("restarts") else "never restarted"
    if it.get("running"):
        up = lasting(it.get("started_at"), now)
        yield Line(f"{name} runs {up} as pid {it.get('pid')}, {restarts}".replace("  ", " "))
    else:
        yield Line(f"{name} is NOT RUNNING, {restarts}", "bad")
    if it.get("mute"):
        yield Line(f"CANNOT BE ASKED: {it['mute']}", "bad", wrap=True)
    if it.get("last_exit"):
        yield Line(f"last exit: {it['last_exit']}", "odd", wrap=True)


def probes(status: Status, now: datetime) -> Iterator[Line]:
    """The last answer to each question that halbd asks through the proxy."""
    found = status.get("probes") or []
    rows: list[tuple[str, ...]] = []
    for probe in found:
        latency = f"{probe['latency_ms']:.0f} ms" if probe.get("latency_ms") is not None else ""
        said = " ".join(str(word) for word in (probe.get("status"), probe.get("error")) if word) or "connected"
        if probe.get("ok") is None:
            rows.append((probe["name"], "not asked yet"))
        else:
            rows.append((probe["name"], "ok" if probe["ok"] else "FAILS", ago(probe.get("at"), now), latency, said))
    return table(rows, ["bad" if probe.get("ok") is False else "" for probe in found])


def servers(status: Status) -> Iterator[Line]:
    """The servers as the proxy sees them."""
    found = [(frontend, server) for frontend in status.get("frontends") or [] for server in frontend["servers"]]
    rows = [(f["name"], s["name"], s["address"], s["state"], s["check"], _connections(s)) for f, s in found]
    return table(rows, [STATES.get(server["state"], "odd") for _, server in found])


def _connections(server: Mapping[str, Any]) -> str:
    """How many are open now; nothing where the proxy has not said."""
    count = server.get("connections")
    return "" if count is None else f"{count} connections"


def keepalived(status: Status, now: datetime) -> Iterator[Line]:
    """Whether the program that moves the VIP runs."""
    it = status.get("keepalived") or {}
    managed = f"managed: {it.get('managed')}"
    if it.get("running"):
        yield Line(f"runs as pid {it.get('pid')}, {managed}")
    else:
        yield Line(f"is NOT RUNNING, {managed}", "bad")
    if stopped := it.get("stopped"):
        since = f", {ago(stopped['since'], now)}" if stopped.get("since") else ""
        yield Line(f"{stopped['why']}{since}: this node takes no VIP", "bad", wrap=True)
        yield Line(f"-> {stopped.get('cure', 'systemctl start keepalived')}", wrap=True)
    if hung := it.get("hung"):
        yield Line(f"HANGS: {hung['why']}", "bad", wrap=True)
    if silent := it.get("silent"):
        nobody = f"nobody is heard to hold {', '.join(silent['vips'])}, {lasting(silent['since'], now)}"
        yield Line(f"DOES NOTHING: {nobody}, and it does not take it", "bad", wrap=True)
        unit = "keepalived" if it.get("managed") == "systemd" else "halbd"
        yield Line(f"-> what it tracks has failed, or its interface is down: journalctl -u {unit}", wrap=True)
    yield from adverts(it.get("adverts"))


def adverts(heard: list[dict[str, Any]] | None) -> Iterator[Line]:
    """Who claims the VIPs on the wire: a master says so several times a second, and a standby says nothing."""
    for one in heard or []:
        says = "is master" if one["priority"] else "resigns as master"
        who = "this node" if one["own"] else one["node"]
        what = f"virtual_router_id {one['virtual_router_id']} on {one['interface']}, priority {one['priority']}"
        yield Line(f"{who} last said that it {says} of {what}, {duration(one['age_s'])} ago")


def helper(status: Status, now: datetime) -> Iterator[Line]:
    """Only where it is silent."""
    if it := status.get("helper"):
        lacks = "nobody sees whether keepalived works, and a hand-over resets connections"
        yield Line(f"DOES NOT ANSWER, {lasting(it['since'], now)}: {lacks} ({it['why']})", "bad", wrap=True)
        yield Line("-> systemctl status halbd-helper, `halbctl doctor`", wrap=True)


def config(status: Status, now: datetime) -> Iterator[Line]:
    """What is in force, and what on disk is not."""
    it = status.get("config") or {}
    yield Line(f"{str(it.get('digest') or 'none')[:12]}, applied {ago(it.get('applied_at'), now)}")
    if rejected := it.get("rejected"):
        yield Line(f"the file on disk was REJECTED {ago(rejected['at'], now)} and is not in force:", "bad", wrap=True)
        for problem in rejected["problems"]:
            yield Line(f"  {problem}", "bad", wrap=True)
        yield Line("-> mend it, then `halbctl validate` and `halbctl reload`", wrap=True)
    if mended := it.get("mended"):
        names = ", ".join(mended["files"])
        often = mended.get("times", 1) >= AGAIN
        times = f" {mended['times']} times, last" if often else ""
        what = f"changed by hand and put right{times} {ago(mended['at'], now)}: {names}"
        yield Line(what, "bad" if often else "odd", wrap=True)
        if complaint := mended.get("complaint"):
            yield Line(f"the running proxy refused what was there: {complaint}", wrap=True)
        yield Line(f"-> change halbd.yaml instead; what was there is in {mended['kept']}", wrap=True)
        if often:
            yield Line("-> find who changes it (config management?) and end that, then `halbctl reload`", wrap=True)


def moves(status: Status, now: datetime) -> Iterator[Line]:
    """The newest transitions, newest first."""
    found = (status.get("transitions") or [])[-MOVES:][::-1]
    yield from table([move(transition, now) for transition in found])
    if not found:
        yield Line("none since halbd remembers")


def history(status: Status) -> Iterator[Line]:
    """Only where something is wrong with it."""
    it = status.get("history") or {}
    if it.get("unwritten") or it.get("why"):
        text = f"{it.get('unwritten')} transitions are NOT WRITTEN, {it.get('why')}: tried again every second"
        yield Line(text, "bad", wrap=True)


def move(transition: dict[str, Any], now: datetime) -> tuple[str, ...]:
    """One transition as a row: when, what, from which role to which, why."""
    before, after, lasted = transition["role_before"], transition["role_after"], transition.get("lasted_s")
    roles = f"{before} -> {after}" + (f" after {duration(lasted)}" if lasted is not None else "")
    what = f"{transition['change']} {transition['vip']}"
    return (ago(transition["at"], now), clock(transition["at"]), what, roles, str(transition.get("cause") or ""))
