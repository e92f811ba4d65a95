"""What keepalived.service is owed when the file that it reads is not the one in force.

A reload takes nothing from a holder, but preempt_delay begins anew with it; so none is sent that is not owed. A
keepalived that was started on a foreign file is started again: in 2.2.7 its VRRP process ends at a reload from that to
halbd's, by reload_check_config for what it had to complain of (keepalived/vrrp/vrrp_daemon.c, start_vrrp; most often
"script_security not enabled"), or by a segmentation fault where its instances had other names.
"""

from __future__ import annotations

from halbd.model.told import Owes

SIGNATURE = b"# Written by halbd."
"""How every file begins that halbd renders."""


def found_at_start(there: bytes | None, wanted: bytes) -> Owes:
    """This daemon has not seen that file before."""
    if there == wanted:
        return Owes.NOTHING
    if there is None:
        return Owes.RELOAD | Owes.START
    return Owes.RELOAD if there.startswith(SIGNATURE) else Owes.RESTART | Owes.START


def found_later(there: bytes | None, wanted: bytes, *, ours: bool, same: bool) -> Owes:
    """`ours`: it is what halbd wrote last; `same`: the keepalived that runs was seen to run on that."""
    if there == wanted:
        return Owes.NOTHING
    return Owes.RELOAD if ours or same else Owes.RESTART
