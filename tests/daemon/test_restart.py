"""The daemon itself ends, by force or by request, and another one takes up what it left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from halbd.daemon.proxy import FILES
from halbd.decide.change import OTHER_KIND
from halbd.model.config import ProxyKind
from halbd.system.programs import find
from tests.daemon.conftest import both
from tests.daemon.node import SERVER_PORT, SERVERS, VIP, Node, frontend
from tests.render.netns import inside, run, wait_until

pytestmark = pytest.mark.root

OTHER = {ProxyKind.HAPROXY: "envoy", ProxyKind.ENVOY: "haproxy"}
CHECK = {ProxyKind.HAPROXY: ["-c", "-f"], ProxyKind.ENVOY: ["--mode", "validate", "-c"]}
"""The words of a check, before the file."""


class Pair:
    """A node with its daemon's process."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.servers = node.start_servers()
        self.daemon = node.start()
        node.until_master()

    def end(self, number: signal.Signals) -> int:
        """Signal the daemon; its exit code."""
        self.daemon.send_signal(number)
        return self.daemon.wait(30)

    def start_again(self) -> None:
        self.daemon = self.node.start()
        self.node.until_master()

    @property
    def children(self) -> tuple[int, int]:
        status = self.node.status
        return status["proxy"]["pid"], status["keepalived"]["pid"]


@pytest.fixture
def pair(bare: Node) -> Pair:
    return Pair(bare)


@pytest.fixture
def still(pair: Pair) -> Iterator[None]:
    """The kernel tells of no change to the VIP while the test runs."""
    path = pair.node.folder / "moves"
    with path.open("wb") as log:
        monitor = subprocess.Popen([find("ip"), "-n", pair.node.place, "-o", "monitor", "address"], stdout=log)

    def listening() -> bool:
        run("ip", "-n", pair.node.place, "addr", "replace", "10.99.1.1/32", "dev", "lo")
        return "10.99.1.1" in path.read_text()

    wait_until(listening, "the monitor's first line")
    yield
    monitor.kill()
    monitor.wait()
    assert VIP not in path.read_text()


@both
@pytest.mark.usefixtures("still")
def test_a_killed_daemon_leaves_everything_running_and_the_next_takes_it_up(pair: Pair) -> None:
    """The supervisor is never what takes a healthy load balancer down."""
    node, before = pair.node, pair.children
    pair.end(signal.SIGKILL)
    done = node.check()
    assert done.returncode == 0, done.stdout
    assert "looked for itself" in done.stdout
    assert set(before) <= node.pids
    pair.start_again()
    assert pair.children == before
    assert node.proxy["restarts"] == 0
    assert {line["event"] for event in ("proxy", "keepalived") for line in node.lines(f"{event}.adopted")} == {
        "proxy.adopted",
        "keepalived.adopted",
    }
    assert len(node.paths.history.read_text().splitlines()) == 1  # nothing moved, so there is nothing to tell


@both
@pytest.mark.usefixtures("still")
def test_a_daemon_that_hangs_for_a_while_moves_nothing_and_restarts_nothing(pair: Pair) -> None:
    """What it was waiting for is over when it goes on: that is no evidence against anybody."""
    node, before = pair.node, pair.children
    said = len(node.lines("verdict.changed"))
    pair.daemon.send_signal(signal.SIGSTOP)
    for _ in range(10):  # each waits for the daemon first: together longer than any evidence stays fresh
        done = node.check()
        assert (done.returncode, "looked for itself" in done.stdout) == (0, True), done.stdout
    pair.daemon.send_signal(signal.SIGCONT)
    node.until_master()
    assert pair.children == before
    assert node.proxy["restarts"] == 0
    assert [one["change"] for one in node.status["transitions"]] == ["gained"]
    assert all(not line["reasons"] for line in node.lines("verdict.changed")[said:])


@both
def test_what_a_daemon_that_is_gone_left_running_can_be_ended(pair: Pair) -> None:
    """A stop that found no daemon to obey it: nothing serves on without anybody to look after it."""
    node, before = pair.node, pair.children
    assert node.start("--clear").wait(30) == 1  # a daemon runs: its affair
    assert pair.children == before
    pair.end(signal.SIGKILL)
    assert node.start("--clear").wait(30) == 0
    assert not set(before) & node.pids
    assert node.fault == "1"
    assert not node.holds_vip
    assert node.start("--clear").wait(30) == 0  # nothing is left, which is fine


@both
def test_an_adopted_proxy_that_dies_is_noticed_and_restarted(pair: Pair) -> None:
    pair.end(signal.SIGKILL)
    pair.start_again()
    os.killpg(pair.children[0], signal.SIGKILL)
    pair.node.until(lambda: pair.node.proxy.get("restarts") == 1, "its restart")
    pair.node.until_master()


@both
@pytest.mark.usefixtures("still")
def test_what_changed_while_no_daemon_ran_is_taken_up_by_a_reload(pair: Pair) -> None:
    node, before = pair.node, pair.children
    pair.end(signal.SIGKILL)
    node.write(frontends=[frontend(servers=[f"{SERVERS[0]}:{SERVER_PORT}"])])
    pair.start_again()
    assert pair.children == before
    node.until(lambda: len(node.status["frontends"][0]["servers"]) == 1, "the new file")
    node.until(lambda: node.status["frontends"][0]["servers"][0]["state"] == "up", "its server")


@both
def test_what_died_while_no_daemon_ran_is_told_by_the_next(pair: Pair) -> None:
    node, before = pair.node, pair.children
    pair.end(signal.SIGKILL)
    os.killpg(before[0], signal.SIGKILL)
    node.until(lambda: node.check().returncode == 1 and not node.holds_vip, "the dead-man's switch")
    pair.start_again()
    changes = [(one["change"], one["cause"]) for one in node.status["transitions"]]
    assert changes[1] == ("lost", "found when halbd started")
    assert changes[2][0] == "gained"


@both
def test_a_stop_hands_the_vip_over_and_leaves_nothing(pair: Pair) -> None:
    node = pair.node
    assert pair.end(signal.SIGTERM) == 0
    assert not node.holds_vip
    assert node.pids == {pair.servers.pid}
    assert not node.paths.socket.exists()
    (lost,) = node.lines("vip.lost")
    assert lost["cause"] in {"maintenance", "stopping: offered to the peers"}


@both
def test_a_stop_ends_a_proxy_that_does_not_heed_it(pair: Pair) -> None:
    """SIGTERM, then SIGKILL."""
    os.killpg(pair.children[0], signal.SIGSTOP)
    assert pair.end(signal.SIGTERM) == 0
    assert pair.node.pids == {pair.servers.pid}


def test_a_second_daemon_on_the_same_folders_is_refused(pair: Pair) -> None:
    before = pair.children
    assert pair.node.start().wait(30) == 1
    (failed,) = pair.node.lines("halbd.failed")
    assert failed["why"] == f"cannot start: another halbd runs on {pair.node.paths.runtime}"
    assert pair.children == before
    assert pair.node.check().returncode == 0


@both
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_broken_file_is_started_over_with_the_last_good_generation(pair: Pair, how: signal.Signals) -> None:
    """Whether everything was stopped, or runs on: the load balancer serves, and status says what is wrong."""
    node = pair.node
    digest = node.status["config"]["digest"]
    pair.end(how)
    node.write(frontends=[frontend(port=70000)])
    node.ca_file.unlink()  # the generation has its own copy
    pair.start_again()
    config = node.status["config"]
    assert config["digest"] == digest
    assert any("70000 is not a port" in problem for problem in config["rejected"]["problems"])
    assert node.lines("config.rejected")


@both
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_generation_that_fails_only_when_it_runs_is_rolled_back(pair: Pair, how: signal.Signals) -> None:
    """No checker sees that an address cannot be bound; the proxy that runs, or one that is started, does."""
    node = pair.node
    run(*inside(node.place, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"))
    node.until(node.paths.good.exists, "a generation to fall back to")
    before, digest, current = pair.children[0], node.status["config"]["digest"], node.paths.current.readlink()
    pair.end(how)
    node.write(frontends=[frontend(), frontend("second", 9443, bind="::1")])
    pair.daemon = node.start()
    node.until(lambda: bool((node.status.get("config") or {}).get("rejected")), "status says why")
    node.until_master()
    config = node.status["config"]
    assert config["digest"] == digest
    # HAProxy tells nobody but its log why a worker did not start.
    assert any(words in str(config["rejected"]["problems"]) for words in ("bind", "the new worker failed to start"))
    assert (node.paths.current.readlink(), node.paths.good.readlink()) == (current, current)
    assert (node.proxy["pid"] == before) == (how is signal.SIGKILL)


@both
@pytest.mark.usefixtures("still")
def test_another_kind_of_proxy_waits_until_the_running_one_was_stopped(pair: Pair) -> None:
    """A daemon that crashed must not be why every connection is cut."""
    node, before = pair.node, pair.children
    pair.end(signal.SIGKILL)
    node.write(proxy={"kind": OTHER[node.kind]})
    pair.start_again()
    assert pair.children == before
    assert node.status["config"]["rejected"]["problems"] == [OTHER_KIND]
    answer = node.reload()
    assert (answer.status, answer.body) == (409, {"error": OTHER_KIND})
    assert node.proxy["kind"] == node.kind


@both
def test_a_stop_and_a_start_put_another_kind_of_proxy_in(pair: Pair) -> None:
    other = OTHER[pair.node.kind]
    pair.end(signal.SIGTERM)
    pair.node.write(proxy={"kind": other})
    pair.start_again()
    assert pair.node.proxy["kind"] == other


@both
@pytest.mark.usefixtures("still")
def test_a_proxy_whose_note_is_lost_is_known_by_its_command_line(pair: Pair) -> None:
    """As after a full disk: refusing to start because our own proxy holds the port would be for ever."""
    before = pair.children
    pair.end(signal.SIGKILL)
    for name in ("proxy.json", "keepalived.json"):
        (pair.node.paths.runtime / name).unlink()
    pair.start_again()
    assert pair.children == before


@both
@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("noted", [True, False])
def test_who_only_reads_or_checks_the_same_files_is_left_alone(pair: Pair, noted: bool) -> None:
    """An operator's pager, or a check of the file, that leads a session of its own."""
    before = pair.children
    file = str(pair.node.paths.current / FILES[pair.node.kind])
    forms = (["-u", "-"], ["-u", "-", file], ["-u", "-", *CHECK[pair.node.kind], file])
    code = b"print('reading', flush=True); import signal; signal.pause()\n"
    readers = [
        subprocess.Popen([sys.executable, *form], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        for form in forms
    ]
    try:
        for one in readers:
            assert one.stdin is not None
            assert one.stdout is not None
            one.stdin.write(code)
            one.stdin.close()
            assert one.stdout.readline() == b"reading\n"
        pair.end(signal.SIGKILL)
        if not noted:
            (pair.node.paths.runtime / "proxy.json").unlink()
        pair.start_again()
        assert pair.children == before
        assert [one.poll() for one in readers] == [None] * len(readers)
    finally:
        for one in readers:
            one.kill()
            one.wait()


def test_a_track_file_that_somebody_else_wrote_is_written_again(pair: Pair) -> None:
    file = pair.node.paths.track_folder / "fault"
    for foreign in (b"1\n", b"\xff\xfe0\x00\n"):
        file.write_bytes(foreign)
        pair.node.until(lambda: file.read_bytes() == b"0\n", "its own value")
        pair.node.until_master()
    file.unlink()
    pair.node.until(file.exists, "the file")
    assert pair.daemon.poll() is None


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("garbage", [b"\xff\xfe0\x00\n", b""])
def test_a_track_file_that_holds_no_number_moves_nothing_at_a_start(pair: Pair, garbage: bytes) -> None:
    """Somebody wrote it while no daemon ran; this node holds the VIP, so it said yes."""
    pair.end(signal.SIGKILL)
    file = pair.node.paths.track_folder / "fault"
    file.write_bytes(garbage)
    pair.start_again()
    assert file.read_bytes() == b"0\n"
