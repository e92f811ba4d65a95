"""HAProxy's sockets (its management guide, 9): what it sees of its servers, and a reload known to have worked."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from pwd import struct_passwd

from halbd.decide.server_states import server_states
from halbd.model.errors import FailedError
from halbd.model.evidence import FrontendView, ProxyView, ServerState, ServerView
from halbd.model.paths import Paths
from halbd.system import files
from halbd.system.answers import LONGEST_ANSWER, count
from halbd.system.programs import unprivileged
from halbd.system.run import run

RELOAD_DEADLINE = 10.0
"""Seconds that a reload may take."""
MASTER_PATIENCE = 0.3
"""Seconds for one answer of a master that may be re-executing itself."""
NO_STATES = b"1\n"
"""A server-state-file without a server; HAProxy warns where there is no file."""


def command(binary: str, paths: Paths, user: struct_passwd, capabilities: Sequence[str] = ()) -> list[str]:
    """The command line: master-worker mode, as an unprivileged user."""
    return [*unprivileged(user, capabilities), binary, *words(paths)]


def words(paths: Paths) -> list[str]:
    """What follows the program: no check of the same file (`-c -f FILE`) has it."""
    return ["-W", "-S", f"{paths.master_socket},mode,660", "-f", str(paths.current / "haproxy.cfg")]


def version(binary: str) -> str:
    """What the program calls itself, such as "2.6.12-1+deb12u4". Raises HalbdError."""
    words = run([binary, "-v"]).words.split()
    return words[2] if len(words) > 2 else ""


async def ask(socket: Path, question: str, within: float) -> str:
    """One command on a CLI socket, the whole answer.

    Raises:
        OSError: nobody listens there.
        TimeoutError: no answer within `within` seconds.
    """
    async with asyncio.timeout(within):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        try:
            writer.write(question.encode() + b"\n")
            writer.write_eof()  # else the master would wait for more, and never end its answer
            return (await _all(reader)).decode(errors="replace")
        finally:
            writer.close()


async def _ask_worker(paths: Paths, *questions: str, within: float) -> str:
    """On the admin socket; where somebody has removed that, by way of the master, which hands each on (`@1`).

    A reload brings only the master's socket back: a new worker is handed the old one's descriptor, without a name.
    Raises what `ask` raises.
    """
    try:
        return await ask(paths.admin_socket, ";".join(questions), within)
    except FileNotFoundError:
        return await ask(paths.master_socket, ";".join(f"@1 {one}" for one in questions), within)


async def _all(reader: asyncio.StreamReader) -> bytes:
    """Up to the end. The proxy may be in a stranger's hands: it must not fill our memory."""
    whole = b""
    while part := await reader.read(65536):
        whole += part
        if len(whole) > LONGEST_ANSWER:
            raise ConnectionError(f"the answer is longer than {LONGEST_ANSWER} bytes")
    return whole


async def view(paths: Paths, within: float) -> ProxyView:
    """Every backend and its servers, and the worker's version.

    Raises what `ask` raises; OSError also for half an answer of a dying proxy.
    """
    info, _, stat = (await _ask_worker(paths, "show info", "show stat -1 4 -1", within=within)).partition("\n\n")
    if not (stat.startswith("# pxname,svname,") and stat.endswith("\n\n")):
        raise ConnectionError("the answer of the admin socket is not whole")
    try:
        return parse_stat(stat, re.search(r"^Version: (\S{1,100})", info, re.MULTILINE))
    except (KeyError, AttributeError, csv.Error) as error:
        raise ConnectionError(f"the answer of the admin socket makes no sense: {error!r}") from error


def parse_stat(text: str, version: re.Match[str] | None = None) -> ProxyView:
    """`show stat` in CSV to values; one FrontendView per backend, since halbd names both alike."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
    servers: dict[str, list[ServerView]] = {}
    for row in rows:
        if row["svname"] not in ("FRONTEND", "BACKEND"):
            servers.setdefault(row["pxname"], []).append(_server(row))
    frontends = tuple(FrontendView(name, tuple(views)) for name, views in servers.items())
    return ProxyView(frontends, version[1] if version else "")


def _server(row: dict[str, str]) -> ServerView:
    check = row["check_status"].removeprefix("* ")
    code = row["check_code"]
    words = f"{check} {code}" if code and code != "200" else check
    state = _state(row["status"], check)
    return ServerView(row["svname"], row["addr"], state, words, count(row["scur"]), count(row["stot"]))


def _state(status: str, check: str) -> ServerState:
    if status.startswith("UP") and check == "INI":
        return ServerState.STARTING
    for prefix, state in (
        ("UP", ServerState.UP),
        ("DOWN", ServerState.DOWN),
        ("MAINT", ServerState.MAINT),
        ("DRAIN", ServerState.DRAIN),
        ("NOLB", ServerState.DRAIN),
        ("no check", ServerState.NO_CHECK),
    ):
        if status.startswith(prefix):
            return state
    return ServerState.DOWN


async def reload(paths: Paths) -> None:
    """Have the master start a worker on the new file, and see that it did.

    The master answers nothing to `reload` and tells systemd READY=1 even after a failed one, so `show proc` is asked:
    a failed reload leaves the old worker serving and counts as failed there.

    Raises:
        FailedError: the new worker did not come up; the old one serves on.
    """
    try:
        before = _workers(await ask(paths.master_socket, "show proc", RELOAD_DEADLINE))
        await save_servers(paths)
        await ask(paths.master_socket, "reload", RELOAD_DEADLINE)
        await _until_reloaded(paths, before)
    except (OSError, TimeoutError) as error:
        raise FailedError(f"cannot reload haproxy: {str(error) or 'its master does not answer in time'}") from error


async def reload_by_signal(paths: Paths, pid: int) -> None:
    """The same where the master's socket has been removed: it makes a new one (its management guide, 4).

    Raises:
        FailedError: it did not, or the new worker did not come up; the old one serves on.
    """
    try:
        try:
            await save_servers(paths)
        except OSError:
            forget_servers(paths)
        os.kill(pid, signal.SIGUSR2)
        await _until_reloaded(paths, frozenset())
    except (OSError, TimeoutError) as error:
        raise FailedError(f"cannot reload haproxy: {str(error) or 'its master does not answer in time'}") from error


async def command_all(paths: Paths, commands: Sequence[str]) -> None:
    """Give commands that answer nothing, or that a server was registered.

    Raises:
        FailedError: HAProxy refuses one, with its words, or does not answer; what came before it is done.
    """
    for one in commands:
        try:
            said = (await _ask_worker(paths, one, within=RELOAD_DEADLINE)).strip()
        except OSError as error:
            why = str(error) or "it does not answer in time"
            raise FailedError(f"cannot change the running haproxy: {why}") from error
        if said not in {"", "New server registered."}:
            raise FailedError(f"cannot change the running haproxy: {said}")


async def cut_connections(paths: Paths, frontend: str, server: str) -> None:
    """End every connection to a server that is down. Raises FailedError."""
    await command_all(paths, [f"shutdown sessions server {frontend}/{server}"])


async def save_servers(paths: Paths) -> None:
    """Write the server-state-file: a server that is DOWN stays DOWN across the reload. Raises what `ask` raises."""
    states = await _ask_worker(paths, "show servers state", within=RELOAD_DEADLINE)
    files.write(paths.server_state, server_states(states, (paths.current / "haproxy.cfg").read_text()).encode())


def forget_servers(paths: Paths) -> None:
    """Write it empty: to a process that starts anew, what the last reload knew is old. Raises OSError."""
    files.write(paths.server_state, NO_STATES)


async def _until_reloaded(paths: Paths, before: frozenset[int]) -> None:
    """Raises FailedError, TimeoutError."""
    async with asyncio.timeout(RELOAD_DEADLINE):
        while True:
            await asyncio.sleep(0.02)  # the master re-executes itself and its socket is away for a moment
            if await _reloaded(paths, before):
                return


async def _reloaded(paths: Paths, before: frozenset[int]) -> bool:
    """Whether a new worker is there; a question that falls into the master's re-execution is never answered."""
    try:
        text = await ask(paths.master_socket, "show proc", MASTER_PATIENCE)
    except OSError:
        return False
    if re.search(r"\[failed: [1-9]", text):
        raise FailedError("cannot reload haproxy: the new worker failed to start; the old one serves on")
    return bool(_workers(text) - before)


def _workers(text: str) -> frozenset[int]:
    """The PIDs under "# workers", without the old ones."""
    current = text.partition("# workers")[2].partition("# old workers")[0]
    return frozenset(int(line.split()[0]) for line in current.splitlines() if line[:1] in set("123456789"))
