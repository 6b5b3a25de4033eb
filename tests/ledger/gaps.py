"""What detect_implementation_gaps and verify_spec promise."""

from tests.promises import Promise

_ISSUE = "issue 6"

PROMISES: dict[str, Promise] = {
    "gaps:deadline": Promise(
        "issue 6", "The caller's time is kept on any tree: what was found in it is the answer, and what isn't is said."
    ),
    "specs:deadline": Promise(
        "issue 6", "A spec that can't be held against all of the code in time has no task called missing for it."
    ),
    "gaps:stubs": Promise(_ISSUE, "Stubs of every sort are found in Python, with file, line and symbol."),
    "gaps:wordings": Promise(
        _ISSUE, "Stubs are found in whatever form and words, other languages' too; stubs don't excuse each other."
    ),
    "gaps:unmet": Promise(
        _ISSUE, "Bodies that build an answer and do nothing of what name and docstring promise are found in Python."
    ),
    "gaps:calibrated": Promise(
        _ISSUE,
        "Confidences are fitted to how often bodies like these were gaps; a broken promise never excuses.",
    ),
    "gaps:look-alikes": Promise(_ISSUE, "Contracts, hooks, null objects, defaults and delegation are no findings."),
    "gaps:languages": Promise(_ISSUE, "Stubs of every sort are found in TypeScript, JavaScript, Go and Java, too."),
    "gaps:languages-look-alikes": Promise(_ISSUE, "What only looks like a stub by their customs is no finding there."),
    "gaps:languages-tests": Promise(_ISSUE, "Tests that can't fail are found for jest, mocha, vitest, Go and JUnit."),
    "gaps:languages-routes": Promise(_ISSUE, "OpenAPI operations are held against Go, Java, Fastify and Next routes."),
    "gaps:languages-docs": Promise(_ISSUE, "Documented calls, settings and scripts are looked up in those languages."),
    "gaps:languages-lazy": Promise(_ISSUE, "No parser of another language is loaded before its first file is met."),
    "gaps:tests": Promise(_ISSUE, "Tests that check nothing, or only what is always true, are found."),
    "gaps:routes": Promise(_ISSUE, "OpenAPI operations that no FastAPI, Flask or Express route serves are found."),
    "gaps:docs": Promise(_ISSUE, "Documented functions, settings and commands that don't exist are found."),
    "gaps:hostile": Promise(_ISSUE, "Huge, deep, broken and binary files, links and devices are survived and said."),
    "gaps:incremental": Promise(_ISSUE, "A second run reads only files whose content changed."),
    "gaps:confined": Promise(_ISSUE, "No path leads out of the roots."),
    "gaps:small-answer": Promise(_ISSUE, "An answer has at most 25 kB, the most important first, and is paged."),
    "gaps:command": Promise(_ISSUE, "The command gives text, JSON and SARIF and ends with 0, 1 or 2."),
    "spec:verdicts": Promise(_ISSUE, "Each ticked task is done, partial, missing or unverifiable, with evidence."),
    "spec:languages": Promise(
        _ISSUE, "Symbols, endpoints and tests of those languages prove tasks; hollow ones don't."
    ),
    "spec:claims": Promise(
        _ISSUE, "What a task leans on, and what is listed with it, is no claim; members and settings read from are."
    ),
    "spec:flavours": Promise(_ISSUE, "Task lists of Kiro, spec-kit and OpenSpec are read."),
    "spec:deterministic": Promise(_ISSUE, "The same tree always gets the same verdicts, in the same order."),
    "spec:writer": Promise(_ISSUE, "Corrected checkboxes are proposed, and written only when that is asked for."),
    "spec:command": Promise(_ISSUE, "The command verify-spec ends with 0, 1 or 2, so that CI can lean on it."),
}
