"""The decision matrix: loaded from matrix.toml and refused unless it is complete."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bedrock_support.routing.model import Health, ModelRole, OperationClass, Priority, RouteName

MATRIX_PACKAGE = "bedrock_support.routing"
ANY_HEALTH = tuple(Health)


class MatrixError(ValueError):
    """The matrix leaves a case undecided, or decides one twice."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassRule(_Strict):
    """What one class of operation is promised."""

    priority: Priority
    deadline: Annotated[float, Field(gt=0, le=600)]
    """Seconds for the whole call."""
    may: frozenset[RouteName]
    """Every route that the class may ever take."""
    role: ModelRole
    max_tokens: Annotated[int, Field(gt=0, le=64_000)]
    small_tokens: Annotated[int, Field(ge=0, le=64_000)]
    """A brief of no more tokens is asked of the next smaller role; 0 never."""
    evidence_tokens: Annotated[int, Field(gt=0, le=64_000)]
    """Tokens of evidence that a brief may hold."""
    stream: bool
    worth_usd: Annotated[float, Field(gt=0)]
    """What an answer in time is worth."""
    hedge: bool
    """Whether the second route may be started while the first still runs."""
    cache_seconds: Annotated[float, Field(ge=0, le=86_400)]
    """How long an answer may be given again; 0 never."""
    stale_seconds: Annotated[float, Field(ge=0, le=86_400)]
    """How long after that it may still be given, marked as stale, while it is asked anew or when that fails."""


class Row(_Strict):
    """One line of the matrix: where it matches, and the plan."""

    name: str
    op_classes: Annotated[tuple[OperationClass, ...], Field(alias="class", min_length=1)]
    direct: tuple[Health, ...] = ANY_HEALTH
    mcp: tuple[Health, ...] = ANY_HEALTH
    plan: Annotated[tuple[RouteName, ...], Field(min_length=1)]
    why: str

    def matches(self, op_class: OperationClass, direct: Health, mcp: Health) -> bool:
        return op_class in self.op_classes and direct in self.direct and mcp in self.mcp


class _Document(_Strict):
    name: str
    rules: Annotated[dict[OperationClass, ClassRule], Field(alias="class")]
    rows: Annotated[tuple[Row, ...], Field(alias="row")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A complete decision table: every class and every pair of healths has exactly one deciding row."""

    version: str
    """Name and the first 12 hexadecimal digits of the SHA-256 of the source."""
    rules: Mapping[OperationClass, ClassRule]
    rows: tuple[Row, ...]
    table: Mapping[tuple[OperationClass, Health, Health], Row]

    def row(self, op_class: OperationClass, direct: Health, mcp: Health) -> Row:
        return self.table[op_class, direct, mcp]


def parse(source: str) -> Matrix:
    """Build a matrix from TOML.

    Raises:
        MatrixError: a class has no rule, a combination no row, a row can never match,
            or a row plans a route that its class may not take.
        pydantic.ValidationError: a value is of the wrong kind.
    """
    document = _Document.model_validate(tomllib.loads(source))
    if missing := set(OperationClass) - document.rules.keys():
        raise MatrixError(f"no [class.*] rule for {', '.join(sorted(missing))}")
    for row in document.rows:
        _check(row, document.rules)
    table: dict[tuple[OperationClass, Health, Health], Row] = {}
    for key in product(OperationClass, Health, Health):
        found = next((row for row in document.rows if row.matches(*key)), None)
        if found is None:
            raise MatrixError(f"no row for class={key[0]} direct={key[1]} mcp={key[2]}")
        table[key] = found
    deciding = {row.name for row in table.values()}
    if idle := [row.name for row in document.rows if row.name not in deciding]:
        raise MatrixError(f"rows that can never match: {', '.join(idle)}")
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    return Matrix(version=f"{document.name}@{digest}", rules=document.rules, rows=document.rows, table=table)


def _check(row: Row, rules: Mapping[OperationClass, ClassRule]) -> None:
    if len(set(row.plan)) != len(row.plan):
        raise MatrixError(f"row {row.name}: a route stands twice in the plan")
    for op_class in row.op_classes:
        if extra := set(row.plan) - rules[op_class].may:
            raise MatrixError(f"row {row.name}: class {op_class} may not take {', '.join(sorted(extra))}")


@cache
def shipped() -> Matrix:
    """The matrix that comes with the package."""
    return parse(files(MATRIX_PACKAGE).joinpath("matrix.toml").read_text(encoding="utf-8"))
