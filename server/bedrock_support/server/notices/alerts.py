"""Tells when the error budget of an objective burns too fast, and when it no longer does."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from bedrock_support.server.notices.desk import NoticeDesk
from bedrock_support.server.notices.notice import Kind
from bedrock_support.telemetry.slo.board import Board

LOOK = 10.0
"""Seconds between two looks."""


@dataclass(slots=True, kw_only=True)
class AlertWatch:
    """Follows the board. An alert that becomes unknown is neither told as over nor forgotten."""

    board: Board
    desk: NoticeDesk
    _firing: set[tuple[str, float]] = field(default_factory=set[tuple[str, float]])

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            await anyio.sleep(LOOK)
            self.look()

    def look(self) -> None:
        """Tell what changed since the last look."""
        for standing in self.board.standing():
            name = standing.objective.name
            for alert in standing.alerts:
                key = name, alert.rule.long
                about = f"{name} ({alert.rule.severity.value}, {alert.rule.long / 3600:g} h)"
                if alert.fires and key not in self._firing:
                    self._firing.add(key)
                    burn = f"burns its budget {alert.long_burn or 0:.1f} times too fast, limit {alert.rule.factor:g}"
                    self.desk.tell(Kind.ALERT, about, f"{standing.objective.title}: {burn}")
                elif alert.fires is False and key in self._firing:
                    self._firing.discard(key)
                    self.desk.tell(Kind.ALERT_OVER, about, f"{standing.objective.title}: no longer")
