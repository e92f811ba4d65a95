"""HTTP to the daemon over its unix socket, with the standard library alone."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from halbd.model.errors import HalbdError, NoDaemonError


@dataclass(frozen=True, slots=True)
class Answer:
    """What the daemon said: the HTTP status and the JSON object."""

    status: int
    body: dict[str, Any]


class UnixHTTPConnection(HTTPConnection):
    """http.client over AF_UNIX, with an end to the wait: its own timeout is per read, so a slow drip outlives it."""

    def __init__(self, path: Path, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self.path = path
        self.late = False
        self.own = socket.socket(socket.AF_UNIX)  # http.client drops its own reference before the body is read

    def connect(self) -> None:
        """Called by request(). Raises OSError."""
        self.own.settimeout(self.timeout)
        self.own.connect(str(self.path))
        self.sock = self.own

    def cut(self) -> None:
        """End every wait on it: called from another thread when the time is up."""
        self.late = True
        with suppress(OSError):
            self.own.shutdown(socket.SHUT_RDWR)


def ask(
    path: Path,
    method: str,
    url: str,
    known: tuple[int, ...] = (200,),
    patience: float = 5,
    body: dict[str, Any] | None = None,
) -> Answer:
    """One question, one answer, within `patience` seconds in all. `body` is sent as JSON.

    Raises NoDaemonError when nobody answers or what answers is not halbd, HalbdError when the HTTP status is
    none of the `known` ones, such as 403: only root may change anything.
    """
    connection = UnixHTTPConnection(path, patience)
    timer = threading.Timer(patience, connection.cut)
    timer.daemon = True
    timer.start()
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, url, body=text, headers={"Connection": "close"})
        response = connection.getresponse()
        answer = Answer(response.status, _object(response.read()))
    except (OSError, HTTPException, ValueError) as problem:
        late = connection.late or isinstance(problem, TimeoutError)
        words = f"no whole answer within {patience:g} s; is it stopped or hung?" if late else _silence(problem)
        raise NoDaemonError(f"cannot reach halbd on {path}: {words}") from problem
    finally:
        timer.cancel()
        connection.close()
    if answer.status not in known:
        raise HalbdError(f"cannot {method} {url}: {answer.body.get('error', f'HTTP {answer.status}')}")
    return answer


def _object(text: bytes) -> dict[str, Any]:
    """The JSON object in the body. Raises ValueError."""
    if not text.lstrip().startswith(b"{"):
        raise ValueError("the answer is not an object")
    return dict(json.loads(text))


def _silence(problem: Exception) -> str:
    """Why there is no answer, and what to do about it."""
    match problem:
        case FileNotFoundError():
            return "there is no such socket; is halbd running? `systemctl status halbd` says"
        case ConnectionRefusedError():
            return "nobody listens (connection refused); is halbd running? `systemctl status halbd` says"
        case PermissionError():
            return "permission denied; try as root"
        case HTTPException() | ValueError():
            return "the answer is broken or not halbd's"
        case OSError(strerror=str(words)):
            return words
        case _:
            return str(problem)
