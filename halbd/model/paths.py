"""Where everything lies, below the three folders that systemd sets for a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FAULT = "fault"
"""The track_file that puts every VRRP instance into FAULT."""


def no_servers(group: str) -> str:
    """The track_file that lowers the priority of one VIP group."""
    return f"no_servers.{group}"


@dataclass(frozen=True, slots=True)
class Paths:
    """CONFIGURATION_DIRECTORY, RUNTIME_DIRECTORY and STATE_DIRECTORY (systemd.exec(5))."""

    configuration: Path
    runtime: Path
    state: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Paths:
        """Read the three variables; where one is unset, the folder that a packaged halbd uses."""
        return cls(
            Path(environment.get("CONFIGURATION_DIRECTORY") or "/etc/halbd"),
            Path(environment.get("RUNTIME_DIRECTORY") or "/run/halbd"),
            Path(environment.get("STATE_DIRECTORY") or "/var/lib/halbd"),
        )

    @property
    def config_file(self) -> Path:
        """The operator's file."""
        return self.configuration / "halbd.yaml"

    @property
    def socket(self) -> Path:
        """The daemon's HTTP socket."""
        return self.runtime / "halbd.sock"

    @property
    def look_file(self) -> Path:
        """What halbd-check needs to look for itself when the daemon does not answer (JSON)."""
        return self.runtime / "look.json"

    @property
    def track_folder(self) -> Path:
        """The track_files that push the verdict into keepalived."""
        return self.runtime / "track"

    @property
    def proxy_folder(self) -> Path:
        """The proxy's own folder, for its sockets; belongs to the proxy's user."""
        return self.runtime / "proxy"

    @property
    def admin_socket(self) -> Path:
        """HAProxy's `stats socket`."""
        return self.proxy_folder / "admin.sock"

    @property
    def master_socket(self) -> Path:
        """HAProxy's master CLI (-S)."""
        return self.proxy_folder / "master.sock"

    @property
    def door_note(self) -> Path:
        """There while the proxy that it names lets in no new connection (JSON); a daemon may end meanwhile."""
        return self.runtime / "door.json"

    @property
    def server_state(self) -> Path:
        """HAProxy's server-state-file: a DOWN server stays DOWN across a reload.

        Not in the proxy's own folder: root writes it, and there a symbolic link could lead it anywhere.
        """
        return self.runtime / "servers.state"

    @property
    def generations(self) -> Path:
        """One folder per generation of rendered files."""
        return self.state / "generations"

    @property
    def current(self) -> Path:
        """A symlink to the generation in force; swapped by rename."""
        return self.state / "current"

    @property
    def good(self) -> Path:
        """A symlink to the latest generation that was seen to work: what a node falls back to."""
        return self.state / "good"

    @property
    def maintenance(self) -> Path:
        """What is remembered of a drain, over a restart and a reboot (JSON)."""
        return self.state / "maintenance.json"

    @property
    def told(self) -> Path:
        """What keepalived.service has been told of its file (JSON)."""
        return self.state / "told.json"

    @property
    def kept(self) -> Path:
        """What somebody had put into the files in force, and halbd has put right."""
        return self.state / "changed-by-hand"

    @property
    def history(self) -> Path:
        """One JSON line per transition."""
        return self.state / "history.jsonl"
