"""Assembly of what outlives a server: questions out with agents, experience of channels, decisions."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

from bedrock_support.routing.bedrock.settings import BedrockSettings
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.feed import AttemptFeed
from bedrock_support.routing.handoff import HandoffDesk
from bedrock_support.routing.lasting.decisions import PastDecisions
from bedrock_support.routing.lasting.experience import Learning
from bedrock_support.routing.lasting.file import LastingFile, LastingUnavailable
from bedrock_support.routing.lasting.journal import Journal
from bedrock_support.routing.lasting.past import PastClock
from bedrock_support.routing.lasting.questions import Questions
from bedrock_support.routing.lasting.recall import Recall, Sink
from bedrock_support.routing.probing import Prober
from bedrock_support.server.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """What is kept, and by whom. Implements the ledger's Memory and the feed's Keeping."""

    file: LastingFile
    journal: Journal
    questions: Questions
    past: PastDecisions
    setup: str

    def attempt_recall(
        self, clock: PastClock, learner: Learning, health: Sink, prober: Prober, feed: AttemptFeed
    ) -> Recall:
        """What tells learner and health of the attempts before the start; both must run on `clock`."""
        return Recall(
            file=self.file,
            setup=self.setup,
            clock=clock,
            learner=learner,
            health=health,
            doubt=prober.doubted.add,
            live=lambda: feed.live,
        )

    async def run(self, recall: Recall, desk: HandoffDesk) -> None:
        """Recall what was, then keep what is. Runs until cancelled."""
        await desk.recall()
        await recall.run()
        await self.journal.run()

    def decision(self, decision_id: str, at: float, entry: Mapping[str, object]) -> None:
        self.journal.decision(decision_id, at, entry)

    def note(self, decision_id: str, key: str, value: object) -> None:
        self.journal.note(decision_id, key, value)

    async def find(self, decision_id: str) -> dict[str, object] | None:
        return await _or_none(self.past.find(decision_id))

    async def newest(self) -> dict[str, object] | None:
        return await _or_none(self.past.newest())


async def _or_none(asked: Awaitable[dict[str, object] | None]) -> dict[str, object] | None:
    try:
        return await asked
    except LastingUnavailable as error:
        log.warning("past decisions can't be read just now: %s", error)
        return None


def lasting(settings: Settings, bedrock: BedrockSettings, clock: Clock) -> Lasting | None:
    """As set; opens nothing. None without a store."""
    if settings.lasting_file is None:
        return None
    file = LastingFile(settings.lasting_file)
    # Attempts on other models, another Region or endpoint say nothing of these channels.
    about = "|".join((bedrock.region, bedrock.endpoint_url or "", *sorted(bedrock.models.values())))
    setup = hashlib.sha256(about.encode()).hexdigest()[:16]
    return Lasting(
        file=file,
        journal=Journal(file, clock, tenant=settings.tenant, setup=setup),
        questions=Questions(file, clock, settings.tenant),
        past=PastDecisions(file, settings.tenant),
        setup=setup,
    )
