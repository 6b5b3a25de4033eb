"""Words that defer work: in comments, and in the texts of errors and logs."""

from __future__ import annotations

import re

from bedrock_support.tools.gaps.abroad import STILL_TO_DO


class Wording:
    """A pattern that looks away from case. Literals of lower case alone are tried three times as fast."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern, re.VERBOSE)

    def search(self, text: str) -> re.Match[str] | None:
        """Whether the words stand somewhere; places are those of the text in lower case."""
        return self._pattern.search(text.lower())


MARKER = Wording(
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
      | work[ ]in[ ]progress | under[ ]construction | in[ ]the[ ]works | nyi | poc | mvp | spike | dev[ ]only
      | (?:is|are|was|has|have|does|do)(?:n't|[ ]not)[ ](?:\w+[ ]){0,2}(?:implemented|done|written|finished|wired|ready
        |anything[ ]yet|work[ ]yet|exist[ ]yet)
      | (?:nothing|not|none)[ ](?:\w+[ ])?yet | (?:does|do)[ ]nothing[ ](?:yet|for[ ]now) | not[ ](?:operational|coded)
      | (?:in|until|by|after|for)[ ](?:the[ ]|a[ ])?(?:next[ ])?(?:phase|sprint|milestone|iteration|follow-?up|ticket|v)
        [ -]?(?:\d+|two|three)?
      | (?:next|later|another|coming)[ ](?:phase|sprint|milestone|iteration|release|pr|commit|ticket)
      | phase[ ](?:\d|two|three) | follow-?[ ]?up[ ](?:pr|commit|ticket|change|task) | in[ ]a[ ]follow-?[ ]?up | punt\w*
      | (?:blocked|waiting|depends|pending)[ ](?:on|for)[ ](?:\w+[ ]){0,3}(?:ticket|team|backend|api|service|\w+-?\d+)
      | (?:until|once|when)[ ](?:the[ ])?(?:\w+[ ]){0,2}(?:is[ ]ready|exists|lands?|ships?|arrives|goes[ ]live
        |available)
      | (?:normally|ideally|eventually|in[ ]practice|in[ ]reality|really|someday|one[ ]day)
        [ ,]*(?:\w+[ ]){0,2}(?:would|should|will|call|query|we|this|goes)
      | (?:would|should|will)[ ](?:normally|actually|really|eventually|ideally|someday)
      | (?:for|in|as)[ ](?:a[ ]|the[ ]|this[ ]|our[ ])?(?:demo|demonstration|illustration|prototype|example|tutorial)\w*
        (?:[ ](?:purposes?|only|sake))
      | (?:demo|prototype|example|illustration)[ ](?:only|purposes?)
      | only[ ](?:a[ ]|an[ ])?(?:demo|prototype|example|sketch)
      | (?:mimic|emulate|imitat|fak)\w*[ ](?:\w+[ ]){0,2}(?:work|delay|latency|call|result|response|success|network
        |data)
      | (?:act|behave)[ ]as[ ]if | lorem[ ]ipsum | magic[ ](?:number|value)[ ](?:until|for)
      | (?:just|simply|only|always)[ ](?:return|say|claim|answer|report|pretend)\w*[ ]
        (?:success|ok|true|false|valid|something|a[ ]|an[ ]|empty|null|nil|none|zero)
      | assum\w*[ ](?:it[ ]|that[ ]|everything[ ]|all[ ])?(?:is[ ]|was[ ]|are[ ])?(?:valid|ok|fine|good|work\w*
        |succe\w+)
      | happy[ ]path[ ]only | (?:swap|replace|change|exchange)\w*[ ](?:\w+[ ]){0,3}
        (?:real|actual|proper|production|later|out[ ]for|before[ ](?:release|launch|production))
      | hook[ ](?:this[ ]|it[ ])?up | wire[ ](?:this[ ]|it[ ])?(?:up|in)
      | plug[ ](?:in|this)[ ](?:\w+[ ]){0,2}(?:here|later)
      | fill[ ](?:me|this|it)[ ]in | flesh[ ](?:this[ ]|it[ ])?out | finish[ ](?:me|this|it|the)
      | (?:half|partial(?:ly)?|semi)[ -](?:done|finished|implement\w+|written|working|baked)
      | (?:sample|bogus|invented|arbitrary|made-up|dummy|stubbed)[ ](?:data|value|result|response|answer|payload)s?
      | out[ ]of[ ]scope | missing[ ]?: | left[ ]for[ ](?:later|now|the)
      | not[ ]needed[ ](?:for|in)[ ](?:the[ ])?(?:demo|mvp|poc)
      | not[ ]required[ ]for[ ](?:the[ ])?(?:demo|mvp|poc)
    )\b|"""
    + STILL_TO_DO
)
"""A comment that says the work is still to be done or only acted out."""
STRONG_MARKER = Wording(
    r"""\b(?: todo | fixme | placeholder | stub | tbd | wip | not[ _-](?:yet[ _-])?implemented | unimplemented
        | unfinished
      | (?:in|for)[ ](?:a[ ]|the[ ])?(?:real|actual|production|full) | simulat\w+ | mock\w* | dummy | fake
        | pretend\w*
      | hard-?coded | (?:real|actual|rest[ ]of[ ]the|remaining)[ ](?:implementation|logic|work) | implement )\b|"""
    + STILL_TO_DO
)
SAID_MISSING = Wording(
    r"""\b(?:
        to-?do | tbd | wip | fixme | nyi | stub(?:bed)? | placeholder | unimplemented | unfinished | unwritten
      | work[ ]in[ ]progress | under[ ]construction | coming[ ]soon | missing[ ]implementation
      | (?:not|never|(?:is|has|have|was|are)n't)[ ](?:yet[ ])?(?:been[ ])?
        (?:implemented|available[ ]yet|done|finished|supported[ ]yet|written|built|coded|completed|wired\w*|hooked[ ]up)
      | not[ ](?:yet|ready[ ]yet|available(?![ ](?:on|for|in|with|at|when|if))) | isn't[ ]ready
      | implement(?:[ ]me|[ ]this|ation[ ](?:is[ ])?(?:missing|pending|follows))
      | (?:will|to|shall|must|should|still[ ]has[ ]to)[ ]be[ ]
        (?:added|implemented|done|written|supported|built|completed)
      | still[ ](?:to[ ](?:do|come|be)|missing|pending|open) | (?:come|check|look|try)[ ]back[ ]later
      | (?:no|missing|needs|needs[ ]an|pending|awaiting)[ ]implementation | fill[ ](?:this|me)[ ]in
    )\b|"""
    + STILL_TO_DO
)
"""Text of an exception or log line that says the work is missing."""
SAID_UNSUPPORTED = re.compile(
    r"\b(?:(?:does|do|is|are|can)(?:n't|not| not) (?:be )?support\w*|unsupported"
    r"|not (?:supported|available|allowed|possible|applicable|permitted)(?! yet)"
    r"|cannot|can't|must(?:n't| not)|should(?:n't| not| never)|immutable|read-?only|invalid|unexpected|unreachable"
    r"|forbidden|no longer|deprecated|instead|(?:sub|child |derived |concrete )class\w*|overrid\w+)\b",
    re.IGNORECASE,
)
"""Text of a not-implemented error that declares a limit or a contract and no missing work."""
