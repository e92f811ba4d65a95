"""Config in, files out: the only door to the renderers."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.model.config import Config, ProxyKind
from halbd.model.files import File, FileSet, Surroundings
from halbd.render.envoy import envoy
from halbd.render.haproxy import ca_file, haproxy
from halbd.render.keepalived import keepalived
from halbd.render.words import HEADER


def render(config: Config, around: Surroundings) -> FileSet:
    """Every file of one generation, ordered by name: the same config gives the same bytes.

    keepalived.conf is secret when it carries a password. Raises ValueError (a bug) when a word got past the parser.
    """
    return FileSet(tuple(sorted(_files(config, around), key=lambda file: file.name)))


def _files(config: Config, around: Surroundings) -> Iterator[File]:
    has_password = config.vrrp.version == 2 and config.vrrp.auth_pass is not None
    yield File("keepalived.conf", keepalived(config, around), secret=has_password)
    match config.proxy.kind:
        case ProxyKind.HAPROXY:
            yield File("haproxy.cfg", haproxy(config, around))
            yield from _ca_files(config)
        case ProxyKind.ENVOY:  # its files carry the CAs themselves
            yield from envoy(config, around)


def _ca_files(config: Config) -> Iterator[File]:
    for frontend in config.frontends:
        if frontend.check.ca is not None:
            yield File(ca_file(frontend), f"{HEADER}\n{frontend.check.ca.strip()}\n")
