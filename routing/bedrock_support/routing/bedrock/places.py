"""Where a guardrail works, as its account says. Blocks; imported with boto3, in a thread."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bedrock_support.routing.bedrock.guardrail import NO_PROFILE, GuardrailSettings
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind, Residency
from bedrock_support.routing.residency import foreign_endpoint, foreign_guardrail

_SECONDS = 3
MEND = "allow bedrock:GetGuardrail, or set BEDROCK_SUPPORT_GUARDRAIL_PROFILE to its cross-Region profile or to none"


def check_place(core: Any, guardrail: GuardrailSettings, region: str) -> None:
    """Refuse a guardrail that may take what it is shown out of the EU, or of which that isn't known.

    A guardrail of the Standard tier works wherever its cross-Region profile leads, which the calls themselves don't
    tell (AWS documentation of Bedrock Guardrails, cross-Region inference).

    Raises:
        RouteError: UNCONFIGURED.
    """
    if not guardrail.stay:
        return
    profile = guardrail.profile if guardrail.profile is not None else _asked(core, guardrail, region)
    problem = None if profile in ("", NO_PROFILE) else foreign_guardrail(Residency.EU, guardrail.identifier, profile)
    if problem is not None:
        raise RouteError(FailureKind.UNCONFIGURED, f"residency eu: {problem}", mend="use an eu. guardrail profile")


def _asked(core: Any, guardrail: GuardrailSettings, region: str) -> str:
    """Id or ARN of the guardrail's cross-Region profile; empty when it has none."""
    config = Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 1})
    session: Any = boto3.Session(botocore_session=core)
    try:
        client = session.client("bedrock", region_name=region, config=config)
        if (problem := foreign_endpoint(str(client.meta.endpoint_url))) is not None:
            mend = "take AWS_ENDPOINT_URL_BEDROCK out"
            raise RouteError(FailureKind.UNCONFIGURED, f"residency eu: {problem}", mend=mend)
        told: dict[str, Any] = client.get_guardrail(
            guardrailIdentifier=guardrail.identifier, guardrailVersion=guardrail.version
        )
    except (BotoCoreError, ClientError) as error:
        code = type(error).__name__
        if isinstance(error, ClientError):
            code = str(error.response.get("Error", {}).get("Code", "error"))
        why = f"residency eu: where guardrail {guardrail.name} works can't be asked ({code})"
        raise RouteError(FailureKind.UNCONFIGURED, why, mend=MEND) from error
    details: dict[str, Any] = told.get("crossRegionDetails") or {}
    return str(details.get("guardrailProfileArn") or details.get("guardrailProfileId") or "")
