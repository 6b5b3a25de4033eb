"""What looks like a stub in these languages by their customs, and isn't one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bedrock_support.tools.gaps.poly.define import Defined

if TYPE_CHECKING:
    from bedrock_support.tools.gaps.poly.bindings import Walker

_MARKERS = re.compile(
    r"^(?:is[A-Z_]?\w*(?:Node|Marker)|sealed|private|unused|_|mustEmbed\w*|isM\w*_\w+|XXX_\w+|ProtoMessage|"
    r"default(?:Props)?|noop|nop|noOp|empty|identity|dummy)$"
)
_LIFE = re.compile(
    r"^(?:ng(?:OnInit|OnDestroy|OnChanges|AfterViewInit)|componentDid\w+|on[A-Z]\w*|handle[A-Z]\w*|setUp|tearDown|init"
    r"|dispose|destroy|close|flush|Close|Flush|Start|Stop|Init|Reset|Sync|Lock|Unlock|Len|Less|Swap|Push|Pop|main)$"
)
_DEFERS = re.compile(r"\b(?:todo|fixme|not (?:yet )?implemented|implement|placeholder|stub)\b", re.IGNORECASE)


def excused(found: Defined, walker: Walker, *, components: bool) -> bool:
    """No finding, whatever its body: contracts, markers, hooks empty by custom, components that show nothing."""
    if found.contract:
        return True
    name = found.q.rsplit(".", 1)[-1]
    owner = walker.classes[found.owner] if found.owner >= 0 else None
    said = f"{found.doc} {_inside(found, walker)}"
    if _DEFERS.search(said):
        return False
    if _MARKERS.match(name):
        return True
    family = walker.grammar.family
    empty = len(found.node.body) <= 1
    if owner is not None and "Protocol" in owner["bases"]:
        return empty
    if components and name[:1].isupper() and empty:
        return True
    if family == "java":
        return _java(found, name, owner is not None and owner["q"].rsplit(".", 1)[-1] == name)
    return _LIFE.match(name) is not None and empty and found.owner >= 0 and not found.node.args.args[1:]


def _java(found: Defined, name: str, constructor: bool) -> bool:
    if constructor:  # private ones keep utility classes from being made, the others are for frameworks
        return not found.node.args.args[1:]
    return "Bean" in found.decorators or "Pointcut" in found.decorators or name in ("clone", "finalize")


def _inside(found: Defined, walker: Walker) -> str:
    last = found.node.end_lineno or 0
    return (
        " ".join(text for line, text in walker.comments if found.body_line <= line <= last) if found.body_line else ""
    )
