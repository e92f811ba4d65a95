"""The status screen, from the object alone."""

from __future__ import annotations

import pytest

from halbd.cli.paint import Paint
from halbd.cli.screen import screen
from tests.cli.samples import NOW, sick, status, transition

WELL = """\
lb1 is MASTER and healthy   (cluster kubernetes, halbd 0.1.0)
VIPs        10.10.50.4  on eth0  held here  for 3 d 4 h, since 2026-05-01 08:00:00Z
Proxy       haproxy 2.6.12 runs for 3 d 4 h as pid 812, never restarted
Probes      local/kube-apiserver  ok  1.0 s ago  3 ms  200
Servers     kube-apiserver  cp1           10.10.50.11:6443  up    L7OK 200
            kube-apiserver  cp-long-name  10.10.50.12:6443  down  L7STS 500
Keepalived  runs as pid 700, managed: systemd
Config      ab12cd34ef56, applied 1 h ago
Last moves  3 d 4 h ago  2026-05-01 08:00:00Z  gained 10.10.50.4  backup -> master after 1 min 15 s  peer gone"""

SICK = """\
lb1 is FAULT and NOT HEALTHY   (cluster kubernetes, halbd 0.1.0)
Why         proxy_dead, for 12 s: haproxy was killed by signal 9
            -> halbd starts it again by itself; why it ended: journalctl -u halbd -n 50
            no_such_cause, for 2 min: from a newer halbd
VIPs        10.10.50.4  on eth0  not on this node  for 11 s, since 2026-05-04 11:59:48Z
Proxy       haproxy 2.6.12 is NOT RUNNING, restarted 3 times
            last exit: killed by signal 9"""

REJECTED = """\
Keepalived  is NOT RUNNING, managed: child
Config      ab12, applied never
            the file on disk was REJECTED 3 min ago and is not in force:
              line 12: frontends[0].port: 70000 is not a port
            -> mend it, then `halbctl validate` and `halbctl reload`"""


def test_a_healthy_holder_in_nine_lines() -> None:
    assert screen(status(), NOW, Paint()) == WELL


def test_a_sick_node_says_why_first_and_what_to_do() -> None:
    text = screen(sick(), NOW, Paint())
    assert text.startswith(SICK)
    assert REJECTED in text


def test_what_is_heard_on_the_wire_is_said_in_words() -> None:
    claim = {"interface": "eth0", "virtual_router_id": 4, "age_s": 0.1}
    heard = [
        claim | {"node": "lb1", "own": True, "priority": 254},
        claim | {"node": "lb2", "own": False, "priority": 0, "age_s": 75.0},
    ]
    hung = {"why": "its process is stopped (state T)", "since": "2026-05-04T11:59:48.000000Z"}
    keepalived = {"managed": "child", "pid": 7, "running": True, "hung": hung, "adverts": heard}
    text = screen(status(keepalived=keepalived), NOW, Paint())
    assert "HANGS: its process is stopped (state T)" in text
    assert "this node last said that it is master of virtual_router_id 4 on eth0, priority 254, 0.1 s ago" in text
    assert "lb2 last said that it resigns as master of virtual_router_id 4 on eth0, priority 0, 1 min 15 s ago" in text


@pytest.mark.parametrize(
    ("stopped", "said", "cure"),
    [
        (
            {"why": "it was stopped", "since": "2026-05-04T11:59:00.000000Z", "cure": "systemctl start keepalived"},
            "it was stopped, 1 min ago: this node takes no VIP",
            "-> systemctl start keepalived",
        ),
        (
            {"why": "it is masked", "since": None, "cure": "systemctl unmask keepalived"},
            "it is masked: this node takes no VIP",
            "-> systemctl unmask keepalived",
        ),
        ({"why": "as an older halbd says"}, "as an older halbd says: this", "-> systemctl start keepalived"),
    ],
)
def test_a_keepalived_that_halbd_leaves_alone_says_so(stopped: dict[str, str | None], said: str, cure: str) -> None:
    keepalived = {"managed": "systemd", "pid": None, "running": False, "stopped": stopped}
    text = screen(status(keepalived=keepalived), NOW, Paint())
    assert said in text
    assert cure in text


@pytest.mark.parametrize(("managed", "unit"), [("systemd", "keepalived"), ("child", "halbd")])
def test_a_keepalived_that_leaves_a_vip_to_nobody_is_told_with_where_to_look(managed: str, unit: str) -> None:
    silent = {"vips": ["10.10.50.4", "10.10.50.5"], "since": "2026-05-04T11:59:00.000000Z"}
    keepalived = {"managed": managed, "pid": 7, "running": True, "silent": silent}
    text = screen(status(keepalived=keepalived), NOW, Paint())
    assert "nobody is heard to hold 10.10.50.4, 10.10.50.5, for 1 min, and it does not take it" in text
    assert text.count(f"journalctl -u {unit}\n") == 1


def test_a_helper_that_is_silent_is_told_and_one_that_answers_is_not() -> None:
    text = screen(status(helper={"why": "timed out", "since": "2026-05-04T11:59:00.000000Z"}), NOW, Paint())
    assert "Helper      DOES NOT ANSWER, for 1 min: " in text
    assert "(timed out)" in text
    assert "systemctl status halbd-helper" in text
    assert "Helper" not in screen(status(helper=None), NOW, Paint())


def test_not_healthy_without_a_reason_is_explained() -> None:
    assert "no fresh evidence" in screen(status(healthy=False), NOW, Paint())


def test_lines_fit_the_terminal_and_sentences_are_wrapped_not_cut() -> None:
    reasons = [{"cause": "local_probe", "detail": "word " * 40 + "END", "since": "2026-05-04T11:59:48.000000Z"}]
    text = screen(status(healthy=False, reasons=reasons), NOW, Paint(width=60))
    assert max(map(len, text.splitlines())) <= 60
    assert "END" in text
    assert "…" in text  # a table's row is cut


def test_colour_wraps_whole_texts_and_changes_no_column() -> None:
    import re

    coloured = screen(sick(), NOW, Paint(colour=True))
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == screen(sick(), NOW, Paint())


def test_no_word_of_a_peer_drives_the_terminal() -> None:
    moves = [transition(cause="\x1b[2Jgone\nline")]
    assert "\x1b" not in screen(status(transitions=moves), NOW, Paint())
    assert " [2Jgone line" in screen(status(transitions=moves), NOW, Paint())


def test_the_newest_move_comes_first_and_five_are_enough() -> None:
    moves = [transition(f"2026-05-04T11:0{i}:00.000000Z", cause=f"cause{i}") for i in range(8)]
    text = screen(status(transitions=moves), NOW, Paint())
    assert [f"cause{i}" in text for i in range(8)] == [False] * 3 + [True] * 5
    assert text.index("cause7") < text.index("cause3")


def test_a_daemon_that_has_just_started_is_shown_too() -> None:
    """Nothing asked, nothing known: no field may be missed."""
    probe = {"name": "local/a", "target": "", "ok": None, "status": None, "latency_ms": None, "at": None, "error": None}
    vip = {"address": "10.10.50.4", "interface": "eth0", "held": False, "since": None}
    young = status(healthy=False, probes=[probe], vips=[vip], transitions=[], frontends=[], version="")
    text = screen(young, NOW, Paint())
    assert "local/a  not asked yet" in text
    assert "none since halbd remembers" in text


def test_an_object_of_another_version_is_shown_as_far_as_it_is_known() -> None:
    assert "None is ? and NOT HEALTHY" in screen({}, NOW, Paint())


def test_a_drained_node_says_so_first_and_how_it_ends() -> None:
    maintenance = {"state": "drained", "since": "2026-05-04T11:58:00.000000Z", "until": "2026-05-04T12:30:00.000000Z"}
    reason = {"cause": "maintenance", "detail": "the operator has drained this node", "since": maintenance["since"]}
    text = screen(
        status(role="maintenance", healthy=False, reasons=[reason], maintenance=maintenance), NOW, Paint()
    ).splitlines()
    assert text[0].startswith("lb1 is MAINTENANCE and otherwise healthy")
    assert text[1] == "Drained     by `halbctl drain`, for 2 min; ends by itself at 2026-05-04 12:30:00Z"
    offered = {"state": "offered", "since": maintenance["since"], "until": None}
    assert "Drained     is offering its VIPs to the peers, for 2 min; `halbctl undrain` ends it" in screen(
        status(maintenance=offered), NOW, Paint()
    )
