"""keepalived.conf: one VRRP instance per VIP group, family and interface; fails closed on every mistake it can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from halbd.decide.adverts import missed, spread
from halbd.decide.groups import Instance, groups, instances, lowers, weight
from halbd.model import paths as model_paths
from halbd.model.config import Config, Vip, Vrrp
from halbd.model.files import Surroundings
from halbd.model.paths import Paths
from halbd.render.words import Line, Quoted, block, document, line, name, number

FAULT = "halbd_fault"
CHECK = "halbd_check"
REFRESH = 1
"""Seconds between two announcements of a VIP by its holder."""

# An empty script ends with 0, and so does one that was cut short. Called by name, a main() that is not there is an
# error, and one that returns instead of ending the process is a failure.
_CALL_MAIN = "from sys import argv; exec(open(argv.pop(1)).read()); main(); raise SystemExit(1)"


def check_command(script: Path, socket: Path, interpreter: Path = Path("/usr/bin/python3")) -> tuple[str, ...]:
    """The dead-man's switch: it fails when the script is missing, unreadable, empty or cut."""
    return (str(interpreter), "-I", "-S", "-c", _CALL_MAIN, str(script), str(socket))


def no_servers(group: str) -> str:
    """The name of the track_file that lowers the group's priority."""
    return f"halbd_no_servers_{name(group)}"


def keepalived(config: Config, around: Surroundings) -> str:
    """The text of keepalived.conf, for keepalived 2.2.3 or later. Raises ValueError (a bug) on a bad word."""
    return document(_blocks(config, around))


def _blocks(config: Config, around: Surroundings) -> Iterator[Line]:
    yield from block(line("global_defs"), _global_defs(config, around))
    yield from _track_files(config, Paths(around.state, around.runtime, around.state))
    yield from block(line("vrrp_script", CHECK), _script(around))
    for group in groups(config):
        members = [instance.name for instance in instances(config) if instance.group == group]
        if len(members) > 1:
            yield from block(line("vrrp_sync_group", name(group)), _sync_group(config, members))
    for instance in instances(config):
        yield from block(line("vrrp_instance", name(instance.name)), _instance(config, instance))


def _global_defs(config: Config, around: Surroundings) -> Iterator[Line]:
    """All names are of keepalived.conf(5), "Global definitions"."""
    yield line("router_id", name(config.node.name))
    yield line("enable_script_security")
    yield line("script_user", name(around.script_user))
    # A bad file then changes nothing on SIGHUP; without it keepalived may end and leave the VIP behind.
    yield line("reload_check_config", around.runtime / "keepalived-check.log")
    # -1: never realtime, and no notice about it. A realtime process is killed when it exceeds RLIMIT_RTTIME.
    yield line("max_auto_priority", "-1")
    yield line("vrrp_version", config.vrrp.version)
    if config.vrrp.unicast:
        yield line("vrrp_check_unicast_src")
    # Gratuitous ARP is never acknowledged: repeat it, for switches and clients that missed the first ones, and for
    # those who were answered by a second holder while there was one. For IPv6 it is an unsolicited advertisement.
    yield line("vrrp_garp_master_delay", "1")
    yield line("vrrp_garp_master_refresh", REFRESH)
    # Of two holders that meet again the lower one speaks last, so that the higher one repeats its ARP.
    yield line("vrrp_higher_prio_send_advert", "true")


def _track_files(config: Config, paths: Paths) -> Iterator[Line]:
    """Pushed by halbd. `init_file 1` makes an absent file a fault: no VIP before the first verdict."""
    fault = (line("file", paths.track_folder / model_paths.FAULT), line("weight", "0"), line("init_file", "1"))
    yield from block(line("track_file", FAULT), fault)
    for group in _lowered(config):
        file = line("file", paths.track_folder / model_paths.no_servers(name(group)))
        lowered = (file, line("weight", -weight(config)), line("init_file", "0"))
        yield from block(line("track_file", no_servers(group)), lowered)


def _lowered(config: Config) -> tuple[str, ...]:
    """The groups whose priority halbd may lower: when it sees no server, and to hand the VIPs over."""
    return groups(config) if lowers(config) else ()


def _script(around: Surroundings) -> Iterator[Line]:
    """The dead-man's switch: a failure of the script, however it comes about, is a fault of the instance."""
    yield line("script", Quoted(around.check_command))
    yield line("interval", "1")
    yield line("timeout", "2")
    yield line("rise", "1")
    yield line("fall", "2")
    yield line("weight", "0")
    yield line("user", name(around.script_user))


def _sync_group(config: Config, members: list[str]) -> Iterator[Line]:
    yield from block(line("group"), (line(name(member)) for member in members))
    if _lowered(config):
        yield line("sync_group_tracking_weight")  # without it keepalived ignores the weighted track_file of a member


def _instance(config: Config, instance: Instance) -> Iterator[Line]:
    yield line("state", "BACKUP")
    yield line("interface", name(instance.interface))
    yield line("virtual_router_id", instance.virtual_router_id)
    yield line("priority", instance.priority)
    yield from _adverts(config.vrrp)
    yield from _preemption(config.vrrp)
    yield from _unicast(config, instance)
    if config.vrrp.version == 2 and config.vrrp.auth_pass is not None:
        password = line("auth_pass", config.vrrp.auth_pass)
        yield from block(line("authentication"), (line("auth_type", "PASS"), password))
    yield from block(line("virtual_ipaddress"), (_vip(vip) for vip in instance.vips))
    files = [FAULT, *(no_servers(group) for group in _lowered(config) if group == instance.group)]
    yield from block(line("track_file"), (line(file) for file in files))
    yield from block(line("track_script"), (line(CHECK),))


def _adverts(vrrp: Vrrp) -> Iterator[Line]:
    """About as long a silence as three adverts (RFC 5798, 6.1), in which many more than three must be lost.

    docs/decisions/0010 says why. Version 3 counts in hundredths of a second, version 2 in whole ones.
    """
    times = spread(vrrp)
    yield line("advert_int", number(round(vrrp.advert_int / times, 2)))
    if times > 1:
        yield line("down_timer_adverts", missed(vrrp))


def _preemption(vrrp: Vrrp) -> Iterator[Line]:
    if not vrrp.preempt:
        yield line("nopreempt")
    elif vrrp.preempt_delay > 0:
        yield line("preempt_delay", number(vrrp.preempt_delay))


def _unicast(config: Config, instance: Instance) -> Iterator[Line]:
    """A node without peers sends multicast: keepalived refuses an empty list, and there is nobody to hear it."""
    if instance.peers:
        yield line("unicast_src_ip", config.node.address)
        yield from block(line("unicast_peer"), (line(peer) for peer in instance.peers))


def _vip(vip: Vip) -> Line:
    """An IPv6 /128 is marked as deprecated, and so never a source address, unless a lifetime is given."""
    lifetime = ("preferred_lft", "forever") if vip.address.version == 6 else ()
    return line(str(vip), "dev", name(vip.interface), *lifetime)
