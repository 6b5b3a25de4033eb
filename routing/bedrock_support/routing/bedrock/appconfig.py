"""The newest deployed configuration of AWS AppConfig. Every method blocks; boto3 is imported when asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bedrock_support.routing.clock import Clock

LEAST_POLL = 15
"""Seconds between two questions: AppConfig refuses a shorter interval."""


class AppConfigError(Exception):
    """AppConfig said no, or what it gave can't be used. Safe to show."""


@dataclass(slots=True, kw_only=True)
class AppConfigFeed:
    """One configuration profile in one environment of one application, by names or ids. For one thread at a time."""

    application: str
    environment: str
    profile: str
    clock: Clock
    region: str | None = None
    """None: as the AWS configuration says."""
    _client: Any = field(default=None, repr=False)
    _token: str = field(default="", repr=False)
    _next: float = 0.0
    _data: bytes = field(default=b"", repr=False)

    def latest(self) -> bytes:
        """What is deployed, as AppConfig last gave it; asked anew when it may be. Raises AppConfigError."""
        if self._token and self.clock.now() < self._next:
            return self._data
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if not self._token:
                self._token = self._asked().start_configuration_session(
                    ApplicationIdentifier=self.application,
                    EnvironmentIdentifier=self.environment,
                    ConfigurationProfileIdentifier=self.profile,
                    RequiredMinimumPollIntervalInSeconds=LEAST_POLL,
                )["InitialConfigurationToken"]
            told = self._asked().get_latest_configuration(ConfigurationToken=self._token)
        except (BotoCoreError, ClientError) as error:
            self._token = ""  # each serves once, and lasts a day: begin anew
            raise AppConfigError(f"AppConfig {self.application}/{self.environment}/{self.profile}: {error}") from error
        self._token = told["NextPollConfigurationToken"]
        self._next = self.clock.now() + float(told.get("NextPollIntervalInSeconds") or LEAST_POLL)
        # Nothing means: as before.
        self._data = told["Configuration"].read() or self._data
        return self._data

    def _asked(self) -> Any:
        if self._client is None:
            import boto3
            from botocore.config import Config

            config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
            session: Any = boto3.Session(region_name=self.region)
            self._client = session.client("appconfigdata", config=config)
        return self._client
