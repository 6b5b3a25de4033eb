"""What find_root_cause promises."""

from tests.promises import Promise

_ISSUE = "issue 6"

PROMISES: dict[str, Promise] = {
    "rca:readers": Promise(_ISSUE, "Metrics long, wide and stacked, traces, changes and call graphs are read."),
    "rca:deepest": Promise(_ISSUE, "The service where the trouble starts ranks above those that wait for it."),
    "rca:window": Promise(_ISSUE, "Without start and end the incident is found, and calm data has no cause."),
    "rca:changes": Promise(_ISSUE, "A change shortly before the onset makes its entity likelier, and is evidence."),
    "rca:resources": Promise(_ISSUE, "Processor and memory of the same entity explain its symptom."),
    "rca:loss": Promise(_ISSUE, "A service that no longer answers is named, though it says nothing itself."),
    "rca:evidence": Promise(_ISSUE, "A cause has file, metric, onset, effect, confidence and what would disprove it."),
    "rca:hostile": Promise(_ISSUE, "Broken, empty and foreign files are survived and said; links are not followed."),
    "rca:confined": Promise(_ISSUE, "No path of find_root_cause leads out of the roots."),
    "rca:small-answer": Promise(_ISSUE, "An answer of find_root_cause has at most 25 kB."),
    "rca:command": Promise(_ISSUE, "The command rca gives text and JSON and ends with 0, 1 or 2."),
    "rca:deterministic": Promise(_ISSUE, "The same data always give the same causes in the same order."),
}
