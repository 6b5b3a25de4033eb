"""Where guardrails and application inference profiles lead, as their account says. Blocks; imported with boto3."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bedrock_support.routing.bedrock.guardrail import NO_PROFILE, GuardrailSettings
from bedrock_support.routing.errors import RouteError
from bedrock_support.routing.model import FailureKind, Residency
from bedrock_support.routing.residency import abroad, forbids, foreign_guardrail

_SECONDS = 3
APPLICATION = ":application-inference-profile/"
MEND = (
    "allow bedrock:GetGuardrail and bedrock:GetInferenceProfile, or set BEDROCK_SUPPORT_GUARDRAIL_PROFILE to the "
    "guardrail's cross-Region profile or to none"
)


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


def check_profiles(core: Any, models: Collection[str], region: str) -> None:
    """Refuse an application inference profile that leads out of the EU, or of which that can't be asked.

    Its name tells nothing: it may be a copy of any geography's profile.

    Raises:
        RouteError: UNCONFIGURED.
    """
    for model in sorted(each for each in models if APPLICATION in each):
        told: dict[str, Any] = _told(
            core,
            region,
            model,
            lambda client, model=model: client.get_inference_profile(inferenceProfileIdentifier=model),
        )
        sources: list[dict[str, Any]] = told.get("models") or []
        problem = None if sources else "it names no model"
        for source in sources:
            problem = problem or forbids(
                Residency.EU, region=region, endpoint_url=None, models=frozenset({str(source.get("modelArn"))})
            )
        if problem is not None:
            why = f"residency eu: {model} leads out of the EU: {problem}"
            raise RouteError(FailureKind.UNCONFIGURED, why, mend="use a profile made from an eu. one")


def _asked(core: Any, guardrail: GuardrailSettings, region: str) -> str:
    """Id or ARN of the guardrail's cross-Region profile; empty when it has none."""
    told: dict[str, Any] = _told(
        core,
        region,
        f"guardrail {guardrail.name}",
        lambda client: client.get_guardrail(
            guardrailIdentifier=guardrail.identifier, guardrailVersion=guardrail.version
        ),
    )
    details: dict[str, Any] = told.get("crossRegionDetails") or {}
    return str(details.get("guardrailProfileArn") or details.get("guardrailProfileId") or "")


def _told(core: Any, region: str, name: str, ask: Callable[[Any], Any]) -> Any:
    """What Bedrock's control plane in the EU says. Raises RouteError when it can't be asked."""
    config = Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 1})
    session: Any = boto3.Session(botocore_session=core)
    try:
        client = session.client("bedrock", region_name=region, config=config)
        if (problem := abroad(Residency.EU, client)) is not None:
            raise RouteError(FailureKind.UNCONFIGURED, problem, mend="take AWS_ENDPOINT_URL_BEDROCK out")
        return ask(client)
    except (BotoCoreError, ClientError) as error:
        code = type(error).__name__
        if isinstance(error, ClientError):
            code = str(error.response.get("Error", {}).get("Code", "error"))
        why = f"residency eu: where {name} works can't be asked ({code})"
        raise RouteError(FailureKind.UNCONFIGURED, why, mend=MEND) from error
