"""A stand-in for systemctl(1), which says what it is told to and notes what it is asked to do."""

from __future__ import annotations

from pathlib import Path

PROGRAM = """\
#!/bin/sh
cd {folder} || exit 1
if [ "$1" = show ]; then
    cat said
    exit "$(cat code)"
fi
echo "$*" >>asked
"""


class Systemctl:
    """`folder` is to come first on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "systemctl"
        self.folder.mkdir()
        self._program = self.folder / "systemctl"
        self.answers()
        self._program.chmod(0o755)
        (self.folder / "asked").touch()

    def answers(self) -> None:
        """As it does from the beginning."""
        self._program.write_text(PROGRAM.format(folder=self.folder))

    def hangs(self) -> None:
        """No answer at all, as of a systemd that is busy."""
        self._program.write_text("#!/bin/sh\nexec sleep 60\n")

    def says(self, **properties: object) -> None:
        """The answer to `show`."""
        (self.folder / "said").write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        (self.folder / "code").write_text("0")

    def refuses(self, why: str) -> None:
        """No answer to `show`."""
        (self.folder / "said").write_text(why)
        (self.folder / "code").write_text("1")

    @property
    def asked(self) -> list[str]:
        """All else, in order."""
        return (self.folder / "asked").read_text().splitlines()
