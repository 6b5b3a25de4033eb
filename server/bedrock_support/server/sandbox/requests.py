"""What a request to Bedrock says, or the ValidationException that it earns."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, cast

from bedrock_support.server.sandbox.answers import objects, request_text, tokens
from bedrock_support.server.sandbox.faults import ErrorShape
from bedrock_support.server.sandbox.http import MAX_BODY


def read_object(raw: bytes) -> dict[str, Any] | ErrorShape:
    """The body, if it is a JSON object of a size that Bedrock takes."""
    if len(raw) > MAX_BODY:
        return invalid(f"The body is longer than {MAX_BODY} bytes.")
    try:
        loaded: object = json.loads(raw)
    except (ValueError, RecursionError):
        return invalid("The body is not JSON.")
    return cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else invalid("The body is not a JSON object.")


def refusal(body: Mapping[str, Any]) -> ErrorShape | None:
    """Why Bedrock would not converse about this body. Members that it doesn't need are not looked at."""
    messages: object = body.get("messages")
    if not messages:
        return invalid("messages must not be empty.")
    found = objects(messages)
    if not isinstance(messages, list) or len(found) != len(cast("list[object]", messages)):
        return invalid("messages must be a list of objects.")
    for number, message in enumerate(found):
        if message.get("role") not in ("user", "assistant"):
            return invalid(f"messages.{number}.role must be user or assistant.")
        if not isinstance(message.get("content"), list):
            return invalid(f"messages.{number}.content must be a list.")
    return None


def count(body: Mapping[str, Any]) -> int | ErrorShape:
    """Tokens of a CountTokens request, whichever of its two forms it takes."""
    asked = _member(body, "input")
    if "converse" in asked:
        return tokens(request_text(_member(asked, "converse")))
    if "invokeModel" in asked:
        try:
            return tokens(base64.b64decode(str(_member(asked, "invokeModel").get("body", ""))).decode())
        except (binascii.Error, ValueError):
            return invalid("input.invokeModel.body is not base64 of UTF-8 text.")
    return invalid("input must hold converse or invokeModel.")


def invalid(message: str) -> ErrorShape:
    return ErrorShape(400, "ValidationException", message)


def _member(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value: object = of.get(name)
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
