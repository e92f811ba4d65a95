"""All facts of `halbctl doctor`. What cannot be looked at is Unknown, with the reason, and stops nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from halbd.decide.doctor.handmade import HALBD
from halbd.decide.doctor.services import UNITS
from halbd.model.config import Address, Config, Vip
from halbd.model.errors import HalbdError
from halbd.model.facts import Facts, Heard, Keeper, OpenFiles, PortHolder, Unit, Unknown
from halbd.model.host import Host
from halbd.model.paths import Paths
from halbd.model.problem import Problem
from halbd.render.render import render
from halbd.system import checkers, pid_files, process
from halbd.system.doctor import clock, echo, firewall, limits, managers, ports, programs, scripts, servers, settings
from halbd.system.doctor.listen import Listener
from halbd.system.doctor.units import units
from halbd.system.host import gather as gather_host
from halbd.system.keepalived_unit import systemd_runs
from halbd.system.surroundings import surroundings

T = TypeVar("T")
NO_CONFIG = Unknown("the config has problems")


def gather(config: Config | tuple[Problem, ...], file: Path, paths: Paths, in_force: str | None) -> Facts:
    """Ask everything there is to ask; a few seconds. `in_force` is the digest of the config that the daemon runs on."""
    one = config if isinstance(config, Config) else None
    listener = _known(Listener)  # first, so that it listens while all else is asked
    host = gather_host(paths.configuration)
    systemd = systemd_runs()
    found = _known(lambda: units((*UNITS, *managers.UNITS))) if systemd else Unknown("systemd does not run here")
    known = {} if isinstance(found, Unknown) else found
    return Facts(
        config=config,
        file=str(file),
        now=datetime.now(UTC),
        in_force=in_force,
        refused=_of(one, lambda it: _as_root("the programs check files", lambda: _refused(it, paths))),
        keepalived=programs.keepalived(),
        proxy=_of(one, lambda it: programs.proxy(it.proxy)),
        systemd=systemd,
        units=found,
        pid_files=pid_files.blocking(),
        holders=_of(one, lambda it: _holders(it, paths)),
        programs=_known(lambda: scripts.components(paths)),
        open_files=_of(one, lambda it: _open_files(it, known.get(HALBD))),
        addresses=host.addresses,
        up=process.up(),
        answers=_of(one, lambda it: _as_root("echo requests go out", lambda: echo.ask(_targets(it, host)))),
        filters=_as_root("packet filters can be read", firewall.filters),
        keepers=_of(one, lambda it: _keepers(it, known)),
        settings=settings.settings(_interfaces(one.vips if one else (), host)),
        synchronised=_known(clock.synchronised),
        authorities=_of(one, servers.authorities),
        servers=_of(one, servers.servers),
        heard=_of(one, lambda it: _heard(it, listener)),
    )


def _known(ask: Callable[[], T]) -> T | Unknown:
    try:
        return ask()
    except HalbdError as error:
        return Unknown(str(error))
    except OSError as error:
        return Unknown(f"cannot look: {error.strerror or error}")


def _of(config: Config | None, ask: Callable[[Config], T | Unknown]) -> T | Unknown:
    return _known(lambda: ask(config)) if config else NO_CONFIG


def _as_root(what: str, ask: Callable[[], T]) -> T | Unknown:
    return Unknown(f"not root: only for root {what}") if os.geteuid() else _known(ask)


def _refused(config: Config, paths: Paths) -> str:
    try:
        checkers.check(render(config, surroundings(paths)), config)
    except HalbdError as error:
        return str(error)
    return ""


def _holders(config: Config, paths: Paths) -> tuple[PortHolder, ...] | Unknown:
    found = ports.holders(config, paths)
    if os.geteuid() and any(one.pid is None for one in found):
        taken = ", ".join(str(port) for port in sorted({one.port for one in found}))
        return Unknown(f"not root: port {taken} is taken, and by whom only root can see")
    return found


def _open_files(config: Config, halbd: Unit | None) -> OpenFiles | Unknown:
    if halbd is not None and halbd.load == "loaded":
        return limits.of_unit(config, HALBD)
    return _as_root("the limit may be raised", lambda: limits.of_this_process(config))


def _targets(config: Config, host: Host) -> list[Address]:
    """The peers, and the VIPs that are not here."""
    here = {one.address.ip for one in host.addresses}
    wanted = [*(node.address for node in config.nodes), *(vip.address for vip in config.vips)]
    return [address for address in wanted if address not in {*here, config.node.address}]


def _interfaces(vips: tuple[Vip, ...], host: Host) -> list[str]:
    return list(dict.fromkeys((*(one.interface for one in host.addresses), *(vip.interface for vip in vips))))


def _keepers(config: Config, known: dict[str, Unit]) -> tuple[Keeper, ...]:
    return managers.keepers(dict.fromkeys(vip.interface for vip in config.vips), known)


def _heard(config: Config, listener: Listener | Unknown) -> Heard | Unknown:
    return listener if isinstance(listener, Unknown) else listener.heard(config)
