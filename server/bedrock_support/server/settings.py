"""One frozen tree of settings, read once from the environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bedrock_support.routing.model import LOCAL, ModelRole, Residency
from bedrock_support.server.environment import PREFIX, SettingsError, process_environment, state_folder
from bedrock_support.server.misspelt import misspelt

FLAG_NAMES = {
    "support_mode": "ENABLE_BEDROCK_SUPPORT_MODE",
    "intelligent_routing": "ENABLE_INTELLIGENT_ROUTING",
    "direct_fallback": "ENABLE_DIRECT_BEDROCK_FALLBACK",
    "health_monitoring": "ENABLE_HYBRID_HEALTH_MONITORING",
    "optimization": "ENABLE_PERFORMANCE_OPTIMIZATION",
}
log = logging.getLogger(__name__)
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_NEITHER = "neither on nor off. Use true or false"
_MENDS = {"bool_parsing": _NEITHER, "float_parsing": "not a number. Give one such as 30 or 0.5"}
"""Words for what pydantic says without a mend, by its type of error."""


class Settings(BaseModel):
    """Everything that can be set from outside. Each field's environment variable is in READS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    roots: tuple[Path, ...] = ()
    """Folders that tools may read. Empty: the client's roots (over stdio only), else the working directory."""
    region: str = "eu-central-1"
    endpoint_url: str | None = None
    """Bedrock runtime endpoint; None is AWS's own for the region."""
    profile: str | None = None
    """Name of a profile in the AWS configuration."""
    models: Mapping[ModelRole, str] = Field(default_factory=dict[ModelRole, str])
    """Model id or inference profile by role; roles left out keep their default."""
    residency: Residency = Residency.EU
    guardrail: str | None = None
    """Id or ARN of a Bedrock guardrail that every question passes; None for none."""
    guardrail_version: str = "DRAFT"
    guardrail_stream: Literal["sync", "async"] = "sync"
    guardrail_profile: str | None = None
    """Its cross-Region profile, or none; None: AWS is asked for it."""
    guardrail_mcp: bool = False
    """Whether questions and answers on the MCP route pass it too, by ApplyGuardrail."""
    caller_model: bool = True
    """Whether the calling agent's own model may see redacted briefs."""
    approve_direct: bool = False
    """Ask the client's user before a call goes to Bedrock; never for an emergency."""
    max_call_seconds: Annotated[float, Field(gt=0, le=600)] = 50.0
    """Cap on every call; Kiro gives up after 60 s."""
    state_keys: tuple[Annotated[str, Field(min_length=32)], ...] = Field(default=(), repr=False)
    """Secrets of 32 characters or more that seal multi-round state, newest first; share them between replicas."""
    flags: Mapping[str, bool] = Field(default_factory=dict[str, bool])
    flags_file: Path | None = None
    """JSON or TOML file with flags and emergency stops, looked at again and again while the server runs."""
    flag_provider: str | None = None
    """An OpenFeature provider: flagd, ofrep:URL, appconfig:APPLICATION/ENVIRONMENT/PROFILE or module:attribute.
    What it says comes before the file."""
    notify_file: Path | None = None
    """TOML file of webhooks, mail and SNS topics that are told of stops, alerts and rollouts."""
    rollout: Path | None = None
    """State folder of the front that this server is a worker of; the front sets it."""
    approvals: Path | None = None
    """Folder with signed approvals; needs approvers."""
    approvers: Path | None = None
    """TOML file with the public keys of those who may sign approvals; needs approvals."""
    auto_stop: str = ""
    """Limits at which scopes are stopped without anybody's hand, as NAME=NUMBER, separated by commas."""
    breakers: Literal["working", "shadow", "disabled"] = "working"
    """shadow: they only tell what they would do; disabled: they count nothing either. A stop forces a route open."""
    otlp_endpoint: str | None = None
    otlp_headers: str = Field(default="", repr=False)
    metrics_exporter: Literal["otlp", "none"] = "otlp"
    """none: the endpoint gets spans alone, as Jaeger wants it."""
    trace_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of ordinary traces that is exported; failed, slow and rare ones always are."""
    span_file: Path | None = None
    """Also append spans to this file, as OTLP JSON lines."""
    jaeger_url: str | None = None
    """Base URL of a Jaeger's query service, to read decisions from and to link traces to."""
    prometheus_url: str | None = None
    """Base URL of a Prometheus, to read metrics from."""
    cloudwatch: str = ""
    """Regions whose logs and metrics may be read, separated by commas."""
    account: str = ""
    """Regions in which audit_infrastructure may read what the account holds, separated by commas."""
    peers_file: Path | None = None
    """File that lists upstream MCP servers, in the usual mcpServers form."""
    queue_file: Path | None = None
    """File of the message queue; without one there is no queue."""
    store: Path | None = None
    """Folder that processes share: answers, what was spent, budgets, open questions, experience, decisions. Without
    one they last as long as the process."""
    tenant: Annotated[str, Field(min_length=1, max_length=128)] = LOCAL
    """Whose questions this server asks: part of every cache key, sum and budget."""
    budgets_file: Path | None = None
    """TOML file with budgets; needs a store."""
    audit: Path | None = None
    """Folder of the audit trail; None writes none. From the environment it is on, in the user's state folder."""
    audit_key: str | None = None
    """kms: and the id, alias or ARN of a KMS key that signs the trail; None for a key in a file beside it."""
    audit_anchor: str | None = None
    """Second place of its checkpoints: a folder, or s3://bucket/prefix with Object Lock. None: beside the log."""
    audit_keep: str | None = None
    """Days for which records are kept, as CLASS=DAYS, separated by commas; a server prunes daily then. None: 90 and 365
    days, when `audit prune` is run."""
    subject: str | None = None
    """Whom the calls of this server are made for, in the audit trail; None tells clients apart without naming them."""
    cache: Path | None = None
    """Folder in which what was read of source files is remembered; None: only as long as the process lives.
    By default bedrock-support in the user's cache folder; off, or any other no, switches it off."""
    names: bool = True
    """Whether names of people that stand in running text without a cue are looked for."""
    names_model: str | None = None
    """A model of spaCy that finds them instead of the shipped tagger; needs the extra ner."""
    page: bool = False
    """Whether the HTTP server has a page for people at /status."""
    tokens: str = Field(default="", repr=False)
    """Tokens that clients must show over HTTP, separated by commas, each with or without "name:" before it."""
    token_file: Path | None = None
    """The same from a file, one a line."""
    hosts: str = ""
    """Names under which clients may reach the HTTP server besides loopback ones, separated by commas."""
    emf: Path | None = None
    """File that gets the objectives' events as lines of CloudWatch's embedded metric format."""
    environment: str = "development"
    """OpenTelemetry's deployment.environment.name."""

    @property
    def facts_file(self) -> Path | None:
        """Where facts of source files are remembered."""
        return None if self.cache is None else self.cache / "facts.sqlite"

    @property
    def lasting_file(self) -> Path | None:
        """Where open questions, experience and decisions outlive the process: in the store, else beside the queue."""
        if self.store is not None:
            return self.store.expanduser() / "lasting.db"
        queue = self.queue_file.expanduser() if self.queue_file is not None else None
        return queue.with_name(f"{queue.stem}-lasting.db") if queue is not None else None


SECRET = frozenset({"state_keys", "otlp_headers", "tokens"})
"""Settings whose value no message may show."""
READS = {
    "region": f"{PREFIX}REGION",
    "endpoint_url": "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    "profile": "AWS_PROFILE",
    "residency": f"{PREFIX}RESIDENCY",
    "guardrail": f"{PREFIX}GUARDRAIL",
    "guardrail_version": f"{PREFIX}GUARDRAIL_VERSION",
    "guardrail_stream": f"{PREFIX}GUARDRAIL_STREAM",
    "guardrail_profile": f"{PREFIX}GUARDRAIL_PROFILE",
    "guardrail_mcp": f"{PREFIX}GUARDRAIL_MCP",
    "caller_model": f"{PREFIX}CALLER_MODEL",
    "approve_direct": f"{PREFIX}APPROVE_DIRECT",
    "max_call_seconds": f"{PREFIX}MAX_CALL_SECONDS",
    "flags_file": f"{PREFIX}FLAGS",
    "flag_provider": f"{PREFIX}FLAG_PROVIDER",
    "notify_file": f"{PREFIX}NOTIFY",
    "rollout": f"{PREFIX}ROLLOUT",
    "approvals": f"{PREFIX}APPROVALS",
    "approvers": f"{PREFIX}APPROVERS",
    "auto_stop": f"{PREFIX}AUTO_STOP",
    "breakers": f"{PREFIX}BREAKERS",
    "otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "otlp_headers": "OTEL_EXPORTER_OTLP_HEADERS",
    "metrics_exporter": "OTEL_METRICS_EXPORTER",
    "trace_share": f"{PREFIX}TRACE_SHARE",
    "span_file": f"{PREFIX}SPAN_FILE",
    "jaeger_url": f"{PREFIX}JAEGER",
    "prometheus_url": f"{PREFIX}PROMETHEUS",
    "cloudwatch": f"{PREFIX}CLOUDWATCH",
    "account": f"{PREFIX}ACCOUNT",
    "peers_file": f"{PREFIX}PEERS",
    "queue_file": f"{PREFIX}QUEUE",
    "store": f"{PREFIX}STORE",
    "tenant": f"{PREFIX}TENANT",
    "budgets_file": f"{PREFIX}BUDGETS",
    "audit": f"{PREFIX}AUDIT",
    "audit_key": f"{PREFIX}AUDIT_KEY",
    "audit_anchor": f"{PREFIX}AUDIT_ANCHOR",
    "audit_keep": f"{PREFIX}AUDIT_KEEP",
    "subject": f"{PREFIX}SUBJECT",
    "cache": f"{PREFIX}CACHE",
    "names": f"{PREFIX}NAMES",
    "names_model": f"{PREFIX}NAMES_MODEL",
    "page": f"{PREFIX}PAGE",
    "tokens": f"{PREFIX}TOKENS",
    "token_file": f"{PREFIX}TOKEN_FILE",
    "hosts": f"{PREFIX}HOSTS",
    "emf": f"{PREFIX}EMF",
    "environment": f"{PREFIX}ENVIRONMENT",
}


OTHERS = (f"{PREFIX}ROOTS", f"{PREFIX}STATE_KEYS", *(f"{PREFIX}MODEL_{role.upper()}" for role in ModelRole))
"""What is read beside READS and FLAG_NAMES."""


def without_effect(names: Iterable[str]) -> list[str]:
    """What to tell of each of these variables that is called as ours are, or nearly so, and sets nothing."""
    return misspelt(names, (*READS.values(), *OTHERS), tuple(FLAG_NAMES.values()))


def load(environ: Mapping[str, str] | None = None, *, roots: tuple[Path, ...] = ()) -> Settings:
    """Read the settings; roots given on the command line replace those of the environment.

    Raises:
        SettingsError: a value can't be used.
    """
    env = process_environment() if environ is None else environ
    if environ is None:
        # Told and not refused: an older version, rolled back to, must start all the same.
        for each in without_effect(env):
            log.warning(each)
    values: dict[str, object] = {field: env[name] for field, name in READS.items() if env.get(name)}
    if "endpoint_url" not in values and env.get("AWS_ENDPOINT_URL"):
        values["endpoint_url"] = env["AWS_ENDPOINT_URL"]
    values["audit"] = _audit_folder(env)
    listed = tuple(Path(each) for each in env.get(f"{PREFIX}ROOTS", "").split(os.pathsep) if each)
    values["roots"] = tuple(_root(each) for each in roots or listed)
    values["models"] = {role: env[name] for role in ModelRole if env.get(name := f"{PREFIX}MODEL_{role.upper()}")}
    values["state_keys"] = tuple(each for each in env.get(f"{PREFIX}STATE_KEYS", "").split(",") if each)
    values["cache"] = _cache(env)
    values["flags"] = {field: _switch(name, env[name]) for field, name in FLAG_NAMES.items() if env.get(name)}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        told = (_worded(each["loc"], _MENDS.get(each["type"], each["msg"]), values) for each in error.errors())
        raise SettingsError("; ".join(told)) from None


def _cache(env: Mapping[str, str]) -> Path | None:
    """The folder named, none when switched off, else the user's own cache."""
    named = env.get(READS["cache"], "")
    if named and named.lower() in _FALSE:
        return None
    if named:
        return Path(named).expanduser()
    base = env.get("XDG_CACHE_HOME") or ("~/.cache" if env.get("HOME") else "")
    return Path(base).expanduser() / "bedrock-support" if base else None


def _audit_folder(env: Mapping[str, str]) -> Path | None:
    """Where the trail is kept: as told, else where programs of this system keep what outlives them; None for off."""
    told = env.get(f"{PREFIX}AUDIT", "").strip()
    if told.lower() in _FALSE:
        return None
    if told and told.lower() not in _TRUE:
        return Path(told).expanduser().absolute()
    return state_folder(env) / "audit"


def _root(path: Path) -> Path:
    resolved = path.expanduser().resolve()
    if not resolved.is_dir():
        raise SettingsError(f"root = {str(path)!r}: not a folder. Give an existing folder to --root or {PREFIX}ROOTS")
    return resolved


def _switch(name: str, value: str) -> bool:
    lowered = value.strip().lower()
    if lowered not in _TRUE | _FALSE:
        raise SettingsError(f"{name} = {value!r}: {_NEITHER}")
    return lowered in _TRUE


def _worded(where: tuple[int | str, ...], problem: str, values: Mapping[str, object]) -> str:
    field = str(where[0])
    if field in SECRET:
        return f"{PREFIX}{field.upper()}: {problem}"
    return f"{READS.get(field, field)} = {values.get(field)!r}: {problem}"
