"""Each server, asked as the proxy's check asks; and the dates of the authorities."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from datetime import UTC, datetime

from halbd.model.config import Check, Config, Frontend, Scheme, Server
from halbd.model.facts import Certificate, ServerFacts

DEADLINE = 5.0
"""Seconds for all servers together: they are asked at once."""
WAIT = 2.0
"""Seconds for one step: connecting, TLS, the answer."""
EXPIRED = 10
"""X509_V_ERR_CERT_HAS_EXPIRED (X509_STORE_CTX_get_error(3))."""


def authorities(config: Config) -> tuple[Certificate, ...]:
    """Each certificate of every ca_file, once."""
    found = {}
    for ca in dict.fromkeys(frontend.check.ca for frontend in config.frontends if frontend.check.ca):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=ca)
        for one in context.get_ca_certs():
            begins, ends = str(one["notBefore"]), str(one["notAfter"])
            found[one["serialNumber"], ends] = Certificate(f"CA {_name(one)}", _moment(begins), _moment(ends))
    return tuple(found.values())


def servers(config: Config) -> tuple[ServerFacts, ...]:
    """All at once; a thread that still waits when the time is over ends with the process."""
    asked = [(frontend, server) for frontend in config.frontends for server in frontend.servers]
    found: dict[int, ServerFacts] = {}

    def ask(number: int) -> None:
        found[number] = _ask(*asked[number])

    threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(len(asked))]
    end = time.monotonic() + DEADLINE
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    late = f"no answer within {DEADLINE:g} s"
    return tuple(
        found.get(number) or ServerFacts(frontend.name, _at(server), error=late)
        for number, (frontend, server) in enumerate(asked)
    )


def _ask(frontend: Frontend, server: Server) -> ServerFacts:
    name, at, check = frontend.name, _at(server), frontend.check
    try:
        with socket.create_connection((server.address, server.port), WAIT) as line:
            match check.scheme:
                case Scheme.TCP:
                    return ServerFacts(name, at)
                case Scheme.HTTP:
                    return ServerFacts(name, at, status=_status(line, check))
                case Scheme.HTTPS:
                    return _ask_tls(name, at, line, check)
    except OSError as error:
        return ServerFacts(name, at, error=f"cannot connect: {error.strerror or error}")


def _ask_tls(name: str, at: str, line: socket.socket, check: Check) -> ServerFacts:
    try:
        with _context(check).wrap_socket(line, server_hostname=check.server_name) as secure:
            certificate = secure.getpeercert() or {}
            ends = _moment(str(certificate["notAfter"])) if certificate else None  # empty: not verified
            return ServerFacts(name, at, ends=ends, status=_status(secure, check))
    except ssl.SSLCertVerificationError as error:
        expired = error.verify_code == EXPIRED
        return ServerFacts(name, at, tls=f"certificate: {error.verify_message}", expired=expired)
    except OSError as error:
        return ServerFacts(name, at, tls=f"no TLS: {error.strerror or error}")


def _context(check: Check) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=check.ca)
    if check.ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _status(line: socket.socket, check: Check) -> int | None:
    """Of the answer to the check's question; None where there is none."""
    connection = http.client.HTTPConnection(check.server_name)
    connection.sock = line
    try:
        connection.request("GET", check.path, headers={"Connection": "close"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None


def _at(server: Server) -> str:
    return f"[{server.address}]:{server.port}" if ":" in server.address else f"{server.address}:{server.port}"


def _name(certificate: object) -> str:
    """The common name of the subject, as the ssl module spells a certificate."""
    subject = certificate["subject"] if isinstance(certificate, dict) else ()
    return next((value for part in subject for key, value in part if key == "commonName"), "without a name")


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
