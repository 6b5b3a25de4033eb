"""What words give away: comments that defer work, docstrings that promise or excuse, names that act or ask."""

from __future__ import annotations

import re

from bedrock_support.tools.gaps.deferring import MARKER, SAID_MISSING, SAID_UNSUPPORTED, STRONG_MARKER

STAND_IN_NAME = re.compile(
    r"(?:^|_)(?:mock|dummy|fake|stub|sample|placeholder|canned|hardcoded|example|simulated|bogus|static"
    r"|temp)(?:_|$|ed_)",
    re.I,
)
"""Name of a variable that holds made-up data."""
NOTHING = re.compile(
    r"""\b(?: no-?op | noop | does[ ]nothing | do[ ]nothing | nothing[ ](?:to[ ]do|happens|by[ ]default) | dummy
        | null
      | always[ ](?:returns?|true|false|empty|none|succeeds?) | no[ ](?:effect|action|longer|need) | as[ -]is
        | unchanged
      | unmodified | pass(?:es)?[- ]?through | identity | its?[ ]argument | intentional\w* | for[ ]compatib\w+
      | backwards?[- ]compat\w* | disabled? | unused | need(?:s)?[ ]not | (?:not|never)[ ](?:needed|required
        |necessary|used)
      | returns?[ ](?:the[ ])?same | stop[ ]\w+ing | don'?t | do[ ]not | prevent\w* | ignor\w+ | discard\w*
        | skip\w*
      | trivial\w* | only[ ]exist\w* | merged )\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that say that nothing is what the body is to do."""
HOOKED = re.compile(
    r"""\b(?: by[ ]default | default[ ](?:implementation|behaviou?r|is|returns?) | overrid\w+ | overload\w*
        | sub-?class\w* | hooks?
      | called[ ](?:when|after|before|by|once|if|on|at|for|whenever|immediately|from|every|with) | callback
      | invoked[ ](?:when|after|before|by|once|on) | interface | abstract | concrete | optional(?:ly)?
        | extension[ ]point
      | implement(?:ed|ations?)[ ](?:by|in|must|should|may|can) | (?:must|should|may
        |can)[ ](?:be[ ])?(?:implement|redefin|customi[sz])\w*
      | base[ ]class | mix-?in | customi[sz]\w+ | plugins? | fallback | intended | meant )\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that say that somebody else may fill the body in."""
EXCUSED = re.compile(
    r"""\b(?: not[ ](?:supported|applicable|allowed|available|possible) | un(?:necessary|needed|supported)
        | doesn'?t | never
      | deprecated | compatib\w+ | useful[ ](?:for|as) | (?:may|might|could)[ ]be[ ]empty | raise[sd]?[ ]not
        | placeholder[ ]for )\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that go along with a body that is empty for a reason."""
PROMISE = re.compile(
    r"""(?: :returns?: | :rtype: | ^\s*(?:Returns?|Yields?|Raises?)\s*:?\s*$ | \breturns?\b | :param
        | ^\s*(?:Args|Arguments|Parameters)\s*:?\s*$
      | :raises? )""",
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
RETURNS = re.compile(r":returns?:|:rtype:|^\s*Returns?\b|\breturns?\b|\byields?\b", re.IGNORECASE | re.MULTILINE)
PREDICATE = re.compile(
    r"^_*(?:is|has|can|should|supports?|allows?|needs?|requires?|wants?|must|does|did|was|are|accepts?|check"
    r"|matches|test)_"
    r"|^_*(?:isatty|readable|writable|writeable|seekable|done|closed|running|cancelled|exists|valid|enabled"
    r"|available)$"
    r"|_(?:supported|allowed|enabled|available|required|p)$"
)
HOOK = re.compile(
    r"^_*(?:on|visit|depart|leave|enter|before|after|pre|post|handle|did|will|setup|teardown|notify|hook"
    r"|default|null)_"
    r"|^_*(?:setUp|tearDown|on[A-Z]\w*|before[A-Z]\w*|after[A-Z]\w*)|^_*(?:setup|teardown|close|flush|start"
    r"|stop|open|shutdown|reset"
    r"|clear|initialize|init|prepare|cleanup|release|acquire|begin|finish|terminate|connect|disconnect|ping"
    r"|join|run)$"
    r"|_(?:hook|callback|started|ended|stopped|closed|opened|lost|dropped|made|ready|received|finished|iteration)$"
)
NOOP_NAME = re.compile(
    r"(?:^|_)(?:no_?op|nop|null|dummy|nothing|do_nothing|pass(?:through)?|identity|ident|ignore\w*|skip\w*"
    r"|empty|void|always_\w+)(?:_|$)",
    re.I,
)
NULL_CLASS = re.compile(
    r"(?:^|_)(?:Null|No[Oo]p|Nop(?![a-z])|No(?=[A-Z])|Dummy|Fake|Mock|Stub|Void|Empty|Base|Abstract|Interface|Default"
    r"|I(?=[A-Z][a-z]))"
    r"|(?:Mixin|Interface|Base|Protocol|ABC|Hook|Hooks|Plugin|Adapter|Listener|Observer|Callback|Handler"
    r"|Visitor|Null)$"
)
NULL_OBJECT = re.compile(r"(?:^|_)(?:Null|No[Oo]p|Nop|Dummy|Void)(?=[A-Z_0-9]|$)")
"""A class that is there to do nothing where something is asked for."""
IDENTITY = re.compile(
    r"^_*(?:identity|ident|noop|nop|passthrough|any|id|same|echo|default|unchanged)\w*$|(?:^|_)(?:hook|noop"
    r"|identity|passthrough|filter)$"
    r"|^_*(?:pre|post)?_?(?:process|prepare|transform|convert|coerce|normalize|serialize|deserialize|to_python"
    r"|to_url|finalize|wrap|unwrap|encode|decode)\w*$"
)
ACTION = frozenset(
    [
        "add",
        "apply",
        "append",
        "build",
        "calculate",
        "check",
        "clean",
        "collect",
        "compile",
        "compute",
        "connect",
        "convert",
        "copy",
        "count",
        "create",
        "decode",
        "delete",
        "deliver",
        "detect",
        "dispatch",
        "do",
        "download",
        "dump",
        "emit",
        "encode",
        "ensure",
        "evaluate",
        "execute",
        "expand",
        "export",
        "extract",
        "fetch",
        "filter",
        "find",
        "fix",
        "flatten",
        "format",
        "generate",
        "get",
        "guess",
        "handle",
        "import",
        "infer",
        "inject",
        "insert",
        "install",
        "iter",
        "join",
        "list",
        "load",
        "locate",
        "look",
        "lookup",
        "make",
        "map",
        "match",
        "measure",
        "merge",
        "move",
        "normalize",
        "notify",
        "open",
        "pack",
        "parse",
        "patch",
        "perform",
        "pick",
        "poll",
        "pop",
        "populate",
        "print",
        "process",
        "publish",
        "push",
        "put",
        "query",
        "quote",
        "read",
        "rebuild",
        "receive",
        "reconcile",
        "record",
        "refresh",
        "register",
        "remove",
        "render",
        "replace",
        "request",
        "reset",
        "resolve",
        "restore",
        "retry",
        "rotate",
        "route",
        "run",
        "save",
        "scan",
        "schedule",
        "score",
        "search",
        "select",
        "send",
        "serialize",
        "set",
        "sort",
        "split",
        "start",
        "store",
        "strip",
        "submit",
        "subscribe",
        "summarize",
        "sync",
        "tokenize",
        "train",
        "transfer",
        "transform",
        "translate",
        "truncate",
        "unpack",
        "unquote",
        "update",
        "upload",
        "validate",
        "verify",
        "visit",
        "walk",
        "watch",
        "wrap",
        "write",
    ]
)
"""First words of names that do something."""


def first_word(name: str) -> str:
    """The first word of a snake_case or camelCase name, in lower case."""
    bare = name.lstrip("_")
    head = bare.split("_", 1)[0]
    cut = re.match(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", head)
    return (cut.group() if cut else head).lower()


def says_randomness(text: str) -> bool:
    """The name or docstring speaks of chance, ids or waiting, so random numbers and sleeps are its job."""
    return (
        re.search(
            r"random|rand\b|shuffl|sampl|jitter|choice|uuid|token|nonce|salt|secret|noise|dice|sleep|wait"
            r"|delay|backoff|retry"
            r"|poll|throttl|pause|probab|roll|lorem|boundary|unique|seed|gauss|simulat|key\b|id\b",
            text,
            re.IGNORECASE,
        )
        is not None
    )


__all__ = [
    "ACTION",
    "EXCUSED",
    "HOOK",
    "HOOKED",
    "IDENTITY",
    "MARKER",
    "NOOP_NAME",
    "NOTHING",
    "NULL_CLASS",
    "NULL_OBJECT",
    "PREDICATE",
    "PROMISE",
    "RETURNS",
    "SAID_MISSING",
    "SAID_UNSUPPORTED",
    "STAND_IN_NAME",
    "STRONG_MARKER",
    "first_word",
    "says_randomness",
]
