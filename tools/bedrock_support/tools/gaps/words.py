"""What words give away: comments that defer work, docstrings that promise or excuse, names that act or ask."""

from __future__ import annotations

import re

MARKER = re.compile(
    r"""\b(?:
        todo | fixme | xxx | wip | tbd | hack
      | placeholders? | stub(?:bed|s)? | dumm(?:y|ies) | mock(?:ed|s)? | faked? | canned
      | not[ _-](?:yet[ _-])?(?:been[ _-])?(?:implemented|done|finished|supported[ ]yet|wired|written|working)
      | not[ ](?:fully[ ])?(?:functional|complete)
      | un(?:implemented|finished) | incomplete
      | (?:to|must|should|will|needs?[ ]to|has[ ]to|can)[ ]be[ ]
        (?:implemented|done|written|filled|finished|completed|replaced|wired|added)
      | (?:add|put|insert|fill[ ]in|write|finish|complete)[ ](?:\w+[ ]){0,3}(?:logic|implementation|code|details
        |rest|body)
      | implement(?:ation)?[ ](?:this|me|it|here|later|missing|pending|goes|needed|the|actual|real|proper\w*
        |comes|follows)
      | (?:in|for)[ ](?:a[ ]|the[ ])?(?:real|actual|true|full|complete|production|practice)
        [ ,]*(?:implementation|system|version|world|code|app\w*|scenario|life|deployment|environment)?
        (?=[ ,:]*(?:\w+[ ,]+){0,4}(?:would|should|will|this|we|you|it|call|use|do))
      | (?:would|should)[ ](?:\w+[ ]){0,2}(?:call|query|compute|fetch|perform|connect|parse|validate|do|check
        |read|send|be)\b
        .{0,40}(?:here|actual|real|instead|later|production)
      | simulat(?:e|es|ed|ing|ion)[ ](?:\w+[ ]){0,3}(?:work|delay|result|response|process\w*|call|latency|api
        |success|data|network|for)
      | pretend\w* | hard-?[ ]?coded? | made[- ]up
      | (?:sample|example|test|static|fixed|temporary|temp|synthetic|default)[ ](?:data|value|result|response
        |output|answer|return)s?
        [ ](?:for|until|only|here)
      | for[ ]now | for[ ]the[ ]moment | for[ ]the[ ]time[ ]being | temporar(?:y|ily) | simplified | shortcut
      | goes[ ]here | (?:your|more|some|actual|real)[ ](?:\w+[ ])?(?:code|logic|work|stuff)[ ]here | skeleton
        | scaffold\w* | boilerplate
      | (?:basic|minimal|naive|trivial|quick|rough|draft|initial|first|demo|toy|cut-?down|bare)[ ](?:version
        |implementation|draft|pass|cut|stand-?in)
      | proof[ ]of[ ]concept | stand-?ins? | stopgap | (?:is|still|currently|are)[ ](?:missing|pending|open
        |omitted|absent|outstanding)
      | (?:omitted|elided|skipped|left[ ]out|deferred|postponed|trimmed)[ ](?:for|until|to|here)
      | (?:will|to|shall)[ ](?:be[ ]\w+ed[ ]|follow|come|add|fill|replace|implement|do|finish
        |handle)(?:[ ](?:\w+[ ])?(?:later|soon|next|in|once|when|after))?
      | (?:needs?|requires?|awaits?|awaiting|pending|no|lacks?|missing)[ ](?:an?[ ]
        |the[ ])?(?:\w+[ ])?(?:implementation|implementing|finishing|logic|backend|code|work)
      | not[ ](?:wired|hooked|connected|plugged)(?:[ ]up)? | (?:assume|always|claim|report|declare)[ ]success
      | (?:return|use|send|give)(?:s|ing)?[ ](?:an?[ ]|some[ ])?(?:fixed|fake|dummy|canned|constant|made-up
        |arbitrary|plausible|sample|example|mock|static)
      | (?:coming|come)[ ]soon | left[ ]as | later[ ]on? | future[ ](?:work|version|release|pr|commit)
      | (?:real|actual|proper|full|rest[ ]of[ ]the|remaining)[ ](?:implementation|logic|work|code|version|thing
        |steps?)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""A comment that says the work is still to be done or only acted out."""
STRONG_MARKER = re.compile(
    r"""\b(?: todo | fixme | placeholder | stub | tbd | wip | not[ _-](?:yet[ _-])?implemented | unimplemented
        | unfinished
      | (?:in|for)[ ](?:a[ ]|the[ ])?(?:real|actual|production|full) | simulat\w+ | mock\w* | dummy | fake
        | pretend\w*
      | hard-?coded | (?:real|actual|rest[ ]of[ ]the|remaining)[ ](?:implementation|logic|work) | implement )\b""",
    re.IGNORECASE | re.VERBOSE,
)
SAID_MISSING = re.compile(
    r"\b(?:to-?do|tbd|wip|fixme|not (?:yet )?(?:been )?(?:implemented|available|done|finished|supported yet|written)"
    r"|unimplemented|unfinished|coming soon|implement(?: me| this|ation (?:missing|pending)))\b",
    re.IGNORECASE,
)
"""Text of an exception or log line that says the work is missing."""
SAID_UNSUPPORTED = re.compile(
    r"\b(?:(?:does|do|is|are|can)(?:n't|not| not) (?:be )?support\w*|unsupported"
    r"|not (?:supported|available|allowed|possible|applicable)(?! yet)"
    r"|(?:sub|child |derived |concrete )class\w*|overrid\w+)\b",
    re.IGNORECASE,
)
"""Text of a not-implemented error that declares a limit or a contract and no missing work."""
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
    r"(?:^|_)(?:Null|No[Oo]p|No(?=[A-Z])|Dummy|Fake|Mock|Stub|Void|Empty|Base|Abstract|Interface|Default"
    r"|I(?=[A-Z][a-z]))"
    r"|(?:Mixin|Interface|Base|Protocol|ABC|Hook|Hooks|Plugin|Adapter|Listener|Observer|Callback|Handler"
    r"|Visitor|Null)$"
)
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
