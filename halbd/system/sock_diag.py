"""sock_diag(7): the TCP connections of this network namespace, and their end.

Spoken here and not through pyroute2, whose DiagSocket cannot destroy a socket, tells no errors, and takes a second for
what is a list of 20,000 here.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeAlias

from halbd.model.config import Address
from halbd.model.errors import HalbdError
from halbd.model.flow import Flow

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY, SOCK_DESTROY = 20, 21
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3

TIME_WAIT, CLOSE, LISTEN = 6, 7, 10
LISTENING = 1 << LISTEN
CONNECTED = 0xFFF & ~(1 << TIME_WAIT | 1 << CLOSE | 1 << LISTEN)
"""The states of linux/tcp_states.h in which there is a peer to tell, or a process; half-open ones too."""

HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
REQUEST = struct.Struct("=BBBxI48s")  # struct inet_diag_req_v2
FOUND = struct.Struct("=BBxx48sIIIII")  # struct inet_diag_msg; the 48 octets are struct inet_diag_sockid
ENDS = struct.Struct("!HH16s16s")  # the ends in there; an interface and a cookie follow
Ends: TypeAlias = tuple[int, int, bytes, bytes]
"""Both ports, then both addresses; the local one first."""
MAPPED = bytes(10) + b"\xff\xff"
BUFFER = 1 << 17
FAMILIES = (socket.AF_INET, socket.AF_INET6)


@dataclass(frozen=True, slots=True)
class Connection:
    """One socket. `ident` names this very one to the kernel, by a cookie; `inode` is 0 where no process has it."""

    flow: Flow
    family: int
    ident: bytes
    inode: int


def connections(local: Address) -> tuple[Connection, ...]:
    """Every TCP connection of which this is the local address, accepted or not. Raises HalbdError."""

    def of_it(family: int, ends: Ends) -> bool:
        return ends[2] == _octets(family, local)

    return _found(str(local), _families(local), of_it)


def connections_to(remote: Address, port: int) -> tuple[Connection, ...]:
    """Every TCP connection of which this is the other end, or is to be. Raises HalbdError."""

    def to_it(family: int, ends: Ends) -> bool:
        return ends[1] == port and ends[3] == _octets(family, remote)

    return _found(str(remote), _families(remote), to_it)


def accepted() -> tuple[Connection, ...]:
    """Every TCP connection at a port on which somebody listens here. Raises HalbdError."""
    ports = {port for _, port in listening().values()}

    def at_one(_: int, ends: Ends) -> bool:
        return ends[0] in ports

    return _found("clients", FAMILIES, at_one)


def listening() -> dict[int, tuple[Address, int]]:
    """Every TCP socket that listens, by its inode: on which address and port. Raises HalbdError."""
    found = {}
    try:
        with _open() as diag:
            for family in FAMILIES:
                for data in _dump(diag, family, LISTENING):
                    _, _, ident, _, _, _, _, inode = FOUND.unpack_from(data)
                    port, _, local, _ = ENDS.unpack_from(ident)
                    found[inode] = _address(family, local), port
            return found
    except OSError as error:
        raise HalbdError(f"cannot list who listens: {error.strerror}") from error


def destroy(found: tuple[Connection, ...]) -> tuple[Connection, ...]:
    """End these sockets and no later ones: the peer is sent a reset, the process finds ECONNABORTED.

    The kernel needs CONFIG_INET_DIAG_DESTROY, and this process CAP_NET_ADMIN. One that has ended by itself is fine.

    Raises:
        HalbdError: one is still there.
    """
    try:
        with _open() as diag:
            return tuple(one for one in found if _destroy(diag, one))
    except OSError as error:
        raise HalbdError(f"cannot destroy sockets: {error.strerror}") from error


def _open() -> socket.socket:
    diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
    diag.bind((0, 0))
    diag.settimeout(5)
    return diag


def _families(address: Address) -> tuple[int, ...]:
    """Where its connections are: an IPv6 socket may have an IPv4 address too."""
    return FAMILIES if address.version == 4 else (socket.AF_INET6,)


def _found(whose: str, families: Iterable[int], wanted: Callable[[int, Ends], bool]) -> tuple[Connection, ...]:
    try:
        with _open() as diag:
            return tuple(one for family in families for one in _of_family(diag, family, wanted))
    except OSError as error:
        raise HalbdError(f"cannot list the connections of {whose}: {error.strerror}") from error


def _of_family(diag: socket.socket, family: int, wanted: Callable[[int, Ends], bool]) -> Iterator[Connection]:
    for data in _dump(diag, family, CONNECTED):
        _, _, ident, _, _, _, _, inode = FOUND.unpack_from(data)
        ends: Ends = ENDS.unpack_from(ident)
        if wanted(family, ends):
            local_port, remote_port, local, remote = ends
            flow = Flow(_address(family, local), local_port, _address(family, remote), remote_port)
            yield Connection(flow, family, ident, inode)


def _dump(diag: socket.socket, family: int, states: int) -> Iterator[bytes]:
    _send(diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, REQUEST.pack(family, socket.IPPROTO_TCP, 0, states, bytes(48)))
    yield from _answers(diag, family)


def _destroy(diag: socket.socket, one: Connection) -> bool:
    _send(diag, SOCK_DESTROY, NLM_F_ACK, REQUEST.pack(one.family, socket.IPPROTO_TCP, 0, CONNECTED, one.ident))
    code: int = struct.unpack_from("=i", diag.recv(BUFFER), HEADER.size)[0]
    if code not in {0, -errno.ENOENT}:
        raise OSError(-code, os.strerror(-code))
    return code == 0


def _send(diag: socket.socket, kind: int, flags: int, body: bytes) -> None:
    diag.send(HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST | flags, 1, 0) + body)


def _answers(diag: socket.socket, family: int) -> Iterator[bytes]:
    """The messages of a dump, without their headers."""
    while True:
        data, at = diag.recv(BUFFER), 0
        while at < len(data):
            length, kind, *_ = HEADER.unpack_from(data, at)
            body = data[at + HEADER.size : at + length]
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                code = -struct.unpack_from("=i", body)[0]
                if family == socket.AF_INET6 and code == errno.ENOENT:
                    return  # a kernel without IPv6
                raise OSError(code, os.strerror(code))
            yield body
            at += length + 3 & ~3


def _octets(family: int, address: Address) -> bytes:
    """As a socket of that family has it; an IPv4 address in one of AF_INET6: RFC 4291, 2.5.5.2."""
    if family == socket.AF_INET:
        return address.packed.ljust(16, b"\0")
    return address.packed if address.version == 6 else MAPPED + address.packed


def _address(family: int, octets: bytes) -> Address:
    if family == socket.AF_INET:
        return ip_address(octets[:4])
    return ip_address(octets[12:] if octets.startswith(MAPPED) else octets)
