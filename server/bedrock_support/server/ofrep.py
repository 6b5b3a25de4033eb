"""Flags over the OpenFeature Remote Evaluation Protocol: all five in one question, as of one moment.

The protocol: https://github.com/open-feature/protocol (OpenAPI, version 1): `POST /ofrep/v1/evaluate/flags` evaluates
everything at once and names its state by an ETag; `POST /ofrep/v1/evaluate/flags/KEY` evaluates one flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import httpx2

from bedrock_support.server.settings import FLAG_NAMES

NAMES = tuple(FLAG_NAMES.values())
PATIENCE = 2.0
"""Seconds for one question."""
OK, UNCHANGED, NOT_FOUND = 200, 304, 404
NOT_IN_BULK = frozenset({NOT_FOUND, 405, 501})
"""Answers of a service that evaluates flags one by one alone."""
ROUNDS = 3
"""In which two, one after the other, may come out equal, where flags are asked for one by one."""
ABSENT = "FLAG_NOT_FOUND"


class OfrepError(Exception):
    """The service said no, or what it gave can't be used. Safe to show."""


class OfrepFeed:
    """One service. Every method blocks; for one thread at a time."""

    def __init__(self, url: str, transport: httpx2.BaseTransport | None = None) -> None:
        """`transport`: another way to the service than the network."""
        self._at = f"{url.rstrip('/')}/ofrep/v1/evaluate/flags"
        self._client = httpx2.Client(timeout=PATIENCE, transport=transport)
        self._known: Mapping[str, bool] = {}
        self._tag = ""
        self._bulk = True

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def latest(self) -> Mapping[str, bool]:
        """Our flags as the service has them, by the names ENABLE_...; those that it hasn't are left out.

        Raises:
            OfrepError, httpx2.HTTPError
        """
        if self._bulk:
            headers = {"if-none-match": self._tag} if self._tag else {}
            response = self._client.post(self._at, json={"context": {}}, headers=headers)
            if response.status_code == UNCHANGED:
                return self._known
            if response.status_code not in NOT_IN_BULK:
                told = _object(response)
                flags = cast("list[Any]", told.get("flags"))
                if not isinstance(told.get("flags"), list):
                    raise OfrepError("the answer names no flags")
                self._known = _known({str(_table(each).get("key")): _table(each) for each in flags})
                self._tag = response.headers.get("etag", "")
                return self._known
            self._bulk = False
        return self._one_by_one()

    def _one_by_one(self) -> Mapping[str, bool]:
        """A change between two questions gives a mixture; two equal rounds give none."""
        found = self._round()
        for _ in range(ROUNDS):
            again = self._round()
            if again == found:
                return found
            found = again
        raise OfrepError("the flags changed while they were asked for")

    def _round(self) -> Mapping[str, bool]:
        told: dict[str, Mapping[str, Any]] = {}
        for name in NAMES:
            response = self._client.post(f"{self._at}/{name}", json={"context": {}})
            absent = response.status_code == NOT_FOUND
            told[name] = {"errorCode": ABSENT} if absent else _object(response)
        return _known(told)


def _known(told: Mapping[str, Mapping[str, Any]]) -> dict[str, bool]:
    """Our flags of those that were told. Raises OfrepError for one that is neither on nor off."""
    found: dict[str, bool] = {}
    for name in NAMES:
        flag = told.get(name, {"errorCode": ABSENT})
        if flag.get("errorCode") == ABSENT:
            continue
        value = flag.get("value")
        if not isinstance(value, bool):
            raise OfrepError(f"{name}: {flag.get('errorCode') or 'neither true nor false'}"[:200])
        found[name] = value
    return found


def _object(response: httpx2.Response) -> Mapping[str, Any]:
    if response.status_code != OK:
        again = response.headers.get("retry-after", "")
        raise OfrepError(f"status {response.status_code}{f', again after {again[:40]}' if again else ''}")
    try:
        told: object = response.json()
    except ValueError:
        told = None
    return _table(told)


def _table(told: object) -> Mapping[str, Any]:
    if not isinstance(told, dict):
        raise OfrepError("the answer is no JSON object")
    return cast("Mapping[str, Any]", told)
