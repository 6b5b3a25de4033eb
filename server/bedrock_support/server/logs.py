"""What this process says on stderr: checked by the gate's detectors, since exceptions quote what they stumbled over."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType

FORMAT = "%(levelname)s %(name)s: %(message)s"
LONGEST = 20_000
"""Characters of one entry."""
log = logging.getLogger(__name__)


class Redacting(logging.Formatter):
    """Words an entry, traceback included, and takes personal data and secrets out of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Never raises: what can't be checked isn't said."""
        try:
            from bedrock_support.routing.redaction import blanked  # with the first entry: most processes have none

            text = super().format(record)
            if len(text) > LONGEST:
                text = f"{text[: LONGEST // 2]}\n[...]\n{text[-LONGEST // 2 :]}"
            return blanked(text)
        except Exception as fault:  # noqa: BLE001 - fail closed
            return f"{record.levelname} {record.name}: an entry that could not be checked ({type(fault).__name__})"


def to_stderr() -> None:
    """Send log entries, warnings and what nobody caught to stderr, redacted."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.critical("ended by an error", exc_info=(kind, error, trace))


def _uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None and given.exc_type is not SystemExit:
        log.error("a thread ended by an error", exc_info=(given.exc_type, given.exc_value, given.exc_traceback))


def _unraisable(given: sys.UnraisableHookArgs) -> None:
    if given.exc_value is not None:
        log.error("an error nobody could be told of", exc_info=(given.exc_type, given.exc_value, given.exc_traceback))
