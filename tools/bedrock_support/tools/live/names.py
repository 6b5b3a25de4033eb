"""How a caller names a live source: by its sort and what to ask it, never by an address."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bedrock_support.tools.base import InputError

JAEGER, PROMETHEUS, CLOUDWATCH, LOGS, ACCOUNT = "jaeger", "prometheus", "cloudwatch", "logs", "aws"
SORTS = (JAEGER, PROMETHEUS, CLOUDWATCH, LOGS, ACCOUNT)
_NAME = re.compile(rf"({'|'.join(SORTS)}):(.*)", re.DOTALL)
_REGION = re.compile(r"(.*)@([a-z]{2}(?:-[a-z]+){1,3}-\d)", re.DOTALL)
LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class LiveName:
    """One thing that can be asked of one source."""

    sort: str
    asked: str
    """A service, a query, a namespace or a log group; of an account nothing but its Region."""
    region: str | None = None

    @property
    def label(self) -> str:
        """As findings show it."""
        if self.sort == ACCOUNT:
            return f"{self.sort}:{self.region or ''}"
        return f"{self.sort}:{self.asked}{f'@{self.region}' if self.region else ''}"


@dataclass(frozen=True, slots=True)
class Time:
    """What a source is asked for, in unix seconds."""

    start: float
    end: float
    trouble: float | None = None
    """Where calm ends, if anybody said so."""

    def parts(self, count: int) -> list[tuple[float, float]]:
        """So many parts: half of them calm where it is known which are."""
        if self.trouble is None:
            return _cut(self.start, self.end, count)
        return [*_cut(self.start, self.trouble, count // 2), *_cut(self.trouble, self.end, count - count // 2)]


def _cut(start: float, end: float, count: int) -> list[tuple[float, float]]:
    width = (end - start) / count
    return [(start + place * width, start + (place + 1) * width) for place in range(count)]


def live_name(field: str, value: str, taken: tuple[str, ...]) -> LiveName | None:
    """What a live name asks; None for a path. A file that is called so is named by `./` before it.

    Raises:
        InputError: this tool takes no such source, or what to ask it is missing.
    """
    found = _NAME.fullmatch(value)
    if found is None:
        return None
    sort, asked = found[1], found[2].strip()
    if sort not in taken:
        mend = f"Here are asked: {', '.join(f'{each}:' for each in taken)}. A file of this name is ./{value[:100]}"
        raise InputError(field, value, f"{sort} isn't asked by this tool", mend)
    if len(asked) > LONGEST or "\0" in asked:
        raise InputError(field, value, "is too long or holds a NUL", f"Give at most {LONGEST} characters")
    if sort == ACCOUNT:
        return _account(field, value, asked)
    if not asked and sort != JAEGER:
        raise InputError(field, value, "says nothing to ask for", f"Give {_FORMS[sort]}")
    placed = _REGION.fullmatch(asked) if sort in (CLOUDWATCH, LOGS) else None
    return LiveName(sort, placed[1], placed[2]) if placed else LiveName(sort, asked)


def _account(field: str, value: str, asked: str) -> LiveName:
    if asked and not _REGION.fullmatch(f"@{asked}"):
        raise InputError(field, value[:200], "names no Region", "Give aws: or aws:REGION, as aws:eu-west-1")
    return LiveName(ACCOUNT, "", asked or None)


_FORMS = {
    PROMETHEUS: 'prometheus:QUERY, as prometheus:{namespace="shop"}',
    CLOUDWATCH: "cloudwatch:NAMESPACE or cloudwatch:NAMESPACE@REGION, as cloudwatch:AWS/Lambda@eu-west-1",
    LOGS: "logs:GROUP or logs:GROUP@REGION, as logs:/aws/lambda/orders",
}
