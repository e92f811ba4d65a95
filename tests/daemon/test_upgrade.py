"""The daemon becomes another program in the same process, and nothing that it runs notices."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from halbd import __version__
from halbd.system import process
from tests.daemon.conftest import both
from tests.daemon.node import VIP, Node
from tests.render.netns import inside

pytestmark = pytest.mark.root

ROOT = Path(__file__).parents[2]
NEXT = "9.9.9"
USUAL = "from halbd.cli.halbd import main; sys.exit(main())"


class Installed:
    """A node whose daemon was started by a script of its own, as a package installs one."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.script = node.folder / "halbd"
        self.libraries = node.folder / "libraries"
        self.libraries.symlink_to(ROOT)
        self.install(USUAL)
        node.start_servers()
        self.daemon = node.run_in(str(self.script))
        node.until_master()

    def install(self, text: str) -> None:
        """Another program in the script's place, as a package manager puts it there."""
        aside = self.script.with_name("aside")
        where = f"import os, sys; os.environ['PYTHONPATH'] = {str(self.libraries)!r}"  # for the loader, a child
        aside.write_text(f"#!{sys.executable}\n{where}; sys.path.insert(0, os.environ['PYTHONPATH'])\n{text}\n")
        aside.chmod(0o755)
        aside.rename(self.script)

    def update(self) -> None:
        """The whole package in its next version."""
        newer = self.node.folder / "newer"
        shutil.copytree(ROOT / "halbd", newer / "halbd", ignore=shutil.ignore_patterns("__pycache__"))
        package = newer / "halbd" / "__init__.py"
        package.write_text(package.read_text().replace(__version__, NEXT))
        self.libraries.unlink()
        self.libraries.symlink_to(newer)

    def upgrade(self) -> subprocess.CompletedProcess[str]:
        """The verb."""
        words = [sys.executable, "-m", "halbd.cli.halbctl", "upgrade", "--socket", str(self.node.paths.socket)]
        return subprocess.run(inside(self.node.place, *words), capture_output=True, text=True, timeout=100, check=False)

    @property
    def children(self) -> tuple[int, int]:
        status = self.node.status
        return status["proxy"]["pid"], status["keepalived"]["pid"]

    @property
    def descriptors(self) -> int:
        """How many are open in the daemon's process."""
        return len(list(Path(f"/proc/{self.daemon.pid}/fd").iterdir()))


@pytest.fixture
def installed(bare: Node) -> Installed:
    return Installed(bare)


@pytest.fixture
def same(installed: Installed) -> Iterator[None]:
    """Whatever the test does: the same process, the same proxy and keepalived, not one transition."""
    before = installed.children
    yield
    assert installed.daemon.poll() is None
    installed.node.until_master()
    assert installed.children == before
    assert installed.node.proxy["restarts"] == 0
    assert [one["change"] for one in installed.node.status["transitions"]] == ["gained"]
    assert installed.node.check().stdout == "may hold the VIP: the daemon says so\n"


@both
@pytest.mark.usefixtures("same")
def test_the_daemon_becomes_the_newly_installed_program(installed: Installed) -> None:
    installed.update()
    done = installed.upgrade()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"halbd {__version__} became halbd {NEXT} in ")
    assert installed.node.status["halbd"] == NEXT
    (line,) = installed.node.lines("halbd.upgraded")
    assert (line["version_before"], line["version"]) == (__version__, NEXT)
    assert len(installed.node.lines("proxy.adopted")) == len(installed.node.lines("keepalived.adopted")) == 1


@both
@pytest.mark.usefixtures("same")
def test_ten_upgrades_leave_no_descriptor_and_no_process_behind(installed: Installed) -> None:
    node = installed.node
    assert installed.upgrade().returncode == 0
    node.until_master()
    descriptors, pids = installed.descriptors, node.pids
    for _ in range(10):
        assert installed.upgrade().returncode == 0
    node.until_master()
    # A run of halbd-check, which keepalived starts each second, may be among either.
    node.until(lambda: node.pids <= pids, "no other processes than after the first one")
    node.until(lambda: installed.descriptors <= descriptors, "no more descriptors than after the first one")


@pytest.mark.usefixtures("same")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
        ("print('another program')", "another program"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "exit -11"),
    ],
)
def test_a_program_that_would_not_start_is_refused(installed: Installed, text: str, why: str) -> None:
    installed.install(text)
    done = installed.upgrade()
    assert done.returncode == 1
    assert f"cannot upgrade: {installed.script} would not start" in done.stderr
    assert why in done.stderr
    assert "the running halbd goes on" in done.stderr
    installed.install(USUAL)  # and a mended one is taken
    assert installed.upgrade().returncode == 0


@pytest.mark.usefixtures("same")
def test_a_program_that_is_not_there_is_refused(installed: Installed) -> None:
    installed.script.unlink()
    done = installed.upgrade()
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr


@pytest.mark.usefixtures("same")
def test_a_program_that_goes_away_after_its_rehearsal_leaves_the_old_one_running(installed: Installed) -> None:
    installed.install(f"import os; os.unlink(__file__); {USUAL}")
    done = installed.upgrade()
    assert done.returncode == 1
    assert f"cannot execute {installed.script}: No such file or directory" in done.stderr
    assert len(installed.node.lines("halbd.upgrade_failed")) == 1
    installed.install(USUAL)
    assert installed.upgrade().returncode == 0


@pytest.mark.usefixtures("same")
def test_a_broken_file_on_disk_is_no_reason_against_the_new_program(installed: Installed) -> None:
    """It starts on the last good generation, and says so."""
    installed.node.write_text("nodes: [")
    done = installed.upgrade()
    assert done.returncode == 0
    assert "warning: the file on disk is not in force" in done.stderr


@pytest.mark.usefixtures("same")
def test_a_file_is_not_loaded_by_another_version_than_runs(installed: Installed) -> None:
    """After an update of the package the loader, a program of its own, is the new one before the daemon is."""
    installed.update()
    words = f"cannot load the file: halbd {NEXT} is installed, and {__version__} runs; run `halbctl upgrade` first"
    answer = installed.node.reload()
    assert (answer.status, answer.body) == (409, {"error": words})
    assert installed.upgrade().returncode == 0
    assert installed.node.reload().status == 200


def test_a_stop_that_comes_between_the_two_programs_is_heeded(installed: Installed) -> None:
    """A signal without a handler would end the process, and leave the VIP where nobody answers for it."""
    node = installed.node
    raised = "import os, signal; '--dry-run' in sys.argv or os.kill(os.getpid(), signal.SIGTERM)"
    installed.install(f"{raised}; {USUAL}")
    assert node.ask("POST", "/upgrade").status == 202
    assert installed.daemon.wait(30) == 0
    assert not node.holds_vip
    assert not node.paths.socket.exists()


@both
def test_a_proxy_that_dies_after_an_upgrade_is_reaped_and_its_end_is_told(installed: Installed) -> None:
    node = installed.node
    assert installed.upgrade().returncode == 0
    node.until_master()
    before = installed.children[0]
    os.killpg(before, signal.SIGKILL)
    node.until(lambda: node.proxy.get("restarts") == 1, "its restart")
    node.until_master()
    assert node.proxy["last_exit"].startswith("killed by SIGKILL")
    node.until(lambda: not Path(f"/proc/{before}").exists(), "no zombie")


def _away(node: Node) -> str:
    """Remove the VIP; keepalived stands still until history has that, or it might be back before anybody looks."""
    family = " ".join(map(str, process.family(node.status["keepalived"]["pid"])))
    looked = f"for i in $(seq 100); do grep -q lost {node.paths.history} && break; sleep 0.1; done"
    return f"kill -STOP {family}; ip addr del {VIP}/32 dev eth0; ({looked}; kill -CONT {family}) &"


@both
def test_a_proxy_that_dies_while_no_program_looks_is_reaped_and_restarted(installed: Installed) -> None:
    """And what happened meanwhile is in the history."""
    node = installed.node
    before = installed.children[0]
    kill = f"'--dry-run' in sys.argv or os.killpg({before}, signal.SIGKILL)"
    away = f"'--dry-run' in sys.argv or subprocess.run(['sh', '-c', {_away(node)!r}])"
    installed.install(f"import os, signal, subprocess; {kill}; {away}; {USUAL}")
    assert installed.upgrade().returncode == 0
    node.until_master()
    assert installed.children[0] != before
    node.until(lambda: not Path(f"/proc/{before}").exists(), "no zombie")
    changes = [(one["change"], one["cause"]) for one in node.status["transitions"]]
    assert changes[1] == ("lost", "found when halbd started")
    assert changes[2][0] == "gained"


@both
def test_no_check_fails_while_the_program_is_replaced(installed: Installed) -> None:
    """While nobody answers halbd-check looks for itself, as keepalived's next run of it would."""
    node = installed.node
    before = node.status["daemon"]["started_at"]
    installed.update()
    assert node.ask("POST", "/upgrade").status == 202
    said = []
    while node.status.get("daemon", {}).get("started_at") in {None, before}:
        done = node.check()
        said.append(done.stdout)
        assert done.returncode == 0, said
    assert any("looked for itself" in words for words in said)
    assert node.status["halbd"] == NEXT
