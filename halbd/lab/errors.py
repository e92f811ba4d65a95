"""What can go wrong with the lab itself; a fault that the cluster survives badly is a finding, not an error."""

from __future__ import annotations

from halbd.model.errors import HalbdError


class LabError(HalbdError):
    """The lab could not be built, played or taken down; the message reads "cannot X: reason"."""


class UnreadyError(LabError):
    """Nothing can be played: what was played before has left a world that does not come right."""
