"""Envoy's admin socket: what it sees of its servers, which files it has taken up, and what it refused.

Its HTTP is read by h11. The process at the other end may be in a stranger's hands: an answer has a longest length and
a deadline, and one that makes no sense is a ConnectionError like no answer at all.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pwd import struct_passwd
from typing import Any

import h11

from halbd.model.config import Frontend
from halbd.model.evidence import FrontendView, ProxyView, ServerState, ServerView
from halbd.model.paths import Paths
from halbd.render.envoy import BOOTSTRAP
from halbd.render.envoy_listener import STATS
from halbd.system.answers import LONGEST_ANSWER, count
from halbd.system.programs import unprivileged
from halbd.system.run import run

LONGEST_HEAD = 65536
"""Bytes of the headers of one answer."""
DRAIN = 86400
"""Seconds that a changed listener leaves its connections; a watch on an API server has ended by then."""

ASIDE = "refuses connections"
"""What a server does that was put aside though its checks are well (config.cluster.v3.OutlierDetection)."""

_REJECTED = "/stats?format=json&type=Counters&filter=update_%28rejected%7Cfailure%29%24"
_CONNECTIONS = f"/stats?format=json&type=Gauges&filter=%5Elistener%5C.{STATS}%5C..*%5C.downstream_cx_active%24"
_WARMING = "/stats?format=json&type=Gauges&filter=%5Ecluster_manager%5C.warming_clusters%24"
_VERSIONS = "/stats?format=json&type=TextReadouts"


def command(binary: str, paths: Paths, user: struct_passwd, capabilities: Sequence[str] = ()) -> list[str]:
    """The command line, as an unprivileged user; every line that it prints begins with level and logger.

    No hot restart: its shared memory is more to go wrong than the hand-over of docs/decisions/0006.
    """
    log = ["--log-level", "info", "--component-log-level", "main:warning", "--log-format", "%l %n %_"]
    more = ["--drain-time-s", str(DRAIN), "--reject-unknown-dynamic-fields", *log]
    return [*unprivileged(user, capabilities), binary, *words(paths), *more]


def words(paths: Paths) -> list[str]:
    """What follows the program: no check of the same file (`--mode validate -c FILE`) has it."""
    return ["-c", str(paths.current / BOOTSTRAP), "--disable-hot-restart"]


def version(binary: str) -> str:
    """What the program calls itself, such as "1.40.0": after the revision it was built from. Raises HalbdError."""
    return _number(run([binary, "--version"]).words.partition("version: ")[2])


def _number(words: str) -> str:
    """The second of "revision/number/state of the sources/..."; "" where there is none."""
    return (*words.split("/"), "", "")[1][:100]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a body."""

    status: int
    body: bytes


async def ask(socket: Path, target: str, within: float, method: str = "GET") -> Answer:
    """One request to the admin socket.

    Raises:
        OSError: nobody listens there; ConnectionError: what came is not an answer, or too long a one.
        TimeoutError: no answer within `within` seconds.
    """
    async with asyncio.timeout(within):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        try:
            connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
            headers = [("Host", "localhost"), ("Connection", "close"), ("Content-Length", "0")]
            for event in (h11.Request(method=method, target=target, headers=headers), h11.EndOfMessage()):
                writer.write(connection.send(event) or b"")
            return await _answer(reader, connection)
        except h11.RemoteProtocolError as error:
            raise ConnectionError(f"the admin socket does not speak HTTP: {error}") from error
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader, connection: h11.Connection) -> Answer:
    status, body = 0, bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > LONGEST_ANSWER:
                raise ConnectionError(f"the answer is longer than {LONGEST_ANSWER} bytes")
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, bytes(body))
        elif not isinstance(event, h11.InformationalResponse):
            raise ConnectionError("the answer of the admin socket is not whole")


async def view(paths: Paths, within: float) -> ProxyView:
    """Every cluster and its servers. Raises what `ask` raises."""
    return parse_clusters(await _json(paths.admin_socket, "/clusters?format=json", within))


def starting(frontend: Frontend) -> FrontendView:
    """A frontend whose cluster is not there yet: its servers have not been judged."""
    servers = (ServerView(s.name, _join(s.address, s.port), ServerState.STARTING, "pending") for s in frontend.servers)
    return FrontendView(frontend.name, tuple(servers))


async def running_version(paths: Paths, within: float) -> str:
    """What the running program calls itself, as `version` has it of one on disk. Raises what `ask` raises."""
    said = (await _json(paths.admin_socket, "/server_info", within)).get("version")
    return _number(said) if isinstance(said, str) else ""


async def ready(paths: Paths, within: float) -> bool:
    """Whether it serves: its first round of checks is done and its listeners are there. Raises what `ask` raises."""
    return (await ask(paths.admin_socket, "/ready", within)).status == 200


def aside(paths: Paths, pid: int) -> Path:
    """The admin socket of one that makes room for the next: under this name it still answers."""
    return paths.proxy_folder / f"admin.{pid}.sock"


def set_aside(paths: Paths) -> tuple[int, ...]:
    """The processes that made room, by the names of their sockets."""
    names = (path.name.split(".") for path in paths.proxy_folder.glob("admin.*.sock"))
    return tuple(int(number) for _, number, _ in names if number.isdigit())


async def drain(socket: Path, within: float) -> None:
    """Have it close its listeners for good; its connections go on. Raises what `ask` raises."""
    await ask(socket, "/drain_listeners", within, "POST")


async def connections(socket: Path, within: float) -> int:
    """How many clients are connected; more are counted twice. Raises what `ask` raises."""
    rows = await _stats(socket, _CONNECTIONS, within)
    return sum(int(value) for _, value in rows if isinstance(value, int))


async def in_force(paths: Paths, within: float) -> Mapping[str, str]:
    """The version of each file that it has taken up, by stat name. Raises what `ask` raises."""
    return {name: str(value) for name, value in await _stats(paths.admin_socket, _VERSIONS, within)}


async def warming(paths: Paths, within: float) -> int:
    """How many changed clusters do not serve yet, though their file is in force. Raises what `ask` raises.

    The old one does until each of the servers has been judged once, and each name been asked for.
    """
    rows = await _stats(paths.admin_socket, _WARMING, within)
    return sum(int(value) for _, value in rows if isinstance(value, int))


async def rejections(paths: Paths, within: float) -> int:
    """How many updates it could not use in its life. Raises what `ask` raises."""
    return sum(int(value) for _, value in await _stats(paths.admin_socket, _REJECTED, within) if isinstance(value, int))


async def listener_errors(paths: Paths, within: float) -> str:
    """Why it rejected a listener, in its own words; "" where it rejected none. Raises what `ask` raises."""
    dump = await _json(paths.admin_socket, "/config_dump?resource=dynamic_listeners", within)
    states = [_at(one, "error_state") for one in _list(dump, "configs")]
    return "; ".join(dict.fromkeys(str(state["details"]) for state in states if "details" in state))


async def _stats(socket: Path, target: str, within: float) -> list[tuple[str, object]]:
    rows = _list(await _json(socket, target, within), "stats")
    return [(row["name"], row.get("value")) for row in rows if isinstance(row.get("name"), str)]


async def _json(socket: Path, target: str, within: float) -> dict[str, Any]:
    answer = await ask(socket, target, within)
    try:
        whole = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise ConnectionError("the answer of the admin socket makes no sense") from error
    if answer.status != 200 or not isinstance(whole, dict):
        raise ConnectionError(f"the answer of the admin socket makes no sense: status {answer.status}")
    return whole


def parse_clusters(answer: Mapping[str, Any]) -> ProxyView:
    """`/clusters?format=json` to values. Raises ConnectionError where it is not of that shape."""
    clusters = _list(answer, "cluster_statuses")
    return ProxyView(tuple(FrontendView(str(one.get("name", "")), tuple(_servers(one))) for one in clusters))


def _servers(cluster: Mapping[str, Any]) -> Iterator[ServerView]:
    for host in _list(cluster, "host_statuses"):
        at = _at(_at(host, "address"), "socket_address")
        state, check = _state(_at(host, "health_status"))
        where = _join(str(at.get("address", "")), at.get("port_value", 0))
        counts = {one.get("name"): one.get("value") for one in _list(host, "stats")}
        active, total = (count(counts.get(name)) for name in ("cx_active", "cx_total"))
        name = str(host.get("hostname", ""))
        yield ServerView(name, where, state, check, active, total, aside=check == ASIDE)


def _state(health: Mapping[str, Any]) -> tuple[ServerState, str]:
    """Envoy's flags (admin.v3.HostHealthStatus), and in words what they mean; the worst first."""
    for flag, state, words in (
        ("active_hc_timeout", ServerState.DOWN, "check timed out"),
        ("failed_active_health_check", ServerState.DOWN, "check failed"),
        ("failed_outlier_check", ServerState.DOWN, ASIDE),
        ("pending_active_hc", ServerState.STARTING, "pending"),
    ):
        if health.get(flag) is True:
            return state, words
    match health.get("eds_health_status"):
        case "HEALTHY":
            return ServerState.UP, "check passed"
        case "DRAINING":
            return ServerState.DRAIN, "check passed"
        case other:
            return ServerState.DOWN, str(other)[:100]


def _join(address: str, port: object) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _list(whole: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of a list that may be away: protobuf leaves out what is empty."""
    found = whole.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ConnectionError(f"the answer of the admin socket makes no sense: {key}")
    return found


def _at(whole: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = whole.get(key, {})
    if not isinstance(found, dict):
        raise ConnectionError(f"the answer of the admin socket makes no sense: {key}")
    return found
