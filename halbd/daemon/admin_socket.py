"""The socket on which an Envoy is asked: it makes it when it starts, and at no other time."""

from __future__ import annotations

from pathlib import Path

from halbd.system.files import Held


class AdminSocket:
    """By its name and, where somebody removes that, by the descriptor that was kept of it."""

    def __init__(self, name: Path) -> None:
        self.name = name
        self._held: Held | None = None

    @property
    def kept(self) -> bool:
        """Whether it can be reached without its name."""
        return self._held is not None

    def renamed(self, name: Path) -> None:
        """Somebody has given it another name."""
        self.name = name
        if self._held is not None:
            self._held.path = name

    def mute(self) -> bool:
        """Whether it has lost its name; as long as it has one it is kept open. Raises OSError.

        In the name's place there is then a symbolic link that leads to it for as long as this process lives, so that
        everything goes on; but not for the next process.
        """
        if self.name.is_socket() and not self.name.is_symlink():
            if self._held is None:
                self._held = Held(self.name)
            elif self._held.replaced:
                self._held.follow()
            return False
        if self._held is not None and not self.name.exists():
            self._held.link(self.name)
        return True

    def forget(self) -> None:
        """Whoever listened there is gone, or about to be another."""
        if self._held is not None:
            self._held.close()
            self._held = None
