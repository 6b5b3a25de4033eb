"""Tables in Parquet, where pyarrow is installed: it isn't one of our dependencies."""

from __future__ import annotations

import importlib
from typing import Any, BinaryIO

from bedrock_support.tools.causes.model import Series
from bedrock_support.tools.causes.tables import TableError, read_table


def read_parquet(raw: BinaryIO, source: str) -> list[Series]:
    """Series of a Parquet file, by the same forms as a CSV.

    Raises:
        TableError: pyarrow isn't installed, or this isn't a table of metrics.
    """
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise TableError("reading Parquet needs pyarrow: `pip install pyarrow`, or export it as CSV") from None
    try:
        table: Any = parquet.read_table(raw)
    except (OSError, ValueError) as error:  # pyarrow's own errors are kinds of these
        raise TableError(f"not readable as Parquet ({error})"[:200]) from None
    columns: list[list[Any]] = [column.to_pylist() for column in table.columns]
    rows = ([_text(cell) for cell in row] for row in zip(*columns, strict=True))
    return read_table([[str(name) for name in table.column_names], *rows], source)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)
