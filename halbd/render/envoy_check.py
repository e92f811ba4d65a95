"""How Envoy judges a server: a request over verified TLS, while the traffic itself passes through untouched."""

from __future__ import annotations

from typing import Final

from halbd.model.config import Check, Scheme, is_address
from halbd.render.envoy_words import Json, duration, typed
from halbd.render.words import name

# What chooses the TLS socket for checks, and for nothing else.
_CHECKS_ONLY: Final = {"halbd_check": "true"}


def health_check(check: Check) -> Json:
    """A config.core.v3.HealthCheck.

    Every interval is the file's: by default Envoy checks an idle cluster, as a standby's is, once a minute only. Each
    check makes a new connection, as a client would.
    """
    kinds = ("interval", "unhealthy_interval", "no_traffic_interval", "no_traffic_healthy_interval")
    return {
        "timeout": duration(check.timeout),
        **dict.fromkeys(kinds, duration(check.interval)),
        "unhealthy_threshold": check.fall,
        "healthy_threshold": check.rise,
        "reuse_connection": False,
        **_question(check),
    }


def _question(check: Check) -> Json:
    """Without `retriable_statuses` one unexpected status would do, whatever `fall` says."""
    if check.scheme is Scheme.TCP:
        return {"tcp_health_check": {}}
    http: Json = {
        "host": name(check.server_name),
        "path": check.path,
        "expected_statuses": [{"start": status, "end": status + 1} for status in check.expect],
        "retriable_statuses": [{"start": 100, "end": 600}],
    }
    question: Json = {"http_health_check": http}
    if check.scheme is Scheme.HTTPS:
        question["transport_socket_match_criteria"] = _CHECKS_ONLY
    return question


def tls(check: Check) -> Json:
    """The cluster's sockets: TLS for what is marked as a check, none for all else."""
    if check.scheme is not Scheme.HTTPS:
        return {}
    kind = "extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    socket = {"name": "envoy.transport_sockets.tls", "typed_config": typed(kind, _context(check))}
    return {"transport_socket_matches": [{"name": "check", "match": _CHECKS_ONLY, "transport_socket": socket}]}


def _context(check: Check) -> Json:
    """Envoy as a client stops at TLS 1.2 unless told otherwise. No session is resumed: that would verify nothing.

    An address is no server name (RFC 6066, 3).
    """
    versions = {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"}
    common: Json = {"tls_params": versions, "alpn_protocols": ["http/1.1"]}
    if check.ca is not None:
        common["validation_context"] = _validation(check.ca, check.server_name)
    sni = {} if is_address(check.server_name) else {"sni": name(check.server_name)}
    return sni | {"max_session_keys": 0, "common_tls_context": common}


def _validation(ca: str, server_name: str) -> Json:
    """The CA stands in the message: of a file that changes under the same name Envoy would not know."""
    san = {"san_type": "DNS", "matcher": {"exact": name(server_name)}}
    return {"trusted_ca": {"inline_string": ca.strip() + "\n"}, "match_typed_subject_alt_names": [san]}
