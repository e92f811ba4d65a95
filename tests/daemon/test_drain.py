"""`halbctl drain` and a stop on real keepalived: what is said and remembered, and what a broken disk does to it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from asyncio import create_task, run
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from halbd.daemon.drainer import Drainer
from halbd.daemon.owner import read_clocks
from halbd.lab.faults.removing import remove
from halbd.model.effects import DrainSettled
from halbd.model.maintenance import Maintenance, Outcome
from halbd.model.paths import Paths
from halbd.model.state import State
from halbd.system.programs import check_account
from tests.daemon.conftest import both
from tests.daemon.node import Node
from tests.daemon.test_socket import as_user, send
from tests.render.netns import inside
from tests.sample import config

pytestmark = pytest.mark.root


def halbctl(node: Node, *words: str) -> tuple[int, str]:
    """The real verb; its exit code and all that it prints."""
    argv = inside(node.place, sys.executable, "-m", "halbd.cli.halbctl", *words)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env=node.environment)
    return done.returncode, (done.stdout + done.stderr).strip()


def kept(node: Node) -> dict[str, object] | None:
    """What is remembered on disk."""
    try:
        return json.loads(node.paths.maintenance.read_text())  # type: ignore[no-any-return]  # what the daemon wrote
    except FileNotFoundError:
        return None


def restart(node: Node, number: signal.Signals) -> None:
    node.daemon.send_signal(number)
    node.daemon.wait(30)
    node.start()
    node.until(lambda: bool(node.status), "a new daemon's answer")


def when(node: Node) -> datetime:
    """The end of the drain, as status has it."""
    return datetime.fromisoformat(node.status["maintenance"]["until"])


def drained(node: Node) -> bool:
    return node.status.get("role") == "maintenance" and not node.holds_vip and node.fault == "1"


def offers_for_long(node: Node) -> None:
    """For four seconds and not for one, which may be over before a busy machine looks."""
    node.write(vrrp={"advert_int": 1})
    assert node.reload().status == 200


def test_a_drain_that_nobody_takes_is_undone_within_seconds_and_said(node: Node) -> None:
    """The other node of the file does not exist."""
    code, said = halbctl(node, "drain")
    assert code == 1
    assert re.match(r"halbctl: cannot drain: nobody took the VIP within \d\.\d s, so ", said), said
    node.until_master()
    assert node.status["maintenance"] is False
    assert len(node.status["transitions"]) == 1, "the VIP has not left for a moment"
    node.until(lambda: kept(node) is None, "nothing remembered")


@both
def test_a_forced_drain_survives_a_crash_a_stop_and_a_new_boot_until_it_is_undrained(node: Node) -> None:
    code, said = halbctl(node, "drain", "--force", "--for", "3000")
    assert (code, said.split(", and")[0]) == (0, "drained: nobody took the VIP")
    node.until(lambda: drained(node), "drained")
    before = node.status["maintenance"]
    for number in (signal.SIGKILL, signal.SIGTERM):
        restart(node, number)
        node.until(lambda: drained(node) and bool(node.proxy["running"]), "drained after a restart, with a proxy")
        assert node.status["maintenance"]["since"] == before["since"]
        assert abs(when(node) - datetime.fromisoformat(before["until"])) < timedelta(seconds=1)
    gained = len(node.lines("vip.gained"))
    node.daemon.send_signal(signal.SIGTERM)
    node.daemon.wait(30)
    boots_anew(node)
    node.start()
    node.until(lambda: drained(node) and bool(node.proxy.get("running")), "drained after a reboot")
    assert len(node.lines("vip.gained")) == gained, "not for a moment"
    node.until(lambda: node.causes == ["maintenance"], "no other reason, once the proxy has proved itself")
    assert halbctl(node, "status")[1].startswith("lb1 is MAINTENANCE and otherwise healthy")
    assert halbctl(node, "undrain")[0] == 0
    node.until_master()
    assert (kept(node), node.status["maintenance"]) == (None, False)
    assert halbctl(node, "undrain") == (0, "nothing to do: this node is not drained")


def boots_anew(node: Node) -> None:
    """What a boot changes: the runtime folder is empty, and the note is of another boot."""
    for file in node.paths.track_folder.iterdir():
        file.unlink()
    row = kept(node)
    assert row is not None
    node.paths.maintenance.write_text(json.dumps(row | {"boot_id": "another", "until_monotonic": 1}))


def test_it_ends_by_itself(node: Node) -> None:
    assert node.ask("POST", "/drain", {"for": 3000, "force": True}).body["result"] == "forced"
    node.until(lambda: drained(node), "drained")
    assert halbctl(node, "drain", "--for", "1") == (0, "already drained; ends by itself in 1.0 s")
    node.until_master()
    node.until(lambda: kept(node) is None, "nothing remembered")
    moves = [(row["change"], row["role_after"]) for row in node.status["transitions"]]
    assert moves == [("gained", "master"), ("lost", "maintenance"), ("gained", "master")]
    assert node.status["transitions"][1]["cause"] == "maintenance"


def test_a_note_that_cannot_be_read_keeps_the_node_drained_and_is_said(bare: Node) -> None:
    bare.paths.state.mkdir(parents=True)
    bare.paths.maintenance.write_text('{"for": ')
    bare.start_servers()
    bare.start()
    bare.until(lambda: drained(bare) and bool(bare.proxy.get("running")), "drained")
    (line,) = bare.lines("maintenance.unreadable")
    assert "drained until `halbctl undrain`" in line["why"]
    assert halbctl(bare, "undrain")[0] == 0
    bare.until_master()
    assert kept(bare) is None


def test_a_note_whose_time_is_over_is_removed_at_the_start(bare: Node) -> None:
    bare.paths.state.mkdir(parents=True)
    over = {"since": "2020-01-01T00:00:00.000000Z", "for": 60, "until": "2020-01-01T00:01:00.000000Z"}
    bare.paths.maintenance.write_text(json.dumps(over | {"boot_id": "another", "until_monotonic": 60}))
    bare.start_servers()
    bare.start()
    bare.until_master()
    assert kept(bare) is None


def test_what_cannot_be_remembered_is_refused_and_with_force_done_and_told(node: Node) -> None:
    full(node.paths.maintenance)
    code, said = halbctl(node, "drain")
    assert (code, said[:66]) == (1, "halbctl: cannot drain: it would not survive a restart: cannot writ")
    node.until_master()
    assert len(node.status["transitions"]) == 1
    code, said = halbctl(node, "drain", "--force")
    assert (code, said.splitlines()[-1][:40]) == (0, "warning: this drain ends with the daemon")
    node.until(lambda: drained(node), "drained")
    code, said = halbctl(node, "undrain")
    assert (code, "the next start of halbd finds this node drained" in said) == (0, True)
    node.until_master()


def full(note: Path) -> None:
    """A folder in its place can be neither written over nor removed, not even by root."""
    (note / "in-the-way").mkdir(parents=True)


def test_a_client_that_leaves_during_the_offer_ends_nothing(node: Node) -> None:
    offers_for_long(node)
    argv = inside(node.place, sys.executable, "-m", "halbd.cli.halbctl", "drain", "--force")
    with subprocess.Popen(argv, env=node.environment) as client:
        node.until(lambda: bool(node.status.get("maintenance")), "the offer")
        client.kill()
    node.until(lambda: drained(node), "drained")


def test_an_undrain_during_the_offer_keeps_the_vip_and_both_commands_say_so(node: Node) -> None:
    offers_for_long(node)
    argv = inside(node.place, sys.executable, "-m", "halbd.cli.halbctl", "drain")
    with subprocess.Popen(argv, env=node.environment, stderr=subprocess.PIPE, text=True) as client:
        node.until(lambda: bool(node.status.get("maintenance")), "the offer")
        assert node.ask("POST", "/undrain").body == {"result": "undrained", "tried_again": [], "warnings": []}
        assert client.wait(10) == 1
        assert client.stderr is not None
        assert client.stderr.read() == "halbctl: cannot drain: it was undrained before anybody had taken the VIP\n"
    node.until_master()
    assert len(node.status["transitions"]) == 1


@both
def test_a_stop_during_the_offer_answers_the_command_and_the_next_start_is_drained(node: Node) -> None:
    offers_for_long(node)
    argv = inside(node.place, sys.executable, "-m", "halbd.cli.halbctl", "drain")
    with subprocess.Popen(argv, env=node.environment, stdout=subprocess.PIPE, text=True) as client:
        node.until(lambda: bool(node.status.get("maintenance")), "the offer")
        node.daemon.send_signal(signal.SIGTERM)
        assert client.wait(20) == 0
    assert node.daemon.wait(30) == 0
    node.start()
    node.until(lambda: drained(node), "drained")


@both
def test_a_reload_while_drained_changes_no_part_of_it(node: Node) -> None:
    node.ask("POST", "/drain", {"force": True})
    node.write(cluster="another")
    assert node.reload().status == 200
    node.until(lambda: node.status["cluster"] == "another" and drained(node), "drained under the new config")


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{", b'{"for": 0}', b'{"for": true}', b'{"for": "9"}', b'{"for": NaN}', b'{"for": 1e9}', b'{"x": 1}',
     b'{"force": 1}', b"\xff"],
)  # fmt: skip
def test_a_body_that_is_no_drain_is_refused_and_changes_nothing(shared: Node, body: bytes) -> None:
    text = b"POST /drain HTTP/1.1\r\nHost: halbd\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert send(shared, text + body).split()[1] == "400"
    assert shared.status["maintenance"] is False


def test_only_root_may(shared: Node) -> None:
    account = check_account()
    for path in ("/drain", "/undrain"):
        said = as_user(shared, account.pw_uid, account.pw_gid, f"POST {path}").stdout
        assert said == "HTTP/1.1 403 Forbidden\n"


def test_a_note_that_is_removed_with_the_state_folder_is_put_back(node: Node) -> None:
    """Somebody works on this node: a later crash must not let it take the VIP."""
    halbctl(node, "drain", "--force", "--for", "3000")
    node.until(lambda: drained(node), "drained")
    before, end = kept(node), when(node)
    assert before is not None
    remove(node.paths.state)
    node.until(lambda: kept(node) is not None, "a note")
    after = kept(node)
    assert after is not None
    assert (after["since"], after["force"]) == (before["since"], True)
    restart(node, signal.SIGKILL)
    node.until(lambda: drained(node), "drained after a restart")
    assert abs(when(node) - end) < timedelta(seconds=1)
    assert halbctl(node, "undrain")[0] == 0
    node.until_master()
    assert kept(node) is None


def test_a_forced_drain_that_a_crash_interrupts_during_its_offer_goes_on_as_one(node: Node) -> None:
    offers_for_long(node)
    argv = inside(node.place, sys.executable, "-m", "halbd.cli.halbctl", "drain", "--force")
    with subprocess.Popen(argv, env=node.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as command:
        node.until(lambda: bool(node.status.get("maintenance")), "the offer")
        assert node.holds_vip
        restart(node, signal.SIGKILL)
        command.communicate()
    node.until(lambda: drained(node), "drained by the next daemon")


def test_a_later_drain_without_force_leaves_the_note_forced(tmp_path: Path) -> None:
    """The next daemon goes on from the note."""
    paths, now = Paths(tmp_path, tmp_path, tmp_path), read_clocks()
    state = State(config(), now, maintenance=Maintenance(now.wall, None, now.mono, force=True))

    async def ask() -> None:
        drainer = Drainer(paths, lambda _: drainer.perform(DrainSettled(Outcome.FORCED)), lambda: state, create_task)
        await drainer.drain(60, force=False)

    run(ask())
    noted = json.loads(paths.maintenance.read_text())
    assert (noted["for"], noted["force"]) == (60, True)
