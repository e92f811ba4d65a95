"""Keys of the contract that this version does not serve: said plainly, rather than passed over."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.parse.finding import Finding
from halbd.parse.view import View

_NOT_YET = "not yet available in this version"


def metrics(view: View) -> Iterator[Finding]:
    """There is no TCP port so far."""
    if view.file.metrics.listen is not None:
        yield Finding(("metrics", "listen"), f"a port for metrics is {_NOT_YET}", "write listen: null")
