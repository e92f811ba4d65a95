"""What a new HAProxy is told of its servers: what they were, and nothing that its own file says otherwise."""

from __future__ import annotations

from halbd.decide.server_states import server_states

HEAD = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state ...\n"


def row(name: str, port: int, weights: str, backend: str = "api", up: int = 0) -> str:
    """One line of HAProxy 2.6."""
    return f"3 {backend} 1 {name} 10.10.50.11 {up} 0 {weights} 42 8 2 0 6 0 0 0 - {port} - 0 0 - - 0\n"


FILE = """
frontend api
    bind *:6443
backend api
    default-server check inter 2s
    server a 10.10.50.11:7443 weight 10
    server b [2001:db8::1]:7443 weight 0 backup
backend other
    server a api.example:7444 weight 1 resolvers halbd
"""


def told(*rows: str) -> str:
    return server_states(HEAD + "".join(rows) + "\n", FILE)


def test_a_server_that_stays_keeps_its_state() -> None:
    assert told(row("a", 7443, "10 10"), row("b", 7443, "0 0", up=2)) == HEAD + row("a", 7443, "10 10") + row(
        "b", 7443, "0 0", up=2
    )


def test_a_weight_is_that_of_the_file() -> None:
    assert told(row("a", 7443, "0 10"), row("b", 7443, "7 1")) == HEAD + row("a", 7443, "10 10") + row("b", 7443, "0 0")


def test_a_server_with_another_port_begins_anew() -> None:
    assert told(row("a", 7444, "10 10")) == HEAD


def test_a_server_that_is_gone_is_not_told_of() -> None:
    assert told(row("c", 7443, "10 10"), row("a", 7443, "10 10", backend="gone")) == HEAD


def test_each_backend_has_its_own() -> None:
    assert told(row("a", 7444, "1 1", backend="other")) == HEAD + row("a", 7444, "1 1", backend="other")


def test_an_answer_without_servers_is_left_as_it_is() -> None:
    assert server_states("1\n", FILE) == "1\n"
