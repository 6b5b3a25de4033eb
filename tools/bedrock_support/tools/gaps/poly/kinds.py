"""Which files are of which language, known without loading any parser."""

from __future__ import annotations

import re

BY_ENDING = {
    ".py": "py",
    ".pyw": "py",
    ".ts": "ts",
    ".mts": "ts",
    ".cts": "ts",
    ".tsx": "tsx",
    ".js": "js",
    ".jsx": "js",
    ".mjs": "js",
    ".cjs": "js",
    ".go": "go",
    ".java": "java",
}
FAMILIES = {"py": "py", "ts": "script", "tsx": "script", "js": "script", "go": "go", "java": "java"}
OTHER_TESTS = re.compile(
    r"(?:^|/)(?:__tests__|__mocks__|__fixtures__|e2e|testdata|mocks?|fakes?|cypress)/"
    r"|[._-](?:test|spec|mock|stories|bench|e2e)s?\.[cm]?[jt]sx?$|_test\.go$|(?:^|/)mock_[^/]*\.go$"
    r"|(?:Tests?|TestCase|IT|Mock|Fake)\.java$|(?:^|/)(?:Fake|Mock|Test)[A-Z][^/]*\.java$|[^/]*Test/java/",
)
"""Files of tests and their doubles, beside those whose names are the same in every language."""


def language_of(label: str) -> str:
    """`py`, `ts`, `tsx`, `js`, `go` or `java` by the ending; anything else is taken for Python."""
    return BY_ENDING.get(label[label.rfind(".") :], "py")


def family_of(label: str) -> str:
    """Languages whose files call each other have one family."""
    return FAMILIES[language_of(label)]
