"""What triage_incident promises."""

from tests.promises import Promise

_BRIEF = "reference/domain.md 4"

PROMISES: dict[str, Promise] = {
    "triage:moments": Promise("issue 2", "times told of a finding are those that its lines bear, to the second"),
    "triage:onset": Promise("issue 2", "a log too big for the budget is still read where its trouble began"),
    "triage:templates": Promise(
        "issue 6", "Lines that say two things stay apart, lines that differ only in their values become one template."
    ),
    "triage:finds-cause": Promise(_BRIEF, "The first error and the change before it rank above loud, constant noise."),
    "triage:cites-lines": Promise(
        _BRIEF, "Every finding cites evidence by path, line and the SHA-256 of the whole line."
    ),
    "triage:no-model": Promise(
        _BRIEF, "Without a model the local result is returned whole, and says why no model was used."
    ),
    "triage:grounded": Promise(_BRIEF, "A model's hypothesis that cites unknown evidence is dropped and counted."),
    "triage:confined": Promise(_BRIEF, "No path, link or device leads out of the allowed folders."),
    "triage:bad-input": Promise(_BRIEF, "Bad input is refused with the field, the value and a way to mend it."),
    "triage:bounded": Promise(_BRIEF, "Memory stays bounded however large or strange the log is."),
    "triage:budget": Promise(
        _BRIEF, "When the budget ends early, the share that was read is stated and nothing fails."
    ),
    "triage:cancel": Promise(_BRIEF, "A cancelled triage stops between blocks and leaves no file open."),
    "triage:traces": Promise(_BRIEF, "Stack traces of six languages lead to their first cause and its line of code."),
    "triage:wrapped": Promise(
        "issue 6", "Stack traces are found where a collector put a prefix before each line, and where services mix."
    ),
    "triage:packed": Promise(
        "issue 6", "gzip, zstd and CloudWatch's JSON exports are read, and no packed file fills memory or disk."
    ),
    "triage:formats": Promise(_BRIEF, "Times and levels of the common log formats are read."),
    "triage:data-not-orders": Promise(_BRIEF, "Text in a log can't leave the marks that make it data for the model."),
    "triage:first-service": Promise(
        "issue 6", "Where several services failed, their first errors are told in order, with what clocks may hide."
    ),
    "triage:spans": Promise("issue 6", "Failed spans of OTLP and Jaeger files are findings with their trace ids."),
    "triage:workspace": Promise(
        "issue 6", "Stack traces lead to the line in the workspace and to the commit that last changed it."
    ),
    "triage:git-runs-nothing": Promise("issue 6", "No repository makes git run a program, nor lead out of the roots."),
    "triage:suspects-injection": Promise("issue 5", "A log that speaks to a language model is told as a finding."),
    "triage:hostile-model": Promise(
        "issue 6", "Whatever a model answers, findings stand; invented files and evidence are dropped or marked."
    ),
    "triage:small-answer": Promise(
        _BRIEF, "By default the answer is at most 25 kB, its definition at most 900 tokens."
    ),
    "triage:handoff": Promise(_BRIEF, "A handed-over question comes back with its brief, schema and expiry."),
}
