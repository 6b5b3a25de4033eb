"""ComplianceEvidence: looks at settings, gate and audit trail, and says what each shows. No evidence is *unknown*."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bedrock_support.routing.clock import Clock
from bedrock_support.routing.compliance import ComplianceValidator
from bedrock_support.routing.model import Clearance, Operation, OperationClass, Residency, RouteName
from bedrock_support.routing.residency import eu_target
from bedrock_support.server.environment import PREFIX
from bedrock_support.server.settings import Settings
from bedrock_support.server.trail_facts import TrailFacts, facts_of
from bedrock_support.tools.compliance import Processing, State, Statement

CANARIES = {
    "an e-mail address": "anna.canary@example.org",
    "an IBAN": "DE89370400440532013000",
    "a password": "kT9xQ2vL",
}
"""Made up; the IBAN is the one of the standard's examples."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Implements Gathered."""

    statements: Sequence[Statement]
    processing: Processing


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceEvidence:
    """Gathers when called. Blocks."""

    settings: Settings
    gate: ComplianceValidator
    clock: Clock
    models: Sequence[str]
    peers: Callable[[], Sequence[str]]
    purposes: Callable[[], Sequence[str]]
    """Names of the tools."""

    def __call__(self) -> Evidence:
        facts = facts_of(self.settings, self.clock)
        cleared = self.gate.clear(_probe())
        statements = [
            self._minimised(cleared),
            self._direct(cleared),
            self._caller(),
            self._exported(),
            *self._told(),
            *facts.statements(),
            *_beyond(),
        ]
        return Evidence(statements=statements, processing=self._processing(facts))

    def _minimised(self, cleared: object) -> Statement:
        state: State = "unknown"
        evidence = ["the gate refused a made-up brief, so nothing leaves"]
        if isinstance(cleared, Clearance):
            left = [name for name, value in CANARIES.items() if value in cleared.operation.brief]
            state = "not_met" if left else "met"
            evidence = [
                f"a made-up brief was passed through this gate just now: {', '.join(CANARIES)}; "
                + (f"left in it: {', '.join(left)}" if left else "none was left in it"),
                "how much the detector misses is a measured rate, not a certainty: see the benchmarks",
            ]
        return Statement(
            id="minimisation",
            article="Art. 5(1)(c), 25",
            statement="What leaves is redacted first",
            state=state,
            evidence=evidence,
        )

    def _direct(self, cleared: object) -> Statement:
        where = f"region {self.settings.region}, models {', '.join(self.models)}"
        statement, article = "AWS Bedrock is asked through EU Regions and EU inference profiles only", "Art. 44-49"
        mend = f"set {PREFIX}RESIDENCY=eu and an eu. inference profile"
        if self.settings.residency is not Residency.EU:
            state: State = "not_met"
            evidence = [f"residency is {self.settings.residency}: any place is allowed ({where})"]
        elif not isinstance(cleared, Clearance):
            state, evidence = "unknown", ["the gate could not run"]
        else:
            refused = cleared.forbidden.get(RouteName.DIRECT)
            state = "met"
            evidence = [f"the direct route is closed: {refused}" if refused else f"checked at each call: {where}"]
            evidence.append("which Regions an eu. profile reaches is AWS's doing and not asked here")
        return Statement(
            id="residency-direct", article=article, statement=statement, state=state, evidence=evidence, mend=mend
        )

    def _caller(self) -> Statement:
        allowed = self.settings.caller_model
        return Statement(
            id="residency-caller",
            article="Art. 44-49",
            statement="The calling agent's model and upstream servers process data in the EU only",
            state="unknown" if allowed or self.peers() else "met",
            evidence=[
                "the calling agent's model may see redacted briefs; where it runs can't be known here"
                if allowed
                else "settings do not allow the calling agent's model",
                f"upstream servers: {', '.join(self.peers()) or 'none'}",
            ],
            mend=f"set {PREFIX}CALLER_MODEL=false, or have the agent's operator say where its model runs",
        )

    def _exported(self) -> Statement:
        target = self.settings.otlp_endpoint
        host = (urlsplit(target).hostname or target) if target else ""
        near = not host or host in LOOPBACK or (target is not None and eu_target(target))
        return Statement(
            id="residency-telemetry",
            article="Art. 44-49",
            statement="Telemetry stays on this machine or in the EU",
            state="met" if near else "unknown",
            evidence=[f"traces go to {host}" if host else "no traces leave this process's machine"],
            mend="say where that collector is, or use one on this machine",
        )

    def _told(self) -> list[Statement]:
        """Where notices go, if anywhere: whoever set the targets knows where they are."""
        if self.settings.notify_file is None:
            return []
        return [
            Statement(
                id="residency-notices",
                article="Art. 44-49",
                statement="Notices stay in the EU",
                state="unknown",
                evidence=[
                    f"{self.settings.notify_file} names the targets; AWS hosts and topics outside the EU are refused"
                ],
                mend="say where the webhooks and mail servers stand",
            )
        ]

    def _processing(self, facts: TrailFacts) -> Processing:
        settings = self.settings
        recipients = [
            f"AWS Bedrock, {settings.endpoint_url or settings.region}: {', '.join(self.models)} (redacted text)"
        ]
        if settings.caller_model:
            recipients.append("the calling agent's own model (redacted text)")
        recipients += [f"upstream MCP server {name} (redacted text)" for name in self.peers()]
        if settings.otlp_endpoint:
            recipients.append(f"trace collector {urlsplit(settings.otlp_endpoint).hostname} (no content)")
        if settings.audit_anchor:
            recipients.append(f"anchor place {settings.audit_anchor} (hashes)")
        if settings.audit_key:
            recipients.append(f"key service {settings.audit_key} (roots of the trail's tree)")
        if settings.guardrail:
            also = ", also what takes the MCP route" if settings.guardrail_mcp else ""
            recipients.append(
                f"Bedrock guardrail {settings.guardrail}:{settings.guardrail_version} (redacted text{also})"
            )
        if settings.notify_file:
            recipients.append(f"targets of notices in {settings.notify_file} (redacted words)")
        if settings.emf:
            recipients.append(f"whoever reads {settings.emf} (figures)")
        return Processing(
            purposes=[f"support tool {name}" for name in self.purposes()],
            data_classes=[f"{name}: {count}" for name, count in sorted(facts.found.items())],
            operations=dict(sorted(facts.operations.items())),
            recipients=recipients,
            retention=facts.retention,
            measures=[
                *([f"Bedrock guardrail {settings.guardrail} as a second layer"] if settings.guardrail else []),
                "redaction before anything leaves; placeholders are restored for the caller alone",
                "residency checked at every call; the call is refused when the gate or the audit trail can't run",
                "audit trail without content: Merkle tree, signed checkpoints, anchors, digests under a subject's key",
                "erasure by destroying the subject's key",
            ],
            subjects=facts.subjects,
        )


def _beyond() -> list[Statement]:
    """What no software can see."""
    told = {
        "lawful-basis": ("Art. 6", "There is a lawful basis for the processing"),
        "processor": ("Art. 28", "Processors are bound by contract"),
        "dpia": ("Art. 35", "A data protection impact assessment was made where one is needed"),
    }
    evidence = ["nothing that this program can read shows it"]
    return [
        Statement(id=name, article=article, statement=statement, state="unknown", evidence=evidence)
        for name, (article, statement) in told.items()
    ]


def _probe() -> Operation:
    email, iban, password = CANARIES.values()
    return Operation(
        id="compliance-probe",
        op_class=OperationClass.STANDARD,
        tool="compliance_report",
        system="",
        brief=f"Login of {email} failed, IBAN {iban}, password={password}",
        evidence_digest="",
        deadline=0.0,
    )
