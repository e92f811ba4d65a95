# Late imports are paid only where the daemon is silent; pathlib and contextlib would be paid on every run:
# ruff: noqa: PLC0415, PTH123, SIM105
"""halbd-check [SOCKET]: may this node hold the VIP? The dead-man's switch of keepalived's vrrp_script, run each second.

Standard library only, and complete in this file: it must run as `/usr/bin/python3 -I -S check.py` under an account that
may read little else, and that Python may be older than the daemon's (3.9 on RHEL 9). The question to the daemon is one
round trip and imports nothing from disk but _socket; what costs time is imported where it did not answer. keepalived
counts the exit code alone, and 2.2.7 starts the next run on top of one that hangs, so every way through this file ends
within LIMIT.
"""

import _socket
import posix
import sys
import time

TYPE_CHECKING = False  # importing typing would cost more than asking the daemon
if TYPE_CHECKING:
    from socket import socket
    from typing import Any, NoReturn

SOCKET = "/run/halbd/halbd.sock"
PATIENCE = 0.3  # seconds that the daemon has to answer
FRESH = 1.0  # seconds for which its verdict counts
LIMIT = 0.75  # seconds for everything; the start of the interpreter and a busy machine come on top, 0.9 is the promise
USAGE = """\
usage: halbd-check [-h | --help] [SOCKET]

May this node hold the VIP? Asks the daemon on SOCKET (default /run/halbd/halbd.sock);
when it does not answer, looks for itself. Ends within 0.9 seconds.

exit codes: 0 it may, 1 it may not, 2 usage (this help too: 0 means one thing only)
"""


class NoAnswerError(Exception):
    """The daemon gave no answer that can be used; the message says why, in words."""


def main() -> "NoReturn":
    """Say why in one line and end the process: _exit() waits neither for a hung probe's thread nor for a clean-up."""
    arguments = sys.argv[1:]
    if len(arguments) > 1 or any(word.startswith("-") or not word for word in arguments):
        end(2, USAGE)
    try:
        code, why = verdict(arguments[0] if arguments else SOCKET, time.monotonic())
    except Exception as problem:  # noqa: BLE001  # keepalived sees the exit code only: a bug too must read "may not"
        code, why = 1, f"cannot decide: {type(problem).__name__}: {problem}"
    end(code, f"{'may not' if code else 'may'} hold the VIP: {' '.join(why.split())}\n")


def end(code: int, text: str) -> "NoReturn":
    """Write and leave. A closed or full output is no reason to change the verdict: keepalived gives us /dev/null."""
    try:
        posix.write(2 if code == 2 else 1, text.encode(errors="replace"))
    except OSError:
        pass  # there is nowhere left to complain to
    posix._exit(code)  # noqa: SLF001  # os._exit by its real name


def verdict(path: str, start: float) -> tuple[int, str]:
    """Exit code and reason: the daemon's, or what our own look says when it gives none."""
    try:
        return judge(ask(path, start + PATIENCE), time.monotonic())
    except NoAnswerError as silence:
        code, why = look(f"{path[: path.rfind('/') + 1]}look.json", start + LIMIT)
        return code, f"{silence}, so looked for itself: {why}"


def ask(path: str, deadline: float) -> bytes:
    """One GET /check, the whole answer. The deadline is total: a slow drip does not outlive it."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    answer = b""
    try:
        sock.settimeout(PATIENCE)
        sock.connect(path)
        sock.send(b"GET /check HTTP/1.1\r\nHost: halbd\r\nConnection: close\r\n\r\n")
        while len(answer) < 65536 and (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            if not (part := sock.recv(65536)):
                return answer
            answer += part
    except _socket.timeout:
        pass  # said below, together with the drip
    except ConnectionRefusedError:
        raise NoAnswerError(f"nobody listens on {path} (connection refused)") from None
    except OSError as problem:
        raise NoAnswerError(f"cannot ask the daemon on {path}: {problem.strerror or problem}") from None
    finally:
        sock.close()
    raise NoAnswerError(f"the daemon gave no {'whole ' if answer else ''}answer within {PATIENCE} s")


def judge(answer: bytes, now: float) -> tuple[int, str]:
    """Read the verdict. No JSON parser on the way of a good answer: importing one costs more than asking.

    A quote inside a JSON string is always escaped, so `"stale":` can only be the key.
    """
    head, _, body = answer.partition(b"\r\n\r\n")
    flat = b"".join(body.split())
    if head[:9] != b"HTTP/1.1 " or flat[:1] != b"{" or flat[-1:] != b"}":
        raise NoAnswerError("the daemon's answer is not whole or not HTTP")
    if b'"stale":true' in flat:
        raise NoAnswerError("the daemon says that its evidence is stale")
    if not 0 <= (age := now - number(flat, b'"monotonic":')) <= FRESH:
        raise NoAnswerError(f"the daemon's answer is {age:.1f} s old")
    if head[9:12] == b"200" and b'"ok":true' in flat and b'"stale":false' in flat:
        return 0, "the daemon says so"
    if head[9:12] == b"503" and b'"ok":false' in flat and b'"stale":false' in flat:
        return 1, first_reason(body)
    raise NoAnswerError("the daemon's answer is neither yes nor no")


def number(flat: bytes, key: bytes) -> float:
    """The number after `key`. Anything else is a broken answer."""
    try:
        return float(flat.partition(key)[2].split(b",")[0].rstrip(b"}"))
    except ValueError:
        raise NoAnswerError("the daemon's answer has no time") from None


def first_reason(body: bytes) -> str:
    """The first reason in words; a 503 stays a 503 when its reasons cannot be read."""
    import json

    try:
        reason = json.loads(body)["reasons"][0]
        return f"{reason['cause']}: {reason['detail']}"
    except (ValueError, LookupError, TypeError):
        return "the daemon says no, without a reason"


def look(file: str, deadline: float) -> tuple[int, str]:
    """Without the daemon: is the proxy's process alive, and does every probe through it pass?"""
    try:
        pid, start_ticks, probes = read(file)
    except OSError as problem:
        return 1, f"cannot read {file}: {problem.strerror}"
    except (ValueError, LookupError, TypeError):
        return 1, f"{file} is broken"
    if reason := death(pid, start_ticks) or failure(probes, deadline):
        return 1, reason
    return 0, f"the proxy (pid {pid}) is alive and every probe through it passed ({len(probes)})"


def read(file: str) -> "tuple[int, int, list[dict[str, Any]]]":
    """The proxy's pid and start ticks, and its probes, as the daemon left them. Raises what broken files raise."""
    import json

    with open(file, "rb") as text:
        plan = json.load(text)
    keys = ("address", "port", "scheme", "path", "expect", "server_name", "ca", "timeout")
    probes = [{key: probe[key] for key in keys} for probe in plan["probes"]]
    if not probes:
        raise ValueError("a proxy that nobody asked is not known to serve")
    return int(plan["proxy"]["pid"]), int(plan["proxy"]["start_ticks"]), probes


def death(pid: int, start_ticks: int) -> str:
    """Why the process does not count as the running proxy, or "". A number alone is no identity: pids are used again.

    proc(5): field 2 (the name) may hold blanks and brackets, so count from its last bracket: 3 is the state, 22 the
    start.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as text:
            fields = text.read().rpartition(b")")[2].split()
    except OSError:
        return "" if hidden(pid) else f"the proxy (pid {pid}) is gone"
    if fields[0] in (b"Z", b"X"):
        return f"the proxy (pid {pid}) is dead (state {fields[0].decode()})"
    return "" if int(fields[19]) == start_ticks else f"the proxy is gone (pid {pid} is another process now)"


def hidden(pid: int) -> bool:
    """Whether /proc merely hides it: proc(5), hidepid=2. kill(2) then still says EPERM, and the probes decide."""
    try:
        posix.kill(max(pid, 1), 0)
    except OSError as problem:
        return isinstance(problem, PermissionError) and pid > 1
    return False


def failure(probes: "list[dict[str, Any]]", deadline: float) -> str:
    """The first probe that fails, in words, or "". All at once: a slow frontend costs the others no time."""
    from concurrent.futures import ThreadPoolExecutor
    from concurrent.futures import TimeoutError as LateError  # the built-in one only from Python 3.11 on

    pool = ThreadPoolExecutor(len(probes))
    for probe, answer in [(probe, pool.submit(status, probe, deadline)) for probe in probes]:
        where = f"{probe['scheme']} to {probe['address']} port {probe['port']}"
        try:
            got = answer.result(max(0, deadline - time.monotonic()))
        except LateError:
            return f"{where} timed out"
        except OSError as problem:
            return f"{where} failed: {getattr(problem, 'verify_message', '') or problem.strerror or problem}"
        if got is not None and got not in probe["expect"]:
            return f"{where} answered {got or 'something that is not HTTP'} to {probe['path']}"
    return ""


def status(probe: "dict[str, Any]", deadline: float) -> "int | None":
    """Connect and ask: the HTTP status, 0 for what is no HTTP, None where connecting is all. Raises OSError."""
    import socket

    timeout = max(0.001, min(probe["timeout"], deadline - time.monotonic()))
    with socket.create_connection((probe["address"], probe["port"]), timeout) as sock:
        if probe["scheme"] == "tcp":
            return None
        with secure(sock, probe) if probe["scheme"] == "https" else sock as stream:
            host = probe["server_name"] or probe["address"]
            stream.sendall(f"GET {probe['path']} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            words = stream.makefile("rb").readline(4096).split()
    return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1].isdigit() else 0


def secure(sock: "socket", probe: "dict[str, Any]") -> "socket":
    """TLS, with the server's certificate verified for its name unless the operator wrote `insecure` (no CA)."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if probe["ca"] is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=probe["ca"])
    return context.wrap_socket(sock, server_hostname=probe["server_name"])


if __name__ == "__main__":
    main()
