"""Residency over everything that botocore knows of Bedrock: every Region, every geography of profiles."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from bedrock_support.routing.bedrock.cloudwatch import CloudWatchError, CloudWatchPlace
from bedrock_support.routing.bedrock.topic import Topic, TopicUnavailable
from bedrock_support.routing.model import Residency
from bedrock_support.routing.residency import EU_REGIONS, abroad, eu_target, forbids, foreign_target
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.from_settings import telemetry_settings
from bedrock_support.server.settings import Settings
from tests.promises import promise

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
GEOGRAPHIES = [
    "us",
    "us-gov",
    "global",
    "apac",
    "jp",
    "au",
    "ca",
    "uk",
    "ch",
    "sa",
    "in",
    "me",
    "af",
    "emea",
    "latam",
    "us-iso",
    "us-isob",
    "eu-isoe",
    "eusc",
    "mx",
    "il",
    "gb",
    "uk-gov",
    "cn",
    "amer",
]
EU_MEMBERS = {
    "eu-central-1": "Frankfurt",
    "eu-north-1": "Stockholm",
    "eu-south-1": "Milan",
    "eu-south-2": "Spain",
    "eu-west-1": "Ireland",
    "eu-west-3": "Paris",
}
"""Regions of AWS whose data centres stand in a member state."""


@cache
def known_regions() -> list[str]:
    import botocore.session

    session = botocore.session.Session()
    partitions = session.get_available_partitions()
    found = {
        region
        for partition in partitions
        for service in ("bedrock-runtime", "bedrock", "ec2")
        for region in session.get_available_regions(service, partition, allow_non_regional=True)
    }
    return sorted(found)


def allowed(region: str, model: str = MODEL, endpoint: str | None = None) -> bool:
    return forbids(Residency.EU, region=region, endpoint_url=endpoint, models=frozenset({model})) is None


@promise("residency:table")
def test_every_region_that_botocore_knows_is_in_or_out() -> None:
    regions = known_regions()
    assert len(regions) > 30
    inside = {region for region in regions if allowed(region)}
    assert inside == EU_REGIONS & set(regions)
    assert inside <= EU_MEMBERS.keys()
    for region in ("eu-west-2", "eu-central-2", "us-east-1"):
        assert region not in inside, region
    for region in regions:
        assert allowed("eu-central-1", endpoint=f"https://bedrock-runtime.{region}.amazonaws.com") is (region in inside)
        arn = f"arn:aws:bedrock:{region}:123456789012:inference-profile/eu.{MODEL}"
        assert allowed("eu-central-1", arn) is (region in inside)


@promise("residency:table")
@pytest.mark.parametrize("geography", GEOGRAPHIES)
def test_no_other_geography_of_profiles_is_let_through(geography: str) -> None:
    assert not allowed("eu-central-1", f"{geography}.{MODEL}")
    assert not allowed(
        "eu-central-1", f"arn:aws:bedrock:eu-central-1:123456789012:inference-profile/{geography}.{MODEL}"
    )


@promise("residency:table")
@pytest.mark.parametrize(
    "model",
    [
        MODEL,
        f"eu.{MODEL}",
        "amazon.nova-lite-v1:0",
        "meta.llama3-3-70b-instruct-v1:0",
        "ai21.jamba-1-5-large-v1:0",
        "zai.glm-4.7",
        "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123",
        f"arn:aws:bedrock:eu-west-3::foundation-model/{MODEL}",
    ],
)
def test_models_in_the_eu_are_let_through(model: str) -> None:
    assert allowed("eu-central-1", model)


@promise("residency:targets")
@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://logs.eu-central-1.amazonaws.com", True),
        ("https://eu-central-1.s3.us-east-1.amazonaws.com", False),
        ("https://eu-central-1.example-stage.execute-api.us-west-2.amazonaws.com", False),
        ("https://s3.amazonaws.com", False),
        ("https://monitoring.eu-west-2.amazonaws.com", False),
        ("https://monitoring.eu-central-2.api.aws", False),
        ("https://xray.us-gov-west-1.amazonaws.com", False),
        ("https://xray.cn-north-1.amazonaws.com.cn", False),
        ("https://xray.us-iso-east-1.c2s.ic.gov", False),
        ("https://xray.us-isob-east-1.sc2s.sgov.gov", False),
        ("https://xray.eu-isoe-west-1.cloud.adc-e.uk", False),
        ("https://xray.us-isof-south-1.csp.hci.ic.gov", False),
        ("https://abc.lambda-url.us-east-1.on.aws", False),
        ("https://abc.lambda-url.eu-north-1.on.aws", True),
    ],
)
def test_hosts_are_judged_by_their_region_and_not_by_a_name_in_them(url: str, fine: bool) -> None:
    assert (foreign_target(Residency.EU, url) is None) is fine
    assert eu_target(url) is fine


@promise("residency:targets")
@pytest.mark.parametrize("service", ["monitoring", "sns", "s3", "kms", "bedrock"])
def test_a_client_that_the_environment_points_abroad_is_refused(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    name = {"monitoring": "cloudwatch"}.get(service, service)
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "none")

    def problem(region: str) -> str | None:
        session: Any = boto3.Session(region_name=region)
        return abroad(Residency.EU, session.client(name))

    assert problem("eu-central-1") is None
    assert problem("us-east-1") is not None
    assert problem("eu-west-2") is not None
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://{service}.us-east-1.amazonaws.com")
    assert problem("eu-central-1") is not None
    assert abroad(Residency.ANY, None) is None


@promise("residency:targets")
def test_cloudwatch_and_topics_outside_the_eu_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "none")
    with pytest.raises(CloudWatchError, match="residency eu"):
        CloudWatchPlace("us-east-1").held("x")
    topic = Topic(arn="arn:aws:sns:us-east-1:123456789012:x", region="us-east-1")
    with pytest.raises(TopicUnavailable, match="residency eu"):
        topic.publish("subject", "message")


@promise("residency:targets")
def test_telemetry_to_an_aws_host_outside_the_eu_is_refused() -> None:
    for region in known_regions():
        url = f"https://xray.{region}.amazonaws.com/v1/traces"
        assert (foreign_target(Residency.EU, url) is None) is (region in EU_REGIONS)
        assert foreign_target(Residency.ANY, url) is None
    assert foreign_target(Residency.EU, "https://collector.example.org") is None
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        telemetry_settings(Settings(otlp_endpoint="https://xray.us-east-1.amazonaws.com"))
