"""Promises of the compliance gate as far as it goes in this version."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "gate:redacts": Promise("design 2", "secrets and provable personal data are replaced before anything leaves"),
    "gate:restores": Promise("design 2", "the caller gets its own values back, and only those of this call"),
    "gate:leaves-alone": Promise("design 2", "ids, hashes, versions, ARNs and blanks stay as they are"),
    "gate:linear": Promise("design 7", "hostile text can't make redaction slow"),
    "gate:once": Promise("design 7", "the very same text isn't looked through again, and finds what it found before"),
    "gate:off-the-loop": Promise("design 7", "neither a long brief nor loading the detectors holds up other calls"),
    "gate:fails-closed": Promise("design 2", "a gate that can't run refuses, emergencies included"),
    "gate:structured": Promise("issue 5.1", "in JSON the name of a member is context for its value, numbers included"),
    "gate:mangled": Promise("issue 5.2", "placeholders that a model mangles are restored, those it invents stay"),
    "gate:digest": Promise("issue 5.3", "no digest of unredacted evidence leaves, which a guess could be checked by"),
    "gate:logs": Promise(
        "issue 5.3", "log entries, warnings and tracebacks are redacted, and said never when they can't"
    ),
    "gate:spans": Promise("issue 5.3", "names that clients choose are redacted in spans"),
    "gate:peers": Promise("issue 5.3", "arguments for upstream tools are redacted by member, and come back restored"),
    "gate:words": Promise("issue 5.3", "people's words in notices and flag records are redacted"),
    "gate:wire": Promise("issue 5", "in all that left during a whole run no planted value is found, in any encoding"),
    "guardrail:converse": Promise("issue 5.5", "a guardrail screens questions and answers, whole and streamed"),
    "guardrail:typed": Promise("issue 5.5", "its intervention is a typed end: audited, explained, not asked again"),
    "guardrail:mcp": Promise(
        "issue 5.5", "where wanted, the MCP route and handed-over answers pass it, or nothing does"
    ),
    "guardrail:residency": Promise("issue 5.4", "a guardrail or profile outside the EU is refused under EU residency"),
    "guardrail:sandbox": Promise("issue 5.5", "the sandbox plays a guardrail as Bedrock tells it, labelled simulated"),
    "attack:inert": Promise("issue 5.5", "hostile evidence changes no route, class, tool or approval, and is flagged"),
    "attack:spotlight": Promise("issue 5.5", "every brief of every tool fences its evidence by an unguessable mark"),
    "residency:regions": Promise("design 3", "under EU residency only the six EU regions may be used"),
    "residency:profiles": Promise("design 3", "under EU residency a global or foreign inference profile is refused"),
    "residency:endpoints": Promise("design 3", "under EU residency an endpoint outside the EU regions is refused"),
}
