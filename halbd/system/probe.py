"""One question through the proxy: a new connection, the certificate verified, a deadline that no slow drip outlives."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from halbd.model.config import Scheme
from halbd.model.evidence import Now, ProbeResult, Target

LONGEST_ANSWER = 4096
"""Bytes of a body that are read: the status is what counts."""


class Prober:
    """Asks targets in a small pool of threads of its own, one question in flight for each.

    `requests` has no deadline for a whole exchange, so the loop keeps it: when it passes, the probe has failed,
    whatever its thread still waits for. That thread ends with its own socket timeout.
    """

    def __init__(self, threads: int = 4) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="probe")

    async def ask(self, target: Target) -> ProbeResult:
        """Ask once; never raises for anything the other side does."""
        loop = asyncio.get_running_loop()
        begun = time.monotonic()
        try:
            answer = await asyncio.wait_for(loop.run_in_executor(self._pool, _ask, target), target.timeout)
        except TimeoutError:
            answer = (False, True, None, f"no answer within {target.timeout:g} s")
        ok, connected, status, error = answer
        at = Now(time.monotonic(), datetime.now(UTC))
        return ProbeResult(target.name, ok, connected, status, at.mono - begun, at, error)

    def close(self) -> None:
        """Let the threads go; what they still wait for ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)


Answer = tuple[bool, bool, int | None, str]


def _ask(target: Target) -> Answer:
    return _connect(target) if target.scheme is Scheme.TCP else _get(target)


def _connect(target: Target) -> Answer:
    try:
        with socket.create_connection((str(target.address), target.port), target.timeout):
            return True, True, None, ""
    except OSError as error:
        return False, False, None, f"cannot connect to the proxy: {error.strerror or error}"


def _get(target: Target) -> Answer:
    host = f"[{target.address}]" if target.address.version == 6 else str(target.address)
    url = f"{target.scheme}://{host}:{target.port}{target.path}"
    session = _session(target.ca, target.server_name)
    headers = {"Host": target.server_name, "Connection": "close"}
    try:
        with session.get(url, headers=headers, timeout=target.timeout, stream=True, allow_redirects=False) as response:
            with suppress(OSError, requests.RequestException):
                response.raw.read(LONGEST_ANSWER)
            ok = response.status_code in target.expect
            return ok, True, response.status_code, "" if ok else f"status {response.status_code}"
    except requests.RequestException as error:
        return False, _connected(error), None, _words(error)


@lru_cache(maxsize=32)
def _session(ca: str | None, server_name: str) -> requests.Session:
    """One session per CA and name: the TLS context is built once, connections are not kept."""
    session = requests.Session()
    session.trust_env = False  # a proxy from the environment would ask somebody else
    session.mount("https://", _VerifiedAs(ca, server_name))
    return session


class _VerifiedAs(HTTPAdapter):
    """Connect to an address, verify the certificate against the server's name."""

    def __init__(self, ca: str | None, server_name: str) -> None:
        self._name = server_name
        self._context = ssl.create_default_context(cadata=ca) if ca else ssl.create_default_context()
        if ca is None:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Hand our context and name to urllib3."""
        super().init_poolmanager(*args, ssl_context=self._context, server_hostname=self._name, **kwargs)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """Keep requests from replacing the context's own CA by its bundle."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        pool.pop("ca_certs", None)
        pool["cert_reqs"] = "CERT_NONE" if self._context.verify_mode is ssl.CERT_NONE else "CERT_REQUIRED"
        return host, pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context verifies; nothing is to be added."""


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
    if isinstance(error, requests.exceptions.SSLError):
        return "TLS: " + (text.partition("SSLError(")[2] or text).rstrip(")")[:200]
    if "Connection refused" in text:
        return "the proxy refuses the connection"
    if "reset by peer" in text or "Remote end closed" in text or "EOF" in text:
        return "the connection was closed without an answer"
    return text[:200]
