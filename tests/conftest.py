"""What every room's tests share: which of them this machine cannot run, and why."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from halbd.model.errors import HalbdError
from halbd.system.programs import find

# No deadline: how long an example takes says nothing on a busy machine. HYPOTHESIS_PROFILE=long looks further.
settings.register_profile("short", deadline=None)
settings.register_profile("long", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

# An assert in a helper shows what it compared, as one in a test does.
pytest.register_assert_rewrite("tests.daemon", "tests.vm")

NEEDED = ("ip", "haproxy", "keepalived", "dnsmasq")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `root` where it cannot run; the reason is in the summary (`-ra`)."""
    if reason := _reason():
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(pytest.mark.skip(reason=reason))


def _reason() -> str:
    if os.geteuid() != 0:
        return "needs root, for network namespaces and VRRP: run `sudo make test`"
    missing = [name for name in NEEDED if not _installed(name)]
    return f"needs {', '.join(missing)}, which this machine lacks: run `make test`, which installs them" * bool(missing)


def _installed(name: str) -> bool:
    try:
        find(name)
    except HalbdError:
        return False
    return True
