"""Promises about the checkout and the distribution."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "house:namespace": Promise("style 4.2", "no room holds a bedrock_support/__init__.py, so all four are importable"),
    "house:file-sizes": Promise(
        "style 5", "no Python file is over 400 lines, and nine in ten are under 250, tests and benchmarks included"
    ),
    "house:no-machine": Promise(
        "issue", "no tracked file names a path of somebody's machine or a registry that is not public"
    ),
    "docs:true": Promise("issue 2", "README and AGENTS.md name what exists: settings, tools, classes, files"),
    "house:wheel": Promise("style 4.3", "the wheel carries the four rooms with matrix and type markers, nothing else"),
}
