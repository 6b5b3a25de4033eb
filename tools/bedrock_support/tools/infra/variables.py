"""Variables that functions and containers are given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bedrock_support.tools.infra.containers import task_containers
from bedrock_support.tools.infra.estate import Estate
from bedrock_support.tools.infra.manifests import containers_of
from bedrock_support.tools.infra.model import Block, Resource, blocks, get, listed


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a program is given."""

    name: str
    value: Any
    line: int
    holder: Resource
    own: bool
    """Whether the program is likely one of this tree."""


def variables(estate: Estate) -> Iterator[Variable]:
    """Every variable that functions and containers are given."""
    for each in estate.of("function"):
        for one in blocks(get(each.properties, "Environment")):
            values = get(one, "Variables")
            if isinstance(values, Block):
                for name, value in values.items():
                    yield Variable(name, value, values.at(name) or each.line, each, True)
    for each in estate.of("task"):
        for container in task_containers(each):
            yield from _pairs(each, get(container, "Environment"), _own(get(container, "Image")))
    for each in estate.of("workload"):
        for container in containers_of(each):
            yield from _pairs(each, get(container, "env"), _own(get(container, "image")))
    for each in estate.of("container"):
        yield from _composed(each)


def _composed(each: Resource) -> Iterator[Variable]:
    given = each.properties.get("environment")
    own = "build" in each.properties
    if isinstance(given, Block):
        for name, value in given.items():
            yield Variable(name, value, given.at(name), each, own)
    for text in listed(given) if isinstance(given, list) else ():
        name, _, value = str(text).partition("=")
        yield Variable(name, value, each.properties.at("environment"), each, own)


def _pairs(holder: Resource, given: Any, own: bool) -> Iterator[Variable]:
    for each in blocks(given):
        if isinstance(name := get(each, "name"), str):
            yield Variable(name, get(each, "value"), each.line or holder.line, holder, own)


def _own(image: Any) -> bool:
    """An image of a registry with a host, or one that deployment names; others are Docker Hub's."""
    return not isinstance(image, str) or ("." in image.partition("/")[0] and "/" in image)
