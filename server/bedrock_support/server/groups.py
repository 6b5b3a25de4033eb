"""Exception groups, which tasks wrap around whatever ends them."""

from __future__ import annotations

from typing import cast


def innermost(error: BaseException) -> BaseException:
    """What a nest of exception groups is about."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
