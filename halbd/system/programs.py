"""Which programs and accounts this machine has."""

from __future__ import annotations

import pwd
import shutil

from halbd.model.config import Proxy
from halbd.model.errors import HalbdError

SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for: a service's PATH may lack the sbin folders."""


def find(name: str) -> str:
    """The full path of a program.

    Raises:
        HalbdError: it is not installed.
    """
    path = shutil.which(name, path=SEARCH)
    if path is None:
        raise HalbdError(f"cannot find {name}: it is not installed; install the package {name}")
    return path


def proxy_binary(proxy: Proxy) -> str:
    """The proxy's program: the one that the file names, else the one on PATH.

    Raises:
        HalbdError: there is none, or it cannot be executed.
    """
    if proxy.binary is None:
        return find(proxy.kind.value)
    if shutil.which(proxy.binary) is None:
        raise HalbdError(f"cannot run {proxy.binary}: no executable program is there; correct proxy.binary")
    return proxy.binary


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


def check_account() -> pwd.struct_passwd:
    """The account that halbd-check runs as: keepalived's own for scripts (keepalived.conf(5)), else nobody.

    Raises:
        HalbdError: this machine has neither.
    """
    found = account("keepalived_script") or account("nobody")
    if found is None:
        raise HalbdError("cannot run halbd-check: there is neither an account keepalived_script nor nobody")
    return found


def account(name: str) -> pwd.struct_passwd | None:
    """The account of that name, if there is one."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
