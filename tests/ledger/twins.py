"""What the commands that are tools' twins promise."""

from tests.promises import Promise

PROMISES: dict[str, Promise] = {
    "cli:twins": Promise(
        "issue 6", "Every twin ends with 0 when clean, 1 with findings, 2 when asked wrongly, and says all as JSON."
    ),
}
