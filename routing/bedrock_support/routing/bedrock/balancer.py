"""Weights of target groups behind an Application Load Balancer. Every method blocks; boto3 is imported when asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WHOLE = 100
_ARN = re.compile(r"arn:aws[a-z-]*:elasticloadbalancing:([a-z0-9-]+):\d{12}:[A-Za-z0-9/_-]{1,400}")
"""Of a listener, a listener's rule or a target group; its Region is the first group."""


class BalancerError(Exception):
    """The load balancer said no, or has not what was set. Safe to show."""


@dataclass(slots=True, kw_only=True)
class Balancer:
    """The forward action of one rule, or of a listener's default. Other settings of it stay as they are."""

    arn: str
    is_rule: bool
    targets: Mapping[str, str]
    """ARN of a target group, by the name that weights are given under."""
    region: str
    profile: str | None = None
    _made: Any = field(default=None, repr=False)

    @staticmethod
    def of(table: Mapping[str, Any]) -> Balancer:
        """From `rule` or `listener`, `targets`, and, if wanted, `region` and `profile`. Raises BalancerError."""
        targets = {str(name): str(arn) for name, arn in table["targets"].items()}
        arn = str(table.get("rule") or table.get("listener") or "")
        found = _ARN.fullmatch(arn)
        bad = [each for each in (arn, *targets.values()) if not _ARN.fullmatch(each)]
        if found is None or bad:
            raise BalancerError(f"{bad[0] if bad else arn!r} is no ARN of a load balancer's part")
        if len(set(targets.values())) != len(targets):
            raise BalancerError("two names have one target group")
        region, profile = str(table.get("region") or found[1]), table.get("profile")
        return Balancer(
            arn=arn, is_rule="rule" in table, targets=targets, region=region, profile=str(profile) if profile else None
        )

    @property
    def short(self) -> str:
        """The rule or listener without its account."""
        return self.arn.rpartition(":")[2]

    def read(self) -> Mapping[str, int]:
        """Weights by name, in percent of their sum. Raises BalancerError."""
        groups = self._forward(self._actions())["ForwardConfig"]["TargetGroups"]
        weights = {each["TargetGroupArn"]: int(each.get("Weight", 0)) for each in groups}
        foreign = weights.keys() - set(self.targets.values())
        if any(weights[each] for each in foreign):
            raise BalancerError(f"{self.short} sends traffic to {min(foreign)}, which no name stands for")
        whole = sum(weights.values())
        if not whole:
            raise BalancerError(f"{self.short} gives no target group any weight")
        return {name: round(WHOLE * weights.get(arn, 0) / whole) for name, arn in self.targets.items()}

    def shift(self, shares: Mapping[str, int]) -> Mapping[str, int]:
        """Put weights in force and read them back. Names left out get none. Raises BalancerError."""
        if unknown := shares.keys() - self.targets.keys():
            raise BalancerError(f"no target group is named {min(unknown)!r}")
        actions = self._actions()
        forward = self._forward(actions)
        config = forward["ForwardConfig"]
        config["TargetGroups"] = [
            {"TargetGroupArn": arn, "Weight": int(shares.get(name, 0))} for name, arn in self.targets.items()
        ]
        forward.pop("TargetGroupArn", None)  # of a single group: AWS refuses it beside several
        if self.is_rule:
            self._asked("modify_rule", RuleArn=self.arn, Actions=actions)
        else:
            self._asked("modify_listener", ListenerArn=self.arn, DefaultActions=actions)
        return self.read()

    def _actions(self) -> list[dict[str, Any]]:
        if self.is_rule:
            found = self._asked("describe_rules", RuleArns=[self.arn])["Rules"]
            key = "Actions"
        else:
            found = self._asked("describe_listeners", ListenerArns=[self.arn])["Listeners"]
            key = "DefaultActions"
        if not found:
            raise BalancerError(f"{self.short} isn't there")
        actions: list[dict[str, Any]] = found[0][key]
        return actions

    def _forward(self, actions: list[dict[str, Any]]) -> dict[str, Any]:
        """The action that forwards, with its list of groups whole."""
        forward = next((each for each in actions if each.get("Type") == "forward"), None)
        if forward is None:
            raise BalancerError(f"{self.short} doesn't forward to target groups")
        config = forward.setdefault("ForwardConfig", {})
        if not config.get("TargetGroups") and forward.get("TargetGroupArn"):
            config["TargetGroups"] = [{"TargetGroupArn": forward["TargetGroupArn"], "Weight": 1}]
        config.setdefault("TargetGroups", [])
        return forward

    def _asked(self, what: str, **given: Any) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if self._made is None:
                config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard"})
                session: Any = boto3.Session(region_name=self.region, profile_name=self.profile)
                self._made = session.client("elbv2", config=config)
            return getattr(self._made, what)(**given)
        except (BotoCoreError, ClientError) as error:
            raise BalancerError(f"{self.short} in {self.region}: {error}") from error
