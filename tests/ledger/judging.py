"""What every tool that asks a model promises."""

from tests.promises import Promise

_ISSUE = "issue 6"

PROMISES: dict[str, Promise] = {
    "judging:no-model": Promise(_ISSUE, "With no model every tool has its findings, is degraded, and says why."),
    "judging:slow-model": Promise(_ISSUE, "A model that overruns leaves the local result, in time, as degraded."),
    "judging:hostile-model": Promise(
        _ISSUE,
        "Whatever a model answers, findings stand; invented files, evidence and addresses are dropped or marked, "
        "orders to the reader are dropped, and a flood of words pushes nothing out.",
    ),
}
