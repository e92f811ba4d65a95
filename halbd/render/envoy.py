"""Envoy's files: a bootstrap that hardly ever changes, and what a running Envoy takes up by itself.

The bootstrap names every other file as STATE/current/..., and has Envoy watch the folder STATE. A generation comes into
force when the symbolic link `current` is renamed into place: that one rename is the sign for Envoy to read all of them
again (config.core.v3.PathConfigSource, `watched_directory`). What has not changed is not touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from halbd.model.config import Config, Frontend
from halbd.model.files import File, FileSet, Surroundings
from halbd.model.paths import Paths
from halbd.render.envoy_cluster import assignment, cluster, has_host_names, inline
from halbd.render.envoy_listener import limits, listener
from halbd.render.envoy_words import Json, typed
from halbd.render.words import HEADER, name

BOOTSTRAP = "envoy.json"
CHECK = "envoy-check.json"
"""Everything in one file, for `envoy --mode validate` only: of files that the bootstrap names it reads not one."""

_LISTENERS = "lds.json"
_CLUSTERS = "cds.json"
_LIMITS = "rtds.json"
_LAYER = "limits"

# What status and metrics are made of; Envoy counts about as much again of itself.
_STATS = ("cluster.", "cluster_manager.", "listener.", "listener_manager.", "runtime.", "server.", "tcp.")

_NO_LIMIT = 2**63 - 1


def envoy(config: Config, around: Surroundings) -> Iterator[File]:
    """Every file of Envoy, for 1.36 or later."""
    paths = Paths(around.state, around.runtime, around.state)
    yield _file(BOOTSTRAP, _bootstrap(config, paths))
    yield _file(CHECK, _whole(config, paths))
    yield _file(_LISTENERS, _answer("config.listener.v3.Listener", [listener(config, f) for f in config.frontends]))
    clusters = [cluster(f) | _discovery(config, paths, f) for f in config.frontends]
    yield _file(_CLUSTERS, _answer("config.cluster.v3.Cluster", clusters))
    yield _file(_LIMITS, _answer("service.runtime.v3.Runtime", [{"name": _LAYER, "layer": limits(config)}]))
    for frontend in config.frontends:
        if not has_host_names(frontend):
            endpoints = _answer("config.endpoint.v3.ClusterLoadAssignment", [assignment(frontend)])
            yield _file(_endpoints(frontend), endpoints)


def versions(files: FileSet) -> Mapping[str, str]:
    """What `GET /stats?type=TextReadouts` says of each file once the running Envoy has taken it up, by stat name."""
    names = {_LISTENERS: "listener_manager.lds", _CLUSTERS: "cluster_manager.cds", _LIMITS: "runtime"}
    found = {}
    for file in files.files:
        if file.name in names:
            found[f"{names[file.name]}.version_text"] = _version_in(file)
        elif file.name.startswith("eds-"):
            # Envoy writes "_" for a ":" in the names of its stats.
            stat = file.name.removeprefix("eds-").removesuffix(".json").replace(":", "_")
            found[f"cluster.{stat}.version_text"] = _version_in(file)
    return found


def _version_in(file: File) -> str:
    return str(json.loads(file.text)["version_info"])


def _endpoints(frontend: Frontend) -> str:
    return f"eds-{name(frontend.name)}.json"


def _bootstrap(config: Config, paths: Paths) -> Json:
    """Nothing in it depends on frontends or servers: a change of those never needs another Envoy."""
    watched = {"lds_config": _source(paths, _LISTENERS), "cds_config": _source(paths, _CLUSTERS)}
    layer = {"name": _LAYER, "rtds_layer": {"name": _LAYER, "rtds_config": _source(paths, _LIMITS)}}
    return _process(config, paths) | {"dynamic_resources": watched, "layered_runtime": {"layers": [layer]}}


def _whole(config: Config, paths: Paths) -> Json:
    """The same listeners, clusters, servers and limits, given at once."""
    clusters = [cluster(f) | inline(config, f) for f in config.frontends]
    listeners = [listener(config, f) for f in config.frontends]
    layer = {"name": _LAYER, "static_layer": limits(config)}
    static: Json = {"static_resources": {"listeners": listeners, "clusters": clusters}}
    return _process(config, paths) | static | {"layered_runtime": {"layers": [layer]}}


def _process(config: Config, paths: Paths) -> Json:
    """Who this Envoy is, and its admin socket: a file of mode 0600, never a network address."""
    monitor = "envoy.resource_monitors.global_downstream_max_connections"
    kind = "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    # Each listener has a limit of its own; Envoy warns unless there is one for all of them together as well.
    whole = {"name": monitor, "typed_config": typed(kind, {"max_active_downstream_connections": _NO_LIMIT})}
    matcher = {"inclusion_list": {"patterns": [{"prefix": prefix} for prefix in _STATS]}}
    return {
        "node": {"id": config.node.name, "cluster": config.cluster, "metadata": {"about": _about()}},
        "admin": {"address": {"pipe": {"path": str(paths.admin_socket), "mode": 0o660}}},
        "stats_config": {"stats_matcher": matcher},
        "overload_manager": {"resource_monitors": [whole]},
    }


def _discovery(config: Config, paths: Paths, frontend: Frontend) -> Json:
    """Where the servers come from: a file of their own, so that Envoy keeps the cluster when they change."""
    if has_host_names(frontend):
        return inline(config, frontend)
    return {"type": "EDS", "eds_cluster_config": {"eds_config": _source(paths, _endpoints(frontend))}}


def _source(paths: Paths, file: str) -> Json:
    """A file of the generation in force, read again whenever anything is renamed into the state folder."""
    watched = {"path": str(paths.current / file), "watched_directory": {"path": str(paths.state)}}
    return {"resource_api_version": "V3", "path_config_source": watched}


def _answer(kind: str, resources: list[Json]) -> Json:
    """A DiscoveryResponse, named by its content: Envoy tells which one is in force (`version_text`)."""
    content = hashlib.sha256(json.dumps(resources).encode()).hexdigest()[:16]
    about = {"identifier": _about()}
    return {"version_info": content, "control_plane": about, "resources": [typed(kind, one) for one in resources]}


def _about() -> str:
    """The header of the other files; JSON has no comments."""
    return " ".join(line.removeprefix("# ") for line in HEADER.splitlines())


def _file(file: str, content: Json) -> File:
    return File(file, json.dumps(content, indent=2) + "\n")
