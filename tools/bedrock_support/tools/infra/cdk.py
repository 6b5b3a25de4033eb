"""Cloud assemblies, as `cdk synth` writes them to cdk.out: which of their files are templates, whose names count."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, cast

from bedrock_support.tools.gaps.files import SourceFile, read
from bedrock_support.tools.infra.model import Declared, Problem

MANIFEST = "manifest.json"
_STACK = "aws:cloudformation:stack"
_NESTED = ".nested.template.json"


def without_assets(files: Sequence[SourceFile]) -> tuple[list[SourceFile], list[str]]:
    """The files without what assemblies hold beside their templates, and what to know of them.

    Assets are copies of programs, often with templates of other people's in them; nobody deploys those.
    """
    stacks: dict[str, set[str]] = {}
    for each in files:
        if PurePosixPath(each.label).name == MANIFEST and (templates := _templates(read(each))) is not None:
            stacks[_folder(each.label)] = templates
    kept = [each for each in files if _counts(each.label, stacks)]
    notes: list[str] = []
    if stacks:
        notes.append(f"{len(stacks)} cloud assemblies of CDK were read as synthesised: `cdk synth` renews them")
    labels = {each.label for each in files}
    projects = [each for each in labels if PurePosixPath(each).name == "cdk.json"]
    bare = [each for each in projects if not any(folder.startswith(_folder(each)) for folder in stacks)]
    if bare:
        notes.append(
            f"{sorted(bare)[0]} has no cloud assembly beside it: run `cdk synth`, programs aren't read as templates"
        )
    return kept, notes


def _folder(label: str) -> str:
    """With a slash, but for the tree's own."""
    folder = str(PurePosixPath(label).parent)
    return "" if folder == "." else f"{folder}/"


def _templates(data: bytes | None) -> set[str] | None:
    """Templates that a manifest names; None when it is no assembly's."""
    try:
        told: Any = json.loads(data or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    manifest = cast("dict[str, Any]", told)
    artifacts = manifest.get("artifacts")
    if not isinstance(artifacts, dict) or "version" not in manifest:
        return None
    found: set[str] = set()
    for each in cast("dict[str, Any]", artifacts).values():
        artifact = cast("dict[str, Any]", each) if isinstance(each, dict) else {}
        properties = artifact.get("properties")
        if artifact.get("type") == _STACK and isinstance(properties, dict):
            found.add(str(cast("dict[str, Any]", properties).get("templateFile")))
    return found


def _counts(label: str, stacks: dict[str, set[str]]) -> bool:
    """Whether a file is of no assembly, or is a template of the innermost one that it lies in."""
    inside = max((folder for folder in stacks if label.startswith(folder)), key=len, default=None)
    if inside is None:
        return True
    name = label[len(inside) :]
    # An assembly at the tree's own top says nothing of folders that aren't its assets.
    if not inside and "/" in name and not name.startswith("asset."):
        return True
    return name in stacks[inside] or ("/" not in name and name.endswith(_NESTED))


def named(problems: Iterable[Problem], declared: Declared) -> list[Problem]:
    """Problems under the names that CDK's users wrote, instead of logical ids with a hash."""
    found: list[Problem] = []
    for each in problems:
        path = declared.paths.get((each.file, each.resource))
        if path is not None:
            title = each.title.replace(each.resource, path)
            each = replace(each, resource=path, title=title, detail=f"{each.detail} Its logical id is {each.resource}.")
        found.append(each)
    return found
