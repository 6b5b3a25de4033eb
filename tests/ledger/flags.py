"""Promises of feature flags and of support mode's lifecycle."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "flags:file": Promise("issue 8.1", "the file comes before the environment, as JSON or TOML, or is refused"),
    "flags:last-good": Promise("issue 8.1", "a broken or vanished file changes nothing, and health says so"),
    "flags:writers": Promise("issue 8.1", "two writers lose no change, and a write is read back or refused"),
    "flags:openfeature": Promise("issue 8.1", "an OpenFeature provider may say the flags; failing, it changes none"),
    "flags:services": Promise(
        "issue 8.1", "flagd and OFREP say the flags: seen by each server, audited, and announced to clients"
    ),
    "flags:appconfig": Promise("issue 8.1", "AWS AppConfig says the flags, asked no more often than it allows"),
    "flags:snapshot": Promise("issue 8.1", "a call keeps the snapshot that it began with; none is ever mixed"),
    "flags:seen": Promise("issue 8.1", "four processes see every flip within one second, without a restart"),
    "flags:audited": Promise("issue 8.1", "who switches is in the audit trail, and so is every server that saw it"),
    "flags:announced": Promise("issue 8.1", "clients are told when tools appear or go by a flag or a stop"),
    "flags:command": Promise("issue 8.1", "flags are shown, set and watched, and stops made and lifted by command"),
    "lifecycle:stops": Promise("issue 8.2", "a stop keeps its scope's questions in, at once, and says why"),
    "lifecycle:all": Promise("issue 8.2", "stopped wholly, calls are refused in words and local findings still come"),
    "lifecycle:preflight": Promise(
        "issue 8.2", "support mode begins with a look at route, compliance and flags, and health says what it found"
    ),
    "lifecycle:drains": Promise("issue 8.2", "switched off, calls under way end normally; then it is inactive"),
}
