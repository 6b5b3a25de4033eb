"""Deeds that a name or a docstring promises: those that change something outside, those that find something out."""

from __future__ import annotations

import re

from bedrock_support.tools.gaps.words import PREDICATE, first_word

_CHANGES = frozenset(
    {
        *("abort", "acquire", "add", "advance", "allocate", "announce", "append", "apply", "archive", "assign"),
        *("backup", "block", "book", "broadcast", "cancel", "capture", "charge", "clean", "commit", "compact"),
        *("connect", "consume", "copy", "create", "debit", "delete", "deliver", "deploy", "disable"),
        *("disconnect", "download", "drive", "drop", "emit", "enable", "enqueue", "evict", "execute", "expire"),
        *("export", "flush", "forward", "grant", "heal", "import", "ingest", "initiate", "insert", "install"),
        *("invalidate", "invoke", "kill", "launch", "lock", "merge", "migrate", "mount", "move", "notify"),
        *("pay", "persist", "post", "process", "promote", "provision", "publish", "purge", "push", "put"),
        *("queue", "reboot", "rebuild", "record", "refund", "register", "reindex", "release", "remove"),
        *("rename", "repair", "replicate", "reserve", "restart", "restore", "revoke", "roll", "rollback"),
        *("rotate", "save", "scale", "schedule", "send", "shift", "ship", "shutdown", "store", "stream"),
        *("submit", "subscribe", "switch", "sync", "synchronise", "synchronize", "terminate", "track", "train"),
        *("transfer", "transmit", "trigger", "truncate", "undo", "uninstall", "unlock", "unregister"),
        *("unsubscribe", "update", "upload", "upsert", "vacuum", "void", "wait", "watch", "withdraw", "write"),
    }
)
"""Verbs of deeds that leave a trace: a call, or a change of what outlives the function."""
_EITHER = frozenset(
    {
        *("apply", "export", "import", "merge", "rename", "rotate", "roll", "scale", "stream", "truncate", "update"),
        *("add", "advance", "append", "book", "consume", "copy", "create", "enable", "generate", "process", "produce"),
        *("clean", "drop", "insert", "move", "put", "remove", "shift"),
    }
)
"""Verbs of deeds that leave a trace or answer with what they made."""
_FINDS_OUT = frozenset(
    {
        *("abbreviate", "aggregate", "align", "analyse", "analyze", "assess", "authenticate", "authorise"),
        *("authorize", "average", "calculate", "check", "classify", "cluster", "compare", "compile"),
        *("compress", "compute", "convert", "correct", "correlate", "count", "decode", "decompress"),
        *("decrypt", "deduplicate", "derive", "detect", "determine", "diagnose", "diff", "discover"),
        *("embed", "encode", "encrypt", "escape", "estimate", "evaluate", "examine", "expand", "explain"),
        *("extract", "fetch", "fill", "filter", "find", "fold", "forecast", "format", "geocode", "guess"),
        *("hash", "identify", "index", "infer", "inspect", "interpolate", "interpret", "iterate", "load"),
        *("locate", "look", "lookup", "map", "match", "measure", "minify", "moderate", "monitor"),
        *("normalise", "normalize", "optimise", "optimize", "page", "paraphrase", "parse", "plan", "poll"),
        *("predict", "prioritise", "prioritize", "profile", "prune", "query", "rank", "rate", "read"),
        *("recommend", "reconcile", "reduce", "refresh", "render", "resolve", "review", "route", "sample"),
        *("sanitise", "sanitize", "scan", "score", "search", "segment", "serialise", "serialize", "sign"),
        *("simplify", "smooth", "solve", "sort", "split", "strip", "suggest", "summarise", "summarize"),
        *("tokenise", "tokenize", "transcribe", "translate", "validate", "verify", "walk", "yield"),
        *("balance", "choose", "collect", "crawl", "enrich", "exchange", "gather", "generate", "obtain", "ping"),
        *("produce", "select", "tune"),
    }
)
"""Verbs of deeds whose outcome hangs on what is given or found."""
_RESETS = frozenset({"clear", "reset"})
"""Deeds that literals do."""
_CHECKS = frozenset(["assert", "authenticate", "authorise", "authorize", "check", "ensure", "validate", "verify"])
_ASKS = re.compile(r"^\s*(?:whether|check(?:s|ed)?\b|true (?:if|when|iff)|returns? (?:true|whether))", re.IGNORECASE)
_DEED = re.compile(r"(?:^|[.;,:]\s+|\b(?:and|then|or)\s+)([A-Za-z]+)")
_MEANS = re.compile(
    r"\b(?:by|with|using|via|through|against|from|into|over|across)\s+(?:(?:a|an|the|its|their|each|every)\s+)?\w{3,}",
    re.IGNORECASE,
)
_FIGURE = re.compile(
    r"\b(?:rates?|ratio|share|percentage|numbers? of|count|how (?:many|much|often|fast|long|far)|usage"
    r"|utili[sz]ation|score|status|health\w*|level|average|mean|median|p\d\d|percentile|latency|throughput|remaining"
    r"|checksum|digest|hash|signature|probability|confidence|correlation|distance|similarity"
    r"|embeddings?|statistics|metrics|cost|price|revenue|growth|trend|stock|balance)\b",
    re.IGNORECASE,
)
"""What only measuring, counting or asking tells."""
_SPOKEN = re.compile(
    r"\b(?:stdout|stderr|standard (?:error|output)|terminal|console|screen|print\w*|warn\w*)\b", re.IGNORECASE
)
"""Where telling is all that is promised."""
_TEXTS = re.compile(
    r"(?:name|url|uri|key|path|label|title|message|text|prefix|suffix|id|string|repr|header|line|query|sql|code|help|error)$"
)
"""Last words of names of what is put together from texts."""
_FIRST_SENTENCES = 240


def gives_text(name: str) -> bool:
    """The name says that a text is put together."""
    return _TEXTS.search(name.lower()) is not None


def promised(name: str, doc: str) -> set[str]:
    """What is promised: `change`, `find`, `check`; `told_` where the docstring says so, `means` where it says how.

    `figure` where the docstring speaks of what only measuring tells, `either` where an answer may stand for the change.
    """
    if first_word(name) in _RESETS:
        return set()
    found = _of(first_word(name))
    if PREDICATE.search(name):
        found.add("check")
    text = doc.strip()[:_FIRST_SENTENCES].partition("\n\n")[0]
    told = {sort for match in _DEED.finditer(text) for sort in _of(_bare(match[1].lower()))}
    told |= {"check"} if _ASKS.match(text) else set()
    if _SPOKEN.search(text):
        found.discard("change")
        told.discard("change")
    found |= {f"told_{sort}" for sort in told}
    found |= {"figure"} if _FIGURE.search(text.partition(". ")[0]) else set()
    verbs = {first_word(name), *(_bare(match[1].lower()) for match in _DEED.finditer(text))}
    found |= {"either"} if verbs & _EITHER and not verbs & (_CHANGES - _EITHER) else set()
    return found | ({"means"} if _MEANS.search(text) else set())


def _of(verb: str) -> set[str]:
    found = {"change"} if verb in _CHANGES else {"find"} if verb in _FINDS_OUT else set[str]()
    return found | ({"check"} if verb in _CHECKS else set())


def _bare(verb: str) -> str:
    """Without the third person's ending."""
    for ending, instead in (("ies", "y"), ("es", ""), ("s", "")):
        cut = verb.removesuffix(ending) + instead
        if verb.endswith(ending) and cut in _CHANGES | _FINDS_OUT:
            return cut
    return verb
