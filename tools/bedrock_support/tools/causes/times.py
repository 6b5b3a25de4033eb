"""Moments as files and callers write them."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""From these magnitudes on, numbers count nanoseconds, microseconds, milliseconds: 1e11 s is the year 5138."""


def moment(text: object) -> float | None:
    """Unix seconds of a number (s, ms, us or ns) or an ISO 8601 text, UTC where it names no zone; None if neither."""
    try:
        number = float(text)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return _iso(text) if isinstance(text, str) else None
    if not 0 <= number < 1e20:
        return None
    return next((number / unit for least, unit in _UNITS if number >= least), number)


def _iso(text: str) -> float | None:
    try:
        read = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def shown(at: float) -> str:
    """Unix seconds as people read them, UTC."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f}"
