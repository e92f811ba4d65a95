"""The world said no. Problems in the operator's file are values (problem.py); bugs are not caught."""

from __future__ import annotations


class HalbdError(Exception):
    """Something outside halbd refused; the message reads "cannot X: reason"."""


class RefusedError(HalbdError):
    """A real program or the kernel refused a generation before it went live.

    The programs are haproxy -c or envoy --mode validate, and keepalived -t.
    """


class FailedError(HalbdError):
    """A generation was accepted and then failed to go live; what served before still serves."""


class RejectedError(FailedError):
    """So it did, and the program that runs has said that it does not want it."""


class NoDaemonError(HalbdError):
    """No daemon answers on the socket."""
