"""One question through the proxy: a new connection, the certificate verified, a deadline that no slow drip outlives."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache, partial
from threading import Lock
from typing import Any, Self

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from halbd.model.config import Scheme
from halbd.model.evidence import Now, ProbeResult, Target
from halbd.system.shortage import shortage
from halbd.system.threads import Threads

LONGEST_ANSWER = 4096
"""Bytes of a body that are read: the status is what counts."""
THREADS = 8
"""That are there from the start. More would each keep some memory, and few nodes have so many targets."""


class Prober:
    """Asks targets in threads of its own, one question in flight for each.

    `requests` has no deadline for a whole exchange, so the loop keeps it: when it passes, the probe has failed, and the
    connection is shut down, so that its thread ends as well, whatever still drips in.
    """

    def __init__(self, threads: int = THREADS, most: int = 64) -> None:
        # There may be more than targets, so that none waits behind silent ones.
        self._pool = Threads(threads, "probe", most)

    async def ask(self, target: Target) -> ProbeResult:
        """Ask once; never raises for anything the other side does."""
        loop = asyncio.get_running_loop()
        begun = time.monotonic()
        with _Line() as line:
            try:
                asked = loop.run_in_executor(self._pool, _ask, target, line)
            except RuntimeError as error:  # "can't start new thread"
                return self._result(target, begun, (False, False, None, str(error)), ours=True)
            try:
                answer = await asyncio.wait_for(asked, target.timeout)
            except TimeoutError:
                if not line.begun:
                    return self._result(target, begun, (False, False, None, "no thread is free to ask"), ours=True)
                answer = (False, line.connected, None, f"no answer within {target.timeout:g} s")
            except OSError as error:
                if not shortage(error):
                    raise
                return self._result(target, begun, (False, False, None, str(error)), ours=True)
        return self._result(target, begun, answer)

    def _result(self, target: Target, begun: float, answer: Answer, *, ours: bool = False) -> ProbeResult:
        ok, connected, status, error = answer
        at = Now(time.monotonic(), datetime.now(UTC))
        return ProbeResult(target, ok, connected, status, at.mono - begun, at, error, ours)

    def close(self) -> None:
        """Let the threads go; what they still wait for ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Line:
    """The connection of one question: at the end of the block it is cut, also one that comes about only afterwards."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._over = False
        self._own: socket.socket | None = None
        self.begun = False
        """A thread has taken the question up."""

    def __enter__(self) -> Self:
        """Begin the question."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it in any case."""
        with self._lock:
            self._over = True
            self._cut()

    @property
    def connected(self) -> bool:
        """The TCP connection has come about."""
        return self._own is not None

    def hold(self, connection: socket.socket) -> socket.socket:
        """Keep a descriptor of our own: the other one belongs to the thread that reads from it."""
        with self._lock:
            self._own = socket.socket(fileno=os.dup(connection.fileno()))
            if self._over:
                self._cut()
        return connection

    def _cut(self) -> None:
        if self._own is not None:
            with suppress(OSError):
                self._own.shutdown(socket.SHUT_RDWR)
            self._own.close()


Answer = tuple[bool, bool, int | None, str]


def _ask(target: Target, line: _Line) -> Answer:
    line.begun = True
    return _connect(target) if target.scheme is Scheme.TCP else _get(target, line)


def _connect(target: Target) -> Answer:
    try:
        with socket.create_connection((str(target.address), target.port), target.timeout):
            return True, True, None, ""
    except OSError as error:
        if shortage(error):
            raise
        return False, False, None, f"cannot connect to the proxy: {error.strerror or error}"


def _get(target: Target, line: _Line) -> Answer:
    host = f"[{target.address}]" if target.address.version == 6 else str(target.address)
    url = f"{target.scheme}://{host}:{target.port}{target.path}"
    headers = {"Host": target.server_name, "Connection": "close"}
    try:
        with (
            _session(target, line) as session,
            session.get(url, headers=headers, timeout=target.timeout, stream=True, allow_redirects=False) as response,
        ):
            with suppress(OSError, requests.RequestException, urllib3.exceptions.HTTPError):
                response.raw.read(LONGEST_ANSWER)  # closing with bytes unread would reset the connection
            ok = response.status_code in target.expect
            return ok, True, response.status_code, "" if ok else f"status {response.status_code}"
    except requests.RequestException as error:
        if shortage(error):
            raise  # RequestException is an OSError
        return False, _connected(error), None, _words(error)


def _session(target: Target, line: _Line) -> requests.Session:
    """One session for each question; only the TLS context, which is dear, is kept."""
    session = requests.Session()
    session.trust_env = False  # a proxy from the environment would ask somebody else
    session.mount(f"{target.scheme}://", _VerifiedAs(_context(target.ca), target.server_name, line))
    return session


@lru_cache(maxsize=32)
def _context(ca: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca)
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the operator wrote `insecure: true`
    return context


class _VerifiedAs(HTTPAdapter):
    """Connect to an address, verify the certificate against the server's name, and let the line be cut."""

    def __init__(self, context: ssl.SSLContext, server_name: str, line: _Line) -> None:
        self._context = context
        self._name = server_name
        self._line = line
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have urllib3 connect in our way; nothing that requests would add about CAs reaches a connection."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": self._plain, "https": self._secure}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context verifies; nothing is to be added."""

    def _plain(self, host: str, port: int, **_: Any) -> HTTPConnectionPool:
        pool = HTTPConnectionPool(host, port)
        pool.ConnectionCls = partial(_Plain, self._line)  # type: ignore[assignment]  # it is only ever called
        return pool

    def _secure(self, host: str, port: int, **_: Any) -> HTTPSConnectionPool:
        pool = HTTPSConnectionPool(host, port, ssl_context=self._context, server_hostname=self._name)
        pool.ConnectionCls = partial(_Secure, self._line)  # type: ignore[assignment]  # as above
        return pool


class _Plain(HTTPConnection):
    """A connection that can be cut."""

    def __init__(self, line: _Line, **how: Any) -> None:
        self._line = line
        super().__init__(**how)

    def _new_conn(self) -> socket.socket:
        return self._line.hold(super()._new_conn())


class _Secure(HTTPSConnection):
    """The same with TLS, whose handshake can be cut as well."""

    def __init__(self, line: _Line, **how: Any) -> None:
        self._line = line
        super().__init__(**how)

    def _new_conn(self) -> socket.socket:
        return self._line.hold(super()._new_conn())


def _connected(error: requests.RequestException) -> bool:
    """Whether the proxy accepted the connection: a refusal is the proxy's own doing, all else may be a server's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError) or "Connection refused" in str(cause):
            return False
        cause = cause.__cause__ or cause.__context__
    return not isinstance(error, requests.ConnectTimeout)


def _words(error: requests.RequestException) -> str:
    text = str(error)
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if any(sign in text for sign in ("reset by peer", "Remote end closed", "EOF")):
        return "the connection was closed without an answer"
    if isinstance(error, requests.exceptions.SSLError):
        return "TLS: " + (text.partition("SSLError(")[2] or text).rstrip(")")[:200]
    if "Connection refused" in text:
        return "the proxy refuses the connection"
    return text[:200]
