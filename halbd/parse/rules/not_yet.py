"""Keys of the contract that this version does not serve: said plainly, rather than passed over."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.model.config import ProxyKind
from halbd.parse.finding import Finding
from halbd.parse.view import View

_NOT_YET = "not yet available in this version"


def envoy(view: View) -> Iterator[Finding]:
    """HAProxy is the one proxy so far."""
    if view.file.proxy.kind is ProxyKind.ENVOY:
        yield Finding(("proxy", "kind"), f"envoy is {_NOT_YET}", "write kind: haproxy")


def metrics(view: View) -> Iterator[Finding]:
    """There is no TCP port so far."""
    if view.file.metrics.listen is not None:
        yield Finding(("metrics", "listen"), f"a port for metrics is {_NOT_YET}", "write listen: null")
