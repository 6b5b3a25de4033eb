"""CloudFormation and SAM templates, and what CDK writes to cdk.out, as resources."""

from __future__ import annotations

import re
from typing import Any

from bedrock_support.tools.infra.model import Block, Declared, Ref, Resource, Unknown, Unreadable, listed, refs_in
from bedrock_support.tools.infra.roles import role_of

_SUB = re.compile(r"\$\{(!?)([^}]{1,200})\}")
_NO_VALUE = "AWS::NoValue"
MOST_DEPTH = 200
"""Of values within values once parameters stand for what they are: each default is a plain value, so that the depth
of the file bounds it; this is the net below."""


def is_template(document: Any) -> bool:
    """Whether a YAML or JSON document is a template."""
    if not isinstance(document, Block) or not isinstance(document.get("Resources"), Block):
        return False
    resources: Block = document["Resources"]
    return "AWSTemplateFormatVersion" in document or any(
        isinstance(each, Block) and isinstance(each.get("Type"), str) and "::" in each["Type"]
        for each in resources.values()
    )


def take_template(document: Block, file: str, into: Declared) -> None:
    """Add what the template declares. Raises Unreadable."""
    resources: Block = document["Resources"]
    resolver = _Resolver(document, {name for name, each in resources.items() if isinstance(each, Block)})
    for name, each in resources.items():
        if not isinstance(each, Block) or not isinstance(each.get("Type"), str):
            continue
        given = each.get("Properties")
        properties = resolver.value(given) if isinstance(given, Block) else Block(each.at("Properties"))
        if not isinstance(properties, Block):
            properties = Block(each.line)
        _defaults(document, each["Type"], properties, resolver)
        told = each.get("Metadata")
        if isinstance(told, Block) and isinstance(path := told.get("aws:cdk:path"), str):
            into.paths[file, name[:200]] = path.removesuffix("/Resource")[:200]
        depends = tuple(Ref(other) for other in listed(each.get("DependsOn")) if isinstance(other, str))
        into.resources.append(
            Resource(
                kind=each["Type"][:200],
                role=role_of(each["Type"]),
                name=name[:200],
                format="cloudformation",
                file=file,
                line=resources.at(name),
                properties=properties,
                references=refs_in(properties) + depends,
                scope=file,
            )
        )
    for rest in ("Outputs", "Conditions", "Rules", "Transform", "Mappings"):
        resolver.value(document.get(rest))
    _parameters(document, file, resolver, into)
    into.templates.append(file)


def _defaults(document: Block, kind: str, properties: Block, resolver: _Resolver) -> None:
    """SAM's Globals are what each function of the template has (SAM specification, Globals section)."""
    if kind != "AWS::Serverless::Function" or not isinstance(document.get("Globals"), Block):
        return
    shared = resolver.value(document["Globals"].get("Function"))
    if isinstance(shared, Block):
        for key, each in shared.items():
            if key not in properties:
                properties.put(key, each, shared.at(key))


def _parameters(document: Block, file: str, resolver: _Resolver, into: Declared) -> None:
    parameters = document.get("Parameters")
    if not isinstance(parameters, Block):
        return
    used = set(resolver.used)
    for each in (document.get("Resources"), document.get("Globals")):
        used |= _named(each)
    for name in parameters:
        # CDK adds BootstrapVersion, which only its rules read.
        if name != "BootstrapVersion":
            into.parameters.append((file, parameters.at(name), name[:200], name in used))


def _named(value: Any) -> set[str]:
    """Parameters that Conditions of resources and Globals name without properties around them."""
    found: set[str] = set()
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, Block):
            if isinstance(each.get("Ref"), str):
                found.add(each["Ref"])
            pending += each.values()
        elif isinstance(each, list):
            pending += listed(each)
        elif isinstance(each, str):
            found.update(match[2] for match in _SUB.finditer(each))
    return found


class _Resolver:
    """Intrinsic functions as values, references and what can't be known."""

    def __init__(self, document: Block, resources: set[str]) -> None:
        self._resources = resources
        self._parameters = document.get("Parameters")
        self.used: set[str] = set()

    def value(self, given: Any, depth: int = 0) -> Any:
        """A copy of the value with intrinsics resolved. Raises Unreadable when nested beyond reason."""
        if depth > MOST_DEPTH:
            raise Unreadable(f"nested deeper than {MOST_DEPTH}")
        if isinstance(given, list):
            resolved = [self.value(each, depth + 1) for each in listed(given)]
            return [each for each in resolved if each != Ref(_NO_VALUE)]
        if not isinstance(given, Block):
            return given
        if len(given) == 1:
            ((name, argument),) = given.items()
            if name == "Ref" or name.startswith("Fn::") or name == "Condition":
                return self._intrinsic(name, argument, depth)
        made = Block(given.line)
        for key, each in given.items():
            resolved = self.value(each, depth + 1)
            if resolved != Ref(_NO_VALUE):
                made.put(key, resolved, given.at(key))
        return made

    def _intrinsic(self, name: str, argument: Any, depth: int) -> Any:
        if name == "Ref":
            return self._ref(argument)
        if name == "Fn::GetAtt":
            parts = [each for each in listed(argument) if isinstance(each, str)]
            if len(parts) == 1:
                parts = parts[0].split(".", 1)
            return Ref(parts[0], parts[1] if len(parts) > 1 else "") if parts else Unknown("GetAtt")
        if name == "Fn::If" and len(listed(argument)) == 3:
            _, chosen, other = (self.value(each, depth + 1) for each in listed(argument))
            return chosen if chosen != Ref(_NO_VALUE) else other
        resolved = self.value(argument, depth + 1)
        if name == "Fn::Sub":
            return self._sub(resolved)
        if name == "Fn::Base64":
            return resolved
        parts: list[Any] = listed(resolved)
        if name == "Fn::Join" and len(parts) == 2:
            return _joined(str(parts[0]), listed(parts[1]), refs_in(resolved))
        if name == "Fn::Select" and len(parts) == 2:
            choices: list[Any] = listed(parts[1])
            index = str(parts[0])
            if index.isdecimal() and len(index) < 4 and int(index) < len(choices):
                return choices[int(index)]
        return Unknown(name, refs_in(resolved))

    def _ref(self, name: Any) -> Any:
        if not isinstance(name, str):
            return Unknown("Ref")
        self.used.add(name)
        if name in self._resources or name == _NO_VALUE:
            return Ref(name)
        if isinstance(self._parameters, Block) and isinstance(self._parameters.get(name), Block):
            parameter: Block = self._parameters[name]
            default = parameter.get("Default")
            kind = str(parameter.get("Type", ""))
            if default is None or kind.startswith("AWS::SSM"):
                return Unknown(f"parameter {name}")
            if kind.endswith(("CommaDelimitedList", "List<Number>")) and isinstance(default, str):
                return [each.strip() for each in default.split(",")]
            # A long default put in at every mention would make a small file a huge one.
            return default[:200] if isinstance(default, str) else default
        return Unknown(name)

    def _sub(self, argument: Any) -> Any:
        many = listed(argument)
        text = many[0] if many else ""
        given: Any = many[1] if len(many) > 1 else None
        if not isinstance(text, str):
            return Unknown("Sub", refs_in(argument))
        refs: list[Ref] = list(refs_in(given))
        unknown = False

        def put(match: re.Match[str]) -> str:
            nonlocal unknown
            if match[1]:
                return "${" + match[2] + "}"
            if isinstance(given, Block) and match[2] in given:
                value = given[match[2]]
            else:
                target, dot, attribute = match[2].partition(".")
                value = Ref(target, attribute) if dot else self._ref(target)
            if isinstance(value, Ref):
                refs.append(value)
            if isinstance(value, str | int | float):
                return str(value)
            unknown = True
            return match[0]

        made = _SUB.sub(put, text[:100_000])
        return Unknown(made, tuple(refs)) if unknown else made


def _joined(between: str, parts: list[Any], refs: tuple[Ref, ...]) -> Any:
    if all(isinstance(each, str | int | float) for each in parts):
        return between.join(str(each) for each in parts)[:100_000]
    shown = between.join(
        str(each) if isinstance(each, str | int | float) else each.text if isinstance(each, Unknown) else "${...}"
        for each in parts
    )
    return Unknown(shown[:100_000], refs)
