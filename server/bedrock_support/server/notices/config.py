"""The file of targets that BEDROCK_SUPPORT_NOTIFY names. Secrets stand in the environment, never in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bedrock_support.routing.bedrock.topic import REGION_OF, Topic
from bedrock_support.routing.clock import Clock
from bedrock_support.routing.model import Residency
from bedrock_support.routing.residency import EU_REGIONS, foreign_target
from bedrock_support.server.environment import PREFIX, SettingsError
from bedrock_support.server.notices.mail import Mail
from bedrock_support.server.notices.notice import Target
from bedrock_support.server.notices.sns import Published
from bedrock_support.server.notices.webhook import Webhook

VARIABLE = f"{PREFIX}NOTIFY"
LEAST_SECRET = 32
HERE = frozenset({"localhost", "127.0.0.1", "::1"})
ADDRESS = r"[^@\s<>,;]{1,100}@[^@\s<>,;]{1,200}"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Webhook(_Part):
    url: str
    secret_env: str
    """Variable that holds the secret which signs, of 32 characters or more."""
    private: bool = False
    """Whether its host may have an address that isn't public."""


class _Mail(_Part):
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    sender: Annotated[str, Field(pattern=f"^{ADDRESS}$")]
    to: Annotated[tuple[Annotated[str, Field(pattern=f"^{ADDRESS}$")], ...], Field(min_length=1, max_length=20)]
    user: str = ""
    password_env: str = ""
    plain: bool = False


class _Topic(_Part):
    arn: str


class _File(_Part):
    webhook: tuple[_Webhook, ...] = ()
    mail: tuple[_Mail, ...] = ()
    sns: tuple[_Topic, ...] = ()


def load_targets(
    path: Path, environ: Mapping[str, str], clock: Clock, residency: Residency, profile: str | None = None
) -> list[Target]:
    """Read the file. Raises SettingsError, which names the entry and the mend and shows no secret."""
    try:
        told = _File.model_validate(tomllib.loads(path.expanduser().read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"{VARIABLE} = {str(path)!r}: {error.strerror}. Name a TOML file") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{VARIABLE}: {where}: {first['msg']}") from None
    except ValueError as error:
        raise SettingsError(f"{VARIABLE} = {str(path)!r}: not TOML: {error}") from None
    return [
        *(_webhook(each, environ, clock, residency) for each in told.webhook),
        *(_mail(each, environ, residency) for each in told.mail),
        *(_topic(each, residency, profile) for each in told.sns),
    ]


def _webhook(entry: _Webhook, environ: Mapping[str, str], clock: Clock, residency: Residency) -> Target:
    parts = urlsplit(entry.url)
    allowed = {"https", "http"} if entry.private else {"https"}
    if parts.scheme not in allowed or not parts.hostname or "@" in parts.netloc:
        raise SettingsError(
            f"{VARIABLE}: webhook {parts.hostname!r}: give an https URL without a user (or private = true)"
        )
    if problem := foreign_target(residency, entry.url):
        raise SettingsError(f"{VARIABLE}: webhook {parts.hostname!r}: {problem}")
    secret = environ.get(entry.secret_env, "")
    if len(secret) < LEAST_SECRET:
        raise SettingsError(f"{VARIABLE}: {entry.secret_env} must hold {LEAST_SECRET} characters or more to sign with")
    return Webhook(entry.url, secret, clock, private=entry.private)


def _mail(entry: _Mail, environ: Mapping[str, str], residency: Residency) -> Target:
    if problem := foreign_target(residency, f"smtp://{entry.host}"):
        raise SettingsError(f"{VARIABLE}: mail {entry.host!r}: {problem}")
    if entry.plain and entry.host not in HERE:
        raise SettingsError(f"{VARIABLE}: mail {entry.host!r}: plain = true is for this machine alone. Leave it out")
    password = environ.get(entry.password_env, "") if entry.password_env else ""
    if entry.user and not password:
        raise SettingsError(f"{VARIABLE}: mail {entry.host!r}: name the variable of its password as password_env")
    return Mail(
        host=entry.host,
        port=entry.port,
        sender=entry.sender,
        to=entry.to,
        user=entry.user,
        password=password,
        plain=entry.plain,
    )


def _topic(entry: _Topic, residency: Residency, profile: str | None) -> Target:
    found = re.fullmatch(REGION_OF, entry.arn)
    if found is None:
        raise SettingsError(
            f"{VARIABLE}: sns {entry.arn!r}: give an ARN such as arn:aws:sns:eu-central-1:123456789012:NAME"
        )
    if residency is Residency.EU and found[1] not in EU_REGIONS:
        raise SettingsError(
            f"{VARIABLE}: sns {entry.arn!r}: residency eu, but the topic is in {found[1]}. Use one in the EU"
        )
    return Published(Topic(arn=entry.arn, region=found[1], profile=profile, residency=residency))
