"""Promises about who may use the server over HTTP."""

from __future__ import annotations

from tests.promises import Promise

PROMISES: dict[str, Promise] = {
    "access:closed": Promise("issue 7", "With tokens set every path but /livez, /readyz and the sign-in asks for one."),
    "access:clients": Promise(
        "issue 7", "Clients of both eras and transports are served with a token, and else get 401."
    ),
    "access:settings": Promise("issue 7", "Tokens are long, unique, never shown, and let the server leave loopback."),
    "access:people": Promise("issue 7", "A token signs a person in to the page, by a cookie that opens nothing else."),
    "access:sessions": Promise("issue 7", "A session belongs to the holder of the token that opened it."),
    "access:front": Promise(
        "issue 7", "A front asks for the tokens too, passes them on, and moves sessions with what their holder showed."
    ),
    "access:status": Promise("issue 7", "The command status shows its token, and says what is missing without one."),
}
