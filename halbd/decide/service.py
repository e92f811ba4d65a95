"""keepalived.service: whether it runs, is to be started, or is left alone because that is somebody's wish.

| systemd says | halbd |
|---|---|
| it runs, or a start or stop waits or is under way | waits |
| it has failed | starts it |
| inactive, and it has not run since the machine started | starts it |
| inactive, and it has run: somebody stopped it | leaves it alone, and says so |
| masked, or not there | says so |

systemd keeps all of this over a restart of halbd, so a daemon that has just started knows what its predecessor knew.
"""

from __future__ import annotations

from halbd.model.service import Idle, Service, Why

UNSTARTABLE = {"masked": Why.MASKED, "not-found": Why.ABSENT}


def failed(service: Service) -> bool:
    """It does not run, and nobody stopped it."""
    return service.active == "failed" and idle(service) is None


def idle(service: Service) -> Idle | None:
    """Why it does not run, where that is not for halbd to change."""
    if service.pid is not None:
        return None
    if why := UNSTARTABLE.get(service.load):
        return Idle(why, service.ended)
    if service.active == "inactive" and not service.job and service.ended is not None:
        return Idle(Why.STOPPED, service.ended)
    return None
