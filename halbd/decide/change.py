"""What a new generation needs: the smallest action that makes it true, and what the operator must be told."""

from __future__ import annotations

from dataclasses import dataclass, replace

from halbd.decide.listen import has_low_ports, sockets, sockets_of
from halbd.model.config import Address, Config, Frontend, ProxyKind, Server, is_address
from halbd.model.files import FileSet

KEEPALIVED_FILE = "keepalived.conf"
ENVOY_BOOTSTRAP = "envoy.json"
NOT_TAKEN_UP = {KEEPALIVED_FILE, ENVOY_BOOTSTRAP, "envoy-check.json"}
"""What a running proxy does not read: envoy-check.json is for `envoy --mode validate` alone."""
LOW_PORT = (
    "cannot have the running haproxy listen on a port below 1024, for which it was not started: "
    "stop halbd and start it again with the new file"
)
OTHER_KIND = "cannot put another proxy in the place of the running one: stop halbd and start it again with the new file"

_RELOAD = {
    ProxyKind.HAPROXY: "reload the proxy (seamless: no connection is lost)",
    ProxyKind.ENVOY: "see the running Envoy take up its new files (it does so by itself: no connection is lost)",
}

_HAND_OVER = "hand over to a new Envoy (established connections stay with the old one until they end)"


@dataclass(frozen=True, slots=True)
class ServerChange:
    """One server that a running proxy can take up: a new one, or another weight for one that it has."""

    frontend: Frontend
    server: Server
    new: bool

    def __str__(self) -> str:
        """In words, for the operator."""
        if self.new:
            return f"add {self.server.name} to {self.frontend.name} in the running proxy"
        return f"give {self.server.name} of {self.frontend.name} weight {self.server.weight} in the running proxy"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done to the running programs; `new_binds` are ports that must be free before a reload.

    `servers` is what the running proxy can take up by itself; with anything more, `proxy_reload` stands instead.
    `hand_over` puts another process in the place of the running one, which takes up all else as well.
    `refused` says why a running daemon cannot take up any of it, or "".
    """

    kind: ProxyKind
    refused: str
    hand_over: bool
    proxy_reload: bool
    servers: tuple[ServerChange, ...]
    keepalived_reload: bool
    new_binds: tuple[tuple[Address, int], ...]
    warnings: tuple[str, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        """In words, for the operator."""
        if self.refused:
            return ()
        proxy = (_RELOAD[self.kind],) if self.proxy_reload else ()
        if self.hand_over:
            proxy = (_HAND_OVER,)
        keepalived = ("reload keepalived (the VIP stays)",) if self.keepalived_reload else ()
        return (*map(str, self.servers), *proxy, *keepalived)


def change(old: Config, old_files: FileSet, new: Config, new_files: FileSet) -> Change:
    """Compare two generations."""
    before = sockets(old)
    binds = tuple(one for one in sockets(new) if one not in before)
    different = proxy_changed(old_files, new_files)
    kind = new.proxy.kind
    servers = _servers(old, new) if different and kind is ProxyKind.HAPROXY else ()
    refused = _refused(old, new)
    return Change(
        kind=kind,
        refused=refused,
        hand_over=kind is old.proxy.kind is ProxyKind.ENVOY and _other_process(old, old_files, new, new_files),
        proxy_reload=different and not servers,
        servers=servers,
        keepalived_reload=keepalived_changed(old_files, new_files),
        new_binds=binds,
        warnings=(*_shared(old, new), *_restart(old, new), *([refused] if refused else [])),
    )


def _refused(old: Config, new: Config) -> str:
    """Why no running proxy can take it up; "" where one can. HAProxy keeps its master, and so what that may do."""
    if new.proxy.kind is not old.proxy.kind:
        return OTHER_KIND
    if new.proxy.kind is ProxyKind.HAPROXY and _first_low_port(old, new):
        return LOW_PORT
    return ""


def _first_low_port(old: Config, new: Config) -> bool:
    return has_low_ports(new) and not has_low_ports(old)


def proxy_changed(old: FileSet, new: FileSet) -> bool:
    """The proxy would read something else than before."""
    return _proxy_files(old) != _proxy_files(new)


def keepalived_changed(old: FileSet, new: FileSet) -> bool:
    """Keepalived would read something else than before."""
    return old.text(KEEPALIVED_FILE) != new.text(KEEPALIVED_FILE)


def _proxy_files(files: FileSet) -> dict[str, str]:
    return {f.name: f.text for f in files.files if f.name not in NOT_TAKEN_UP}


def _servers(old: Config, new: Config) -> tuple[ServerChange, ...]:
    """The changes, if new servers and weights are all there is; nothing where the proxy must read its file anew."""
    if (old.nodes, old.vips) != (new.nodes, new.vips) or len(old.frontends) != len(new.frontends):
        return ()
    found: list[ServerChange] = []
    for before, after in zip(old.frontends, new.frontends, strict=True):
        if replace(before, servers=after.servers) != after:
            return ()
        known = {server.name: server for server in before.servers}
        names = {server.name for server in after.servers}
        moved = any(s.name in known and replace(known[s.name], weight=s.weight) != s for s in after.servers)
        if moved or not names >= set(known):
            return ()
        new_ones = [s for s in after.servers if s.name not in known]
        if not all(is_address(server.address) for server in new_ones):
            return ()  # HAProxy resolves names only for servers of its file
        found += [ServerChange(after, s, new=True) for s in new_ones]
        found += [ServerChange(after, s, new=False) for s in after.servers if known.get(s.name, s) != s]
    return tuple(found)


def _shared(old: Config, new: Config) -> list[str]:
    """What keepalived on the peers must agree with: an unequal peer drops our adverts and takes the VIP as well."""
    pairs = {
        "vips": (old.vips, new.vips),
        "vrrp.advert_int": (old.vrrp.advert_int, new.vrrp.advert_int),
        "vrrp.version": (old.vrrp.version, new.vrrp.version),
        "vrrp.auth_pass_file": (old.vrrp.auth_pass, new.vrrp.auth_pass),
        "vrrp.unicast": (old.vrrp.unicast, new.vrrp.unicast),
        "nodes": (old.nodes, new.nodes),
    }
    changed = [name for name, (before, after) in pairs.items() if before != after]
    if not changed:
        return []
    order = (
        "put the new file on all nodes, drain the standbys, reload the holder, reload the standbys, undrain them; "
        "without the drain two nodes hold a VIP until the last one has it"
    )
    return [f"{', '.join(changed)} must be the same on every node: {order}"]


def _other_process(old: Config, old_files: FileSet, new: Config, new_files: FileSet) -> bool:
    """What no running Envoy takes up: another program, the names of node and cluster in its bootstrap, a capability.

    Nor listeners that change places.
    """
    other = old.proxy.binary != new.proxy.binary or old_files.text(ENVOY_BOOTSTRAP) != new_files.text(ENVOY_BOOTSTRAP)
    return other or _first_low_port(old, new) or _moves_in(old, new)


def _moves_in(old: Config, new: Config) -> bool:
    """A frontend gets an address that another one gives up in the same change.

    Envoy refuses it ("duplicate address"), unless that other one is a listener that goes: those go first. With its port
    a frontend changes its listener (envoy_listener.py).
    """
    after = {(one.name, one.port): frozenset(sockets_of(new, one)) for one in new.frontends}
    before = {(one.name, one.port): frozenset(sockets_of(old, one)) for one in old.frontends}
    stays = before.keys() & after.keys()
    return any(after[one] & before[other] for one in after for other in stays if one != other)


def _restart(old: Config, new: Config) -> list[str]:
    """What a running daemon cannot take up. Another user's Envoy could not bind a port that this one still holds."""
    fixed: dict[str, tuple[object, object]] = {
        "proxy.user": (old.proxy.user, new.proxy.user),
        "keepalived": (old.keepalived, new.keepalived),
        "log": (old.log, new.log),
    }
    if new.proxy.kind is ProxyKind.HAPROXY:
        fixed["proxy.binary"] = (old.proxy.binary, new.proxy.binary)
    names = [name for name, (before, after) in fixed.items() if before != after]
    return [f"{', '.join(names)} take effect when halbd is restarted"] if names else []
