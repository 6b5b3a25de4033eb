"""Containers in Kubernetes, compose and ECS: what they may do to their host, and what they lack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bedrock_support.tools.infra.estate import Estate, problem
from bedrock_support.tools.infra.manifests import containers_of, pod_of
from bedrock_support.tools.infra.model import Block, Problem, Resource, blocks, dig, get, listed, locate, truth
from bedrock_support.tools.infra.network import ADMIN_PORTS

_SOCKETS = ("docker.sock", "containerd.sock", "crio.sock")
_DEEP = ("/", "/etc", "/root", "/var/run", "/var/lib/kubelet", "/var/lib/docker", "/proc", "/sys", "/dev", "/boot")
_STRONG = frozenset(
    {"SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_MODULE", "ALL", "DAC_READ_SEARCH", "SYS_RAWIO", "BPF"}
)
_BATCH = frozenset({"Job", "CronJob"})


def check_kubernetes(estate: Estate) -> Iterator[Problem]:
    """Workloads of Kubernetes."""
    for each in estate.of("workload"):
        pod = pod_of(each)
        if not isinstance(pod, Block):
            continue
        yield from _host(each, pod)
        for container in containers_of(each):
            yield from _rights(each, container, pod)
            yield from _image(each, container)
        for container in containers_of(each, init=False):
            yield from _bounds(each, container)
    for each in estate.of("cluster_role"):
        for rule in blocks(get(each.properties, "rules")):
            if "*" in listed(get(rule, "verbs")) and "*" in listed(get(rule, "resources")):
                detail = "Verbs * on resources *."
                yield problem(each, "wildcard_iam", "high", 0.95, "allows everything", detail, line=rule.line)


def _named(container: Block) -> str:
    return str(get(container, "name") or "container")[:80]


def _host(each: Resource, pod: Block) -> Iterator[Problem]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if truth(pod.get(name)) is True:
            detail = "It sees what every program on the node does there."
            yield problem(each, "host_namespace", "high", 0.95, f"uses the node's ({name})", detail, line=pod.at(name))
    for volume in blocks(pod.get("volumes")):
        path = dig(volume, "hostPath", "path")
        if isinstance(path, str):
            yield _mount(each, path, volume.line)


def _mount(each: Resource, path: str, line: int) -> Problem:
    socket = path.endswith(_SOCKETS)
    deep = socket or (path.rstrip("/") or "/") in _DEEP
    title = f"mounts the host's {path[:80]}"
    detail = "Whoever controls it controls the host." if deep else "It outlives the container and is shared."
    severity = "critical" if socket else "high" if deep else "medium"
    return problem(each, "host_mount", severity, 0.95, title, detail, line=line)


def _rights(each: Resource, container: Block, pod: Block) -> Iterator[Problem]:
    context = get(container, "securityContext")
    name = _named(container)
    if truth(get(context, "privileged")) is True:
        detail = f"Container {name} is root on the node."
        found = locate(context, "privileged")
        yield problem(
            each, "privileged_container", "critical", 0.95, "is privileged", detail, line=found[1] if found else 0
        )
    added = [str(one).removeprefix("CAP_") for one in listed(dig(context, "capabilities", "add"))]
    if strong := [one for one in added if one in _STRONG]:
        line = dig(context, "capabilities").at("add")
        detail = f"Container {name} adds {', '.join(strong)}."
        yield problem(each, "extra_capability", "high", 0.9, "adds strong capabilities", detail, line=line)
    user = get(context, "runAsUser")
    user = get(pod.get("securityContext"), "runAsUser") if user is None else user
    guarded = truth(get(context, "runAsNonRoot")) or truth(get(pod.get("securityContext"), "runAsNonRoot"))
    if user == 0 or (user is None and not guarded):
        said = "says that it runs as root" if user == 0 else "doesn't refuse to run as root"
        severity = "medium" if user == 0 else "low"
        detail = f"Container {name} {said}."
        yield problem(
            each, "root_user", severity, 0.95 if user == 0 else 0.75, "may run as root", detail, line=container.line
        )


def _image(each: Resource, container: Block) -> Iterator[Problem]:
    image = container.get("image")
    if isinstance(image, str) and (said := moving(image)):
        line = container.at("image")
        yield problem(each, "latest_tag", "medium", 0.9, f"runs {said}", f"Image {image[:150]}.", line=line)


def moving(image: str) -> str:
    """What is wrong with an image's name, or nothing."""
    if "@sha256:" in image or "$" in image or "{" in image or not image:
        return ""
    _, colon, tag = image.rpartition("/")[2].partition(":")
    if not colon:
        return "an image without a version"
    return "an image that moves (latest)" if tag == "latest" else ""


def _bounds(each: Resource, container: Block) -> Iterator[Problem]:
    name = _named(container)
    memory = dig(container, "resources", "limits", "memory")
    if memory is None:
        detail = f"Container {name} may take all memory of the node; others are killed then."
        yield problem(each, "no_limits", "medium", 0.9, "has no memory limit", detail, line=container.line)
    if each.kind in _BATCH or each.kind == "Pod":
        return
    missing = [probe for probe in ("readinessProbe", "livenessProbe") if get(container, probe) is None]
    if missing and get(container, "ports") is not None:
        detail = f"Container {name} lacks {' and '.join(missing)}: calls go to it before it can answer, or for ever."
        severity = "medium" if "readinessProbe" in missing else "low"
        yield problem(each, "no_probe", severity, 0.85, "has no probe", detail, line=container.line)


def check_compose(estate: Estate) -> Iterator[Problem]:
    """Services of compose files."""
    for each in estate.of("container"):
        body = each.properties
        if truth(body.get("privileged")) is True:
            detail = "It is root on the host."
            yield problem(
                each, "privileged_container", "critical", 0.95, "is privileged", detail, line=body.at("privileged")
            )
        for key in ("network_mode", "pid", "ipc"):
            if body.get(key) == "host":
                detail = "It sees what every program of the host does there."
                yield problem(each, "host_namespace", "high", 0.95, f"uses the host's {key}", detail, line=body.at(key))
        added = [str(one).removeprefix("CAP_") for one in listed(body.get("cap_add"))]
        if strong := [one for one in added if one in _STRONG]:
            detail = f"It adds {', '.join(strong)}."
            yield problem(
                each, "extra_capability", "high", 0.9, "adds strong capabilities", detail, line=body.at("cap_add")
            )
        for volume in listed(body.get("volumes")):
            source = volume.split(":")[0] if isinstance(volume, str) and ":" in volume else get(volume, "source")
            if isinstance(source, str) and (source.endswith(_SOCKETS) or (source.rstrip("/") or "/") in _DEEP):
                yield _mount(each, source, body.at("volumes"))
        yield from _image(each, body) if "build" not in body else ()
        yield from _compose_bounds(each)


def _compose_bounds(each: Resource) -> Iterator[Problem]:
    body = each.properties
    if get(body, "mem_limit") is None and dig(body, "deploy", "resources", "limits", "memory") is None:
        yield problem(each, "no_limits", "low", 0.85, "has no memory limit", "It may take all memory of the host.")
    if body.get("healthcheck") is None and body.get("ports") is not None and "build" in body:
        yield problem(each, "no_probe", "low", 0.75, "has no healthcheck", "Others can't wait until it answers.")
    for port in listed(body.get("ports")):
        published = _published(port)
        if published:
            line = body.at("ports")
            detail = f"Port {published} answers on all addresses; Docker's rules come before the host's firewall."
            yield problem(each, "published_port", "medium", 0.85, "publishes a data store's port", detail, line=line)


def _published(port: Any) -> str:
    if isinstance(port, Block):
        target, address = str(port.get("target", "")), str(port.get("host_ip", ""))
        return "" if address.startswith(("127.", "::1")) or "published" not in port else _admin(target, ADMIN_PORTS)
    parts = str(port).split("/")[0].rsplit(":", 2)
    if len(parts) < 2 or (len(parts) == 3 and re.match(r"127\.|\[?::1|localhost", parts[0])):
        return ""
    return _admin(parts[-1], ADMIN_PORTS)


def _admin(port: str, names: dict[int, str]) -> str:
    return f"{port} ({names[int(port)]})" if port.isdecimal() and len(port) < 6 and int(port) in names else ""


def task_containers(task: Resource) -> list[Block]:
    """Container definitions of an ECS task."""
    return blocks(get(task.properties, "ContainerDefinitions"))


def check_tasks(estate: Estate) -> Iterator[Problem]:
    """Tasks of ECS."""
    for each in estate.of("task"):
        for container in task_containers(each):
            if truth(get(container, "Privileged")) is True:
                detail = f"Container {_named(container)} is root on its host."
                yield problem(
                    each, "privileged_container", "critical", 0.95, "is privileged", detail, line=container.line
                )
            image = get(container, "Image")
            if isinstance(image, str) and (said := moving(image)):
                yield problem(
                    each, "latest_tag", "medium", 0.9, f"runs {said}", f"Image {image[:150]}.", line=container.line
                )
            if get(container, "LogConfiguration") is None:
                detail = f"Container {_named(container)} writes to nowhere."
                yield problem(each, "no_logging", "low", 0.85, "keeps no logs", detail, line=container.line)
            if get(container, "Memory", "MemoryReservation") is None and get(each.properties, "Memory") is None:
                detail = f"Container {_named(container)} has no memory limit."
                yield problem(each, "no_limits", "medium", 0.9, "has no memory limit", detail, line=container.line)
        for volume in blocks(get(each.properties, "Volumes", "volume")):
            path = dig(volume, "Host", "SourcePath") or get(volume, "host_path")
            if isinstance(path, str) and (path.endswith(_SOCKETS) or (path.rstrip("/") or "/") in _DEEP):
                yield _mount(each, path, volume.line)
