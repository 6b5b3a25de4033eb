"""The one door to OpenFeature: our own provider for the flags file, foreign ones, and evaluating the five flags."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, cast

from openfeature import api
from openfeature.evaluation_context import EvaluationContext  # pyright: ignore[reportMissingTypeStubs]
from openfeature.exception import ErrorCode, FlagNotFoundError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import (  # pyright: ignore[reportMissingTypeStubs]
    AbstractProvider,
    FeatureProvider,
    Metadata,
)

from bedrock_support.server.environment import PREFIX, SettingsError

# The SDK logs a stack for every evaluation that fails, four times a second; what failed is told in health.
logging.getLogger("openfeature").setLevel(logging.CRITICAL)

VARIABLE = f"{PREFIX}FLAG_PROVIDER"
FORMS = "flagd, ofrep:URL, appconfig:APPLICATION/ENVIRONMENT/PROFILE, or module:attribute such as my_flags:provider"
ASKED = 3
"""Rounds in which two of a provider's answers, one after the other, may come out equal."""


class ProviderTrouble(Exception):
    """The provider gave no usable answer. The message says which flag and why."""


class FileProvider(AbstractProvider):
    """Resolves flags from what the flags file said last; what it leaves out has its default."""

    def __init__(self) -> None:
        super().__init__()
        self._told: Mapping[str, bool] = {}

    def tell(self, flags: Mapping[str, bool]) -> None:
        """Answer from `flags`, a mapping that nobody changes, from now on."""
        self._told = flags

    def get_metadata(self) -> Metadata:
        return Metadata(name="bedrock-support-file")

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        if flag_key in self._told:
            return FlagResolutionDetails(value=self._told[flag_key], reason=Reason.STATIC)
        return FlagResolutionDetails(value=default_value, reason=Reason.DEFAULT)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        raise FlagNotFoundError(f"{flag_key}: every flag here is on or off")

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        raise FlagNotFoundError(f"{flag_key}: every flag here is on or off")

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        raise FlagNotFoundError(f"{flag_key}: every flag here is on or off")

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        raise FlagNotFoundError(f"{flag_key}: every flag here is on or off")


class FedProvider(FileProvider):
    """Resolves flags from what a feed said at the last look: all of them as of one moment, for one question."""

    def __init__(
        self, name: str, feed: Callable[[], Mapping[str, bool]], end: Callable[[], None] | None = None
    ) -> None:
        """`feed` may block, and raise whatever it likes: the flags then stay as they are. `end` lets go of it."""
        super().__init__()
        self._name = name
        self._feed = feed
        self._end = end

    def look(self) -> None:
        """Ask the feed. Raises whatever the feed raises."""
        self.tell(self._feed())

    def shutdown(self) -> None:
        if self._end is not None:
            self._end()

    def get_metadata(self) -> Metadata:
        return Metadata(name=self._name)


class Evaluator:
    """Asks one provider for all flags through an OpenFeature client of its own domain."""

    def __init__(self, provider: FeatureProvider, domain: str) -> None:
        self._provider = provider
        self._domain = f"bedrock-support-{domain}"
        if isinstance(provider, FileProvider) and not isinstance(provider, FedProvider):
            api.set_provider_and_wait(provider, domain=self._domain)
        else:
            # In a thread of the SDK's own: a provider that waits for its service must not hold the server up.
            api.set_provider(provider, domain=self._domain)
        self._client = api.get_client(domain=self._domain)

    def all(self, defaults: Mapping[str, bool]) -> dict[str, bool]:
        """Every flag of `defaults` as of one moment: a feed gives them so; else asked again until two rounds agree.
        May block.

        Raises:
            ProviderTrouble: it isn't ready, failed, or changed its answers in every round.
        """
        if isinstance(self._provider, FedProvider):
            try:
                self._provider.look()
            except Exception as error:
                raise ProviderTrouble(f"{type(error).__name__}: {error}"[:300]) from error
            return self._round(defaults)
        found = self._round(defaults)
        for _ in range(ASKED):
            again = self._round(defaults)
            if again == found:
                return found
            found = again
        raise ProviderTrouble("the flags changed while they were asked for")

    def _round(self, defaults: Mapping[str, bool]) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for name, default in defaults.items():
            details = self._client.get_boolean_details(name, default)
            if details.error_code not in (None, ErrorCode.FLAG_NOT_FOUND):
                raise ProviderTrouble(f"{name}: {details.error_code} {details.error_message or ''}".strip()[:300])
            found[name] = details.value
        return found

    def close(self) -> None:
        """Let go of the provider; the SDK shuts it down in a thread of its own."""
        api.set_provider(FileProvider(), domain=self._domain)


def foreign(named: str) -> FeatureProvider:
    """The OpenFeature provider of this name.

    `flagd` (set up by its variables FLAGD_...), `ofrep:URL`, `appconfig:APPLICATION/ENVIRONMENT/PROFILE`, or
    `module:attribute`: an instance, or what makes one without arguments.

    Raises:
        SettingsError: there is none.
    """
    kind, _, where = named.partition(":")
    if kind == "appconfig":
        from bedrock_support.server.flag_sources import appconfig_flags, read_flags

        feed = appconfig_flags(where)
        return FedProvider("aws-appconfig", lambda: read_flags(feed.latest()))
    if named == "flagd":
        return _flagd(named)
    if kind == "ofrep":
        return _ofrep(named, where)
    module, parted, attribute = named.partition(":")
    if not (module and parted and attribute):
        raise SettingsError(f"{VARIABLE} = {named!r}: write {FORMS}")
    try:
        found: Any = getattr(import_module(module), attribute)
        if isinstance(found, type) or not hasattr(found, "resolve_boolean_details"):
            found = cast("Callable[[], Any]", found)()
    except Exception as error:  # a stranger's code may raise anything
        raise SettingsError(f"{VARIABLE} = {named!r}: {type(error).__name__}: {error}") from error
    if not hasattr(found, "resolve_boolean_details"):
        raise SettingsError(f"{VARIABLE} = {named!r}: no OpenFeature provider, but {type(found).__name__}")
    return found


def _ofrep(named: str, url: str) -> FeatureProvider:
    """A service that speaks the OpenFeature Remote Evaluation Protocol, which flagd does too."""
    from bedrock_support.server.ofrep import OfrepFeed

    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"{VARIABLE} = {named!r}: write ofrep:http://HOST:PORT")
    feed = OfrepFeed(url)
    return FedProvider("ofrep", feed.latest, feed.close)


def _flagd(named: str) -> FeatureProvider:
    """flagd's own provider, as its variables FLAGD_... set it up, but without its cache.

    A change empties that one flag by one: two rounds of questions could both fall in between, and agree on a mixture.
    """
    try:
        module: Any = import_module("openfeature.contrib.provider.flagd")
        config: Any = import_module("openfeature.contrib.provider.flagd.config")
    except ImportError as error:
        raise SettingsError(f"{VARIABLE} = {named!r}: install bedrock-support[flagd]") from error
    made: FeatureProvider = module.FlagdProvider(cache=config.CacheType.DISABLED)
    return made
