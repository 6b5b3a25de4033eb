"""Promises of the server: transports, eras, carriers, and the way it ends."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "stdio:unread": Promise("issue 3", "a client that never reads fills no more than a bounded amount of memory"),
    "stdio:malformed-answered": Promise("issue 2", "malformed and oversized messages over stdio get an answer"),
    "settings:defaults": Promise("issue 2", "settings come from the environment and default to the safe side"),
    "settings:errors": Promise("design 7", "a setting that can't be used is named with its value and its mend"),
    "server:every-carrier": Promise("issue 2", "every transport serves every era with every carrier"),
    "server:no-credentials": Promise("issue 2", "without AWS credentials the server serves and says what is missing"),
    "server:roots": Promise("issue 2", "a client's own roots count over stdio only, and never beside configured ones"),
    "server:bad-input": Promise("issue 2", "bad input gets an error that names field, value and mend"),
    "server:catalogue": Promise("issue 2", "tools carry annotations and schemas, and fit a client's limits"),
    "server:resources": Promise("issue 2", "health and decisions can be read as resources, prompts can be picked"),
    "server:ends": Promise("issue 2", "SIGTERM and closed stdin end the server cleanly within 5 s"),
    "server:host-and-origin": Promise("issue 2", "HTTP refuses foreign Host and Origin headers and other interfaces"),
    "server:oversized-http": Promise("issue 2", "an oversized or malformed HTTP body gets an error answer"),
    "server:arrival": Promise("issue 3", "a deadline counts from when the message came, however busy the loop was"),
    "server:cancellation": Promise("issue 2", "a cancelled call stops its work and leaves nothing behind"),
    "server:progress": Promise("issue 2", "long work reports progress that only ever rises"),
    "server:trace": Promise("issue 2", "one trace runs from the client through decision and attempt to the model"),
    "server:parked-restart": Promise("adr 4", "a retry that reaches a server without its parked call is answered"),
    "server:approval": Promise("issue 2", "with approvals on, Bedrock is asked only after the user agreed"),
    "emergency:wall-clock": Promise("issue 2", "emergency and critical calls end within 5 s and 10 s under any fault"),
    "demo:truth": Promise("issue 2", "triage names the key events of a real incident by their lines"),
    "demo:runs": Promise("issue 2", "the demo answers all three scenes and prints their trace"),
}
