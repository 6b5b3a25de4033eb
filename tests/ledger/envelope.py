"""What every answer promises."""

from tests.promises import Promise

_ISSUE = "issue 6"

PROMISES: dict[str, Promise] = {
    "envelope:evidence": Promise(
        _ISSUE, "Every finding of every tool has its place, a confidence, evidence, and what would disprove it."
    ),
    "envelope:small": Promise(
        _ISSUE, "By default no tool's answer has more than 25 kB, however much there is to find."
    ),
    "envelope:whole": Promise(_ISSUE, "An answer that is a part leads to the whole as a resource."),
}
