"""An SNS topic. Every method blocks; boto3 is imported with the first message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bedrock_support.routing.model import Residency
from bedrock_support.routing.residency import abroad

REGION_OF = r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}"
"""An ARN of a standard topic; its Region is the first group."""
LONGEST_SUBJECT = 100
"""Characters, by SNS's own limit."""
_LASTING = frozenset(
    {"NotFound", "NotFoundException", "AuthorizationError", "InvalidParameter", "InvalidClientTokenId"}
)


class TopicUnavailable(Exception):
    """It took no message. `lasting`: trying again won't help."""

    def __init__(self, why: str, *, lasting: bool) -> None:
        super().__init__(why)
        self.lasting = lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Where to publish."""

    arn: str
    region: str
    profile: str | None = None
    residency: Residency = Residency.EU

    def publish(self, subject: str, message: str) -> None:
        """Raises TopicUnavailable."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            config = Config(connect_timeout=3, read_timeout=8, retries={"total_max_attempts": 1})
            session: Any = boto3.Session(region_name=self.region, profile_name=self.profile)
            sns = session.client("sns", config=config)
            if (problem := abroad(self.residency, sns)) is not None:
                raise TopicUnavailable(problem, lasting=True)
            sns.publish(TopicArn=self.arn, Subject=subject[:LONGEST_SUBJECT], Message=message)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            raise TopicUnavailable(code, lasting=code in _LASTING) from None
        except BotoCoreError as error:
            raise TopicUnavailable(type(error).__name__, lasting=False) from None
