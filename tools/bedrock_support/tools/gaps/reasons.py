"""The words of a finding: what was seen, why it counts, and what would disprove it."""

from __future__ import annotations

from collections.abc import Sequence

from bedrock_support.tools.gaps.facts import FunctionFacts

TITLES = {
    "pass": "has an empty body",
    "ellipsis": "has only ... for a body",
    "not_implemented": "only raises that it isn't implemented",
    "constant": "returns a constant whatever it is given",
    "simulated": "acts out its work with chance or sleep",
    "echo": "gives its argument back instead of working on it",
    "log_only": "only logs",
    "swallowed": "hides every error of its whole body",
    "dead_flag": "does its work only under a condition that isn't met",
    "unreachable": "has its work behind an exit, where it never runs",
    "half_done": "begins its work and ends without a result",
    "hollow": "promises a deed that its body doesn't do",
}
_SAID = {
    "marker": "a comment defers the work",
    "marker_strong": "a comment says the work is missing",
    "marker_last": "its last comment defers the rest",
    "says_missing": "its message says the work is missing",
    "says_unwritten": "its error says that the work is missing",
    "said_unwritten": "its error says that the work is missing",
    "ends_refused": "it ends in the error that it isn't implemented",
    "doc_defers": "its docstring says the work is missing",
    "unread_all": "no parameter is read",
    "unread_most": "most parameters are never read",
    "unread_some": "some parameters are never read",
    "unread_many": "three or more parameters are never read",
    "doc_promises": "its docstring promises parameters or a result",
    "doc_promises_plain": "its docstring promises a result without any reservation",
    "doc_returns": "its docstring says what it returns",
    "doc_long_plain": "a long docstring describes work",
    "doc_acts": "its docstring opens with a deed",
    "name_acts": "its name says that it does something",
    "result_used": "callers use its result",
    "result_used_often": "several callers use its result",
    "result_used_far": "results of this name are used elsewhere",
    "super_result_used": "overriding methods build on its result",
    "super_called": "overriding methods call it",
    "company_works": "the functions around it do real work",
    "kin_work": "the same method of sibling classes does real work",
    "base_works": "the method that it overrides does real work",
    "base_contract": "it is meant to fill in an abstract method",
    "annotation_clash": "its annotation promises another type",
    "value_canned": "the value looks like sample data",
    "stand_in_name": "the value is named as made-up data",
    "kept_constant": "the value is a constant given a name first",
    "predicate_no_bool": "its name asks a question that the value doesn't answer",
    "doc_boolean_no_bool": "its docstring asks a question that the value doesn't answer",
    "chance_unsaid": "neither name nor docstring speaks of chance or waiting",
    "no_effect": "nothing before the end has an effect",
    "last_unread": "the last value computed is never read",
    "local_unread": "a value is computed and never read",
    "local_unread_two": "values are computed and never read",
    "ends_bare": "it ends in a bare return",
    "ends_none": "it ends in return None",
    "ends_constant": "it ends in a constant",
    "ends_pass": "it ends in pass",
    "ends_ellipsis": "it ends in ...",
    "ends_echo": "it ends by giving its argument back",
    "ends_chance": "it ends in a random value",
    "returns_once": "no other path returns anything",
    "other_type_returned": "other paths return another type",
    "answers_inside": "errors turn its result into nothing",
    "many_inside": "much work stands inside the try",
    "parked_at_once": "it leaves at once",
    "parked_top": "it leaves before its work",
    "never": "the condition is always false",
    "switched": "the condition hangs on a switch",
    "otherwise_nothing": "nothing happens otherwise",
    "draws": "its result is drawn at random",
    "sleeps": "it sleeps instead",
    "change_unmet": "it promises to change something and nothing outlives it",
    "find_unmet": "it promises to find something out and works nothing out",
    "check_unmet": "it promises a check and looks at nothing",
    "means_told": "its docstring says by what means, and they aren't used",
    "thrown_away": "something is worked out and thrown away",
    "idle_loop": "it has a loop whose turns do nothing",
    "claims_more": "its answer claims what nothing has brought about",
    "figure_unmet": "it promises what only measuring tells and measures nothing",
    "turns_alike": "its loop never looks at what it goes through",
    "answer_canned": "its answer looks like sample data",
    "answer_spoken": "its answer is only a text with values put in",
    "answer_tabled": "its answer comes out of a table of literals",
    "answer_counted": "its answer is only counted up",
    "asks_nobody": "nothing is called that could do the work",
    "only_looks": "what it calls only tells something",
    "self_unread": "it never looks at its object",
    "ignores_told": "a parameter that its docstring speaks of is never read",
    "claims_anyway": "it ends in a success that errors don't change",
    "branch_empty": "most of what a parameter chooses between gives nothing",
    "same_either_way": "every path gives the same",
    "doc_unborne": "nothing that its docstring speaks of occurs in its code",
}
_EXCUSED = {
    "overridden_works": "other classes override it",
    "in_tests": "it stands among tests",
    "in_examples": "it stands among examples",
    "doc_nothing": "its docstring says that it does nothing",
    "doc_hooked": "its docstring invites overriding",
    "comment_nothing": "a comment says that nothing is to be done",
    "name_hook": "it is named like a hook",
    "name_noop": "it is named as doing nothing",
    "name_identity": "it is named like an identity or a default",
    "class_null_object": "its class is named as one that does nothing",
    "class_null_name": "its class is named like a base or null object",
    "company_empty": "most of its class is as empty",
    "kin_empty": "sibling classes leave it empty too",
    "duck": "its class imitates a well-known interface",
    "twin_works": "another definition of the same name does the work",
    "annotation_fits": "the value fits its annotation",
}
_DISPROOF = {
    "pass": "a caller, a base class or the documentation says that nothing is to be done here",
    "ellipsis": "the class is used as an interface only, and others fill it in",
    "not_implemented": "a class that is in use overrides it, or the case is documented as unsupported",
    "constant": "the value is the right answer for every input",
    "simulated": "chance or delay is what callers ask for",
    "echo": "callers want the argument unchanged",
    "log_only": "telling is all that was asked for",
    "swallowed": "callers expect silence on any error, and a test covers it",
    "dead_flag": "the switch is set where this runs",
    "unreachable": "the exit is taken in some cases only, which the code doesn't show",
    "half_done": "the earlier statements have an effect that is all that was wanted",
    "hollow": "callers want just what the body gives, and the deed is done elsewhere",
}


def detail(function: FunctionFacts, against: Sequence[str], excuses: Sequence[str]) -> str:
    """Up to four reasons for, up to two against, in one sentence each."""
    said = [_SAID[mark] for mark in against if mark in _SAID][:4]
    parts = ["; ".join(said).capitalize() + "." if said else ""]
    if function["comment"]:
        parts.append(f"Comment: {function['comment'][:100]!r}.")
    if function["value"]:
        parts.append(f"Value: {function['value'][:60]}.")
    spared = [_EXCUSED[mark] for mark in excuses if mark in _EXCUSED][:2]
    if spared:
        parts.append(f"But {' and '.join(spared)}.")
    return " ".join(part for part in parts if part)


def disproof(kind: str) -> str:
    """What one would see if the finding were wrong."""
    return _DISPROOF[kind]
