"""Every declaration of a tree, read within bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bedrock_support.tools.gaps.files import SourceFile, list_sources, read
from bedrock_support.tools.infra.cdk import without_assets
from bedrock_support.tools.infra.cloudformation import is_template, take_template
from bedrock_support.tools.infra.manifests import is_compose, is_manifest, take_compose, take_manifest
from bedrock_support.tools.infra.model import Block, Declared, Unreadable
from bedrock_support.tools.infra.terraform import take_modules
from bedrock_support.tools.infra.yamls import read_documents

_YAML = (".yaml", ".yml")
_TEMPLATE = (".template",)
ENDINGS = frozenset({*_YAML, *_TEMPLATE, ".json", ".tf"})
MOST_RESOURCES = 20_000
_SIGNS = (b"AWSTemplateFormatVersion", b"Resources", b"apiVersion", b"services")


def read_declared(root: Path, check: Callable[[], None]) -> tuple[Declared, tuple[str, ...]]:
    """What the templates and manifests under `root` declare, and what was left out. Blocks: call off the loop.

    `check` is called between files and may raise to stop.
    """
    listing = list_sources(root, ENDINGS, check)
    into = Declared()
    modules: dict[str, str] = {}
    files, told = without_assets(listing.files)
    for file in files:
        check()
        data = read(file)
        if data is None or len(into.resources) > MOST_RESOURCES:
            continue
        text = data.decode("utf-8", "replace").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        if file.label.endswith(".tf"):
            into.files += 1
            modules[file.label] = text
        elif any(sign in data for sign in _SIGNS):
            _take(file, text, into)
    take_modules(modules, into)
    notes = [*listing.notes, *told]
    if len(into.resources) > MOST_RESOURCES:
        notes.append(f"more than {MOST_RESOURCES} resources: name a smaller folder")
    if into.broken:
        named = "; ".join(each[:120] for each in into.broken[:3])
        notes.append(f"{len(into.broken)} files can't be read as templates ({named})")
    return into, tuple(notes)


def _take(file: SourceFile, text: str, into: Declared) -> None:
    # Indenting tabs are no YAML, but fine in JSON, where none may stand inside a string.
    tidy = text.replace("\t", " ") if text.lstrip()[:1] == "{" else text
    try:
        documents = read_documents(tidy)
    except Unreadable as error:
        if any(sign in text for sign in ("AWSTemplateFormatVersion", "apiVersion:", "services:", '"Resources"')):
            into.broken.append(f"{file.label}: {error}")
        return
    counted = False
    for document in documents:
        try:
            counted = _take_document(document, file.label, into) or counted
        except (Unreadable, RecursionError) as error:
            into.broken.append(f"{file.label}: {error}")
    into.files += counted


def _take_document(document: object, label: str, into: Declared) -> bool:
    if not isinstance(document, Block):
        return False
    if is_template(document):
        take_template(document, label, into)
    elif is_manifest(document):
        take_manifest(document, label, into)
    elif is_compose(document, label):
        take_compose(document, label, into)
    else:
        return False
    return True
