"""Kubernetes manifests and compose files as resources."""

from __future__ import annotations

import re
from typing import Any

from bedrock_support.tools.infra.model import Block, Declared, Resource, blocks, dig, listed, refs_in
from bedrock_support.tools.infra.roles import role_of

COMPOSE_FILE = re.compile(r"(^|/)(docker-)?compose[\w.-]*\.ya?ml$")
_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*:?-([^{}]{0,200})\}")


def is_manifest(document: Any) -> bool:
    return isinstance(document, Block) and all(isinstance(document.get(key), str) for key in ("apiVersion", "kind"))


def is_compose(document: Any, file: str) -> bool:
    if not isinstance(document, Block) or not isinstance(document.get("services"), Block):
        return False
    services = blocks(list(document["services"].values()))
    return bool(COMPOSE_FILE.search(file)) or (bool(services) and all("image" in s or "build" in s for s in services))


def take_manifest(document: Block, file: str, into: Declared) -> None:
    """Add an object, or those of a List."""
    if document["kind"].endswith("List") and isinstance(document.get("items"), list):
        for each in blocks(document["items"]):
            if is_manifest(each) and not each["kind"].endswith("List"):
                take_manifest(each, file, into)
        return
    name = dig(document, "metadata", "name") or dig(document, "metadata", "generateName") or "unnamed"
    namespace = dig(document, "metadata", "namespace")
    into.resources.append(
        Resource(
            kind=document["kind"][:200],
            role=role_of(document["kind"]),
            name=f"{document['kind']}/{name}"[:200],
            format="kubernetes",
            file=file,
            line=document.line,
            properties=document,
            references=refs_in(document),
            scope=f"k8s:{namespace if isinstance(namespace, str) else 'default'}",
        )
    )


def take_compose(document: Block, file: str, into: Declared) -> None:
    """Add the services. Variables stand for their defaults."""
    services: Block = document["services"]
    for name, each in services.items():
        if isinstance(each, Block):
            into.resources.append(
                Resource(
                    kind="service",
                    role="container",
                    name=name[:200],
                    format="compose",
                    file=file,
                    line=services.at(name),
                    properties=_defaulted(each),
                    scope=file,
                )
            )


def _defaulted(given: Any, depth: int = 0) -> Any:
    if isinstance(given, str):
        return _VARIABLE.sub(lambda match: match[1], given)
    if isinstance(given, list):
        return [_defaulted(each, depth + 1) for each in listed(given)]
    if isinstance(given, Block):
        made = Block(given.line)
        for key, each in given.items():
            made.put(key, _defaulted(each, depth + 1), given.at(key))
        return made
    return given


def pod_of(resource: Resource) -> Any:
    """The pod's spec inside a workload, wherever its kind keeps it."""
    spec = resource.properties.get("spec")
    if resource.kind == "Pod":
        return spec
    if resource.kind == "CronJob":
        spec = dig(spec, "jobTemplate", "spec")
    return dig(spec, "template", "spec")


def containers_of(resource: Resource, *, init: bool = True) -> list[Block]:
    """The containers of a workload."""
    pod = pod_of(resource)
    words = ("containers", "initContainers") if init else ("containers",)
    return [each for word in words for each in blocks(dig(pod, word))]
