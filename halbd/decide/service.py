"""keepalived.service: whether it runs, is to be started, or is left alone because that is somebody's wish.

| systemd says | halbd |
|---|---|
| it runs, or a start or stop waits or is under way | waits |
| it has failed | starts it |
| it has ended, and would again: a pid file is in the way | says so, and waits until that is gone |
| inactive, and it has not run since the machine started | starts it |
| inactive, and it has run: somebody stopped it | leaves it alone, and says so |
| the same, and a condition of its unit was not met: its file was missing | puts that back, and starts it |
| masked, or not there | says so |

systemd keeps all of this over a restart of halbd, so a daemon that has just started knows what its predecessor knew.
"""

from __future__ import annotations

from halbd.model.service import Idle, PidFile, Service

UNMET = "a condition of its unit was not met when it was started", "systemctl status keepalived"
STOPPED = "it was stopped by somebody", "systemctl start keepalived"
UNSTARTABLE = {
    "masked": ("it is masked", "systemctl unmask keepalived, then systemctl start keepalived"),
    "not-found": ("there is no such unit", "install keepalived"),
}
"""Why, and what cures it, by systemd's word."""


def failed(service: Service) -> bool:
    """It does not run, and nobody stopped it."""
    return service.active == "failed" and idle(service) is None


def idle(service: Service) -> Idle | None:
    """Why it does not run, where that is not for halbd to change."""
    if service.pid is not None:
        return None
    if words := UNSTARTABLE.get(service.load):
        return Idle(*words, service.ended)
    if service.job:
        return None
    if service.active in {"failed", "inactive"} and service.ended is not None and service.blocked:
        return Idle(*blocked(service.blocked[0]), service.ended)
    if service.active == "inactive" and service.ended is not None:
        return Idle(*(UNMET if service.unmet else STOPPED), service.ended)
    return None


def blocked(one: PidFile) -> tuple[str, str]:
    """Why it would not start, and what cures that: halbd starts it then."""
    if one.program.startswith("keepalived"):  # or as process_names has it
        return f"another one runs, pid {one.pid} in {one.path}", f"kill {one.pid}"
    names = f"names pid {one.pid} ({one.program or 'of another program'})" if one.pid else "names no process"
    return f"it takes itself for running already: {one.path} {names}", f"rm {one.path}"
