"""Notices on an SNS topic."""

from __future__ import annotations

import json
from dataclasses import dataclass

import anyio
from anyio import to_thread

from bedrock_support.routing.bedrock.topic import Topic, TopicUnavailable
from bedrock_support.server.notices.notice import Notice, Undelivered


@dataclass(frozen=True, slots=True)
class Published:
    """Implements Target."""

    topic: Topic

    @property
    def name(self) -> str:
        return f"SNS {self.topic.arn.rpartition(':')[2]}"

    async def send(self, notice: Notice) -> None:
        message = json.dumps(notice.as_table(), sort_keys=True)
        limiter = anyio.CapacityLimiter(1)
        try:
            await to_thread.run_sync(
                self.topic.publish, notice.subject, message, abandon_on_cancel=True, limiter=limiter
            )
        except TopicUnavailable as error:
            raise Undelivered(str(error), lasting=error.lasting) from None
