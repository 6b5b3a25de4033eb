"""What callers may choose and what caches must know, without loading the rest."""

CHECKS = ("stubs", "tests", "routes", "docs")
DEFAULT_CONFIDENCE = 0.65
"""Below it, look-alikes begin to outnumber stubs in a tree that is mostly finished."""
FACTS_VERSION = 5
"""Raised when facts change their shape or meaning: old cached ones are then ignored."""
