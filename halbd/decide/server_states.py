"""What a reload of HAProxy may know of its servers from the worker before."""

from __future__ import annotations

BACKEND, SERVER, WEIGHT, FIRST_WEIGHT, PORT = 1, 3, 7, 8, 18
"""Columns of `show servers state` (management guide, 9.3)."""


def server_states(states: str, text: str) -> str:
    """`show servers state` for a new worker on the haproxy.cfg of that text.

    HAProxy takes the port of a server from here whatever its file says, and the weight where the file has that of the
    column srv_iweight. So a server that is gone or has another port has no row, and each weight is that of the file.
    """
    servers = _servers(text)
    head, rows = states.splitlines()[:2], states.splitlines()[2:]
    return "\n".join([*head, *(line for row in rows if (line := _row(row.split(), servers)))]) + "\n"


def _row(words: list[str], servers: dict[tuple[str, str], tuple[str, str]]) -> str:
    """One server, "" for one that is not the same any more."""
    if len(words) <= PORT:
        return ""
    port, weight = servers.get((words[BACKEND], words[SERVER]), ("", ""))
    if words[PORT] != port:
        return ""
    words[WEIGHT] = words[FIRST_WEIGHT] = weight
    return " ".join(words)


def _servers(text: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Port and weight of each server, by backend and name."""
    found, backend = {}, ""
    for words in map(str.split, text.splitlines()):
        if words[:1] == ["backend"]:
            backend = words[1]
        elif words[:1] == ["server"]:
            _, name, place, _, weight, *_ = words
            found[backend, name] = (place.rpartition(":")[2], weight)
    return found
