"""What the socket answers: the paths of the contract."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from halbd import __version__
from halbd.daemon.changer import Done
from halbd.daemon.drain_words import WrongDrainError, answer, asked
from halbd.daemon.drainer import Drainer
from halbd.daemon.generation import WrongFileError
from halbd.daemon.history import History
from halbd.daemon.http import Request, Response
from halbd.daemon.owner import read_clocks
from halbd.daemon.upgrade import Ready
from halbd.decide.status import check, stamp, status
from halbd.model.errors import HalbdError
from halbd.model.state import State


class Daemon(Protocol):
    """What the routes need of the daemon."""

    @property
    def state(self) -> State:
        """The latest state."""

    async def reload(self) -> Done:
        """Take up the file on disk. Raises HalbdError."""

    async def upgrade(self) -> Ready:
        """See that the newly installed program would start. Raises HalbdError."""


class Routes:
    """Answers one request at a time; whoever may connect may ask, root alone may change anything."""

    def __init__(self, daemon: Daemon, drainer: Drainer, history: History, script_uid: int) -> None:
        self._daemon, self._drainer, self._history = daemon, drainer, history
        self._readers = frozenset({0, script_uid})
        self._table: dict[tuple[str, str], Callable[[Request], Awaitable[Response]]] = {
            ("GET", "/check"): self._check,
            ("GET", "/status"): self._status,
            ("GET", "/history"): self._list,
            ("POST", "/reload"): self._reload,
            ("POST", "/upgrade"): self._upgrade,
            ("POST", "/drain"): self._drain,
            ("POST", "/undrain"): self._undrain,
        }

    async def __call__(self, request: Request) -> Response:
        """Find the path; say which of path, method or right is the one that does not fit."""
        try:
            path = urlsplit(request.target).path
        except ValueError as error:
            return Response(400, {"error": f"cannot read {request.target[:100]}: {error}"})
        methods = [method for method, known in self._table if known == path]
        if not methods:
            return Response(404, {"error": f"cannot answer {path}: there is no such path"})
        if request.method not in methods:
            return Response(405, {"error": f"cannot {request.method} {path}: use {', '.join(methods)}"})
        if request.uid not in self._readers or (request.method != "GET" and request.uid != 0):
            return Response(403, {"error": f"cannot {request.method} {path}: user {request.uid} may not"})
        return await self._table[request.method, path](request)

    async def _check(self, _: Request) -> Response:
        body = check(self._daemon.state, read_clocks())
        return Response(200 if body["ok"] else 503, body)

    async def _status(self, _: Request) -> Response:
        return Response(200, status(self._daemon.state, read_clocks()))

    async def _list(self, request: Request) -> Response:
        words = parse_qs(urlsplit(request.target).query).get("limit", ["100"])[-1]
        if not (words.isascii() and words.isdigit()):
            return Response(400, {"error": f"cannot list {words[:20]} transitions: limit is a whole number"})
        return Response(200, {"transitions": self._history.last(int(words[:9]))})

    async def _reload(self, _: Request) -> Response:
        try:
            done = await self._daemon.reload()
        except WrongFileError as error:
            return Response(422, {"problems": [str(problem) for problem in error.problems]})
        except HalbdError as error:
            return Response(409, {"error": str(error)})
        return Response(200, {"result": done.result, "actions": done.actions, "warnings": done.warnings})

    async def _upgrade(self, _: Request) -> Response:
        """What is to answer is yet to come: whoever asks waits until `started_at` is another one."""
        try:
            ready = await self._daemon.upgrade()
        except HalbdError as error:
            return Response(409, {"error": str(error)})
        begun = stamp(self._daemon.state.begun.wall)
        return Response(202, {"from": __version__, "to": ready.version, "started_at": begun}, ready.go)

    async def _drain(self, request: Request) -> Response:
        try:
            wanted = asked(request.body)
            drained = await self._drainer.drain(wanted.seconds, force=wanted.force)
        except WrongDrainError as error:
            return Response(400, {"error": str(error)})
        except HalbdError as error:
            return Response(409, {"error": str(error)})
        return answer(drained)

    async def _undrain(self, _: Request) -> Response:
        one = await self._drainer.undrain()
        result = "undrained" if one.drained else "not drained"
        return Response(200, {"result": result, "tried_again": one.tried, "warnings": one.warnings})
