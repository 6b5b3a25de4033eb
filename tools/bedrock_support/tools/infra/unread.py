"""What is declared and has no effect: variables that nobody reads, parameters unused, alarms on metrics of nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedrock_support.tools.infra.estate import Estate, line_of, problem
from bedrock_support.tools.infra.kinds import KINDS
from bedrock_support.tools.infra.model import Problem, blocks, get, listed, walk
from bedrock_support.tools.infra.sources import Sources
from bedrock_support.tools.infra.variables import Variable, variables

_OTHERS = re.compile(
    r"^(AWS_|OTEL_|PYTHON|NODE_|JAVA_|JVM_|JDK_|POWERTOOLS_|LAMBDA_|DD_|NEW_RELIC_|GIT_|NPM_|PIP_|GO(MAXPROCS|GC|MEMLIMIT|"
    r"DEBUG)|TZ$|PATH$|HOME$|USER$|LANG$|LC_|HTTPS?_PROXY|NO_PROXY|SPRING_|ASPNETCORE_|DOTNET_|MALLOC_|LD_|RUST_|SENTRY_|"
    r"UVICORN_|GUNICORN_|WEB_CONCURRENCY|DJANGO_SETTINGS_MODULE|FLASK_|SSL_CERT_|REQUESTS_CA_|TMPDIR$|TERM$|DEBIAN_|CDK_|"
    r"POSTGRES_|MYSQL_|MARIADB_|REDIS_|KAFKA_|ZOOKEEPER_|RABBITMQ_|MINIO_|GF_|ES_JAVA|BUNDLE_|RAILS_|RACK_|VAULT_|CONSUL_)"
)
"""Read by runtimes, images and libraries rather than by programs."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split(" "))


METRICS: dict[str, frozenset[str]] = {
    "AWS/Lambda": _words(
        "Invocations Errors Throttles Duration ConcurrentExecutions UnreservedConcurrentExecutions IteratorAge "
        "DeadLetterErrors DestinationDeliveryFailures ProvisionedConcurrencyInvocations "
        "ProvisionedConcurrencySpilloverInvocations ProvisionedConcurrencyUtilization ProvisionedConcurrentExecutions "
        "AsyncEventsReceived AsyncEventAge AsyncEventsDropped PostRuntimeExtensionsDuration OffsetLag "
        "RecursiveInvocationsDropped ClaimedAccountConcurrency OversizedRecordCount"
    ),
    "AWS/SQS": _words(
        "ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesDelayed ApproximateNumberOfMessagesNotVisible "
        "ApproximateNumberOfMessagesVisible NumberOfEmptyReceives NumberOfMessagesDeleted NumberOfMessagesReceived "
        "NumberOfMessagesSent SentMessageSize ApproximateNumberOfGroupsWithInflightMessages "
        "NumberOfDeduplicatedSentMessages"
    ),
    "AWS/ApiGateway": _words(
        "4XXError 5XXError 4xx 5xx CacheHitCount CacheMissCount Count IntegrationLatency Latency DataProcessed "
        "ConnectCount MessageCount IntegrationError ClientError ExecutionError"
    ),
}
"""Metrics of services, from AWS's documentation of each."""


def check_variables(estate: Estate, sources: Sources) -> Iterator[Problem]:
    """Variables that no program of the tree mentions."""
    if not sources.known:
        return
    for each in variables(estate):
        if not each.own or _OTHERS.match(each.name) or sources.reads(each.name) or _mentioned(each):
            continue
        flag = re.search(r"(^|_)(FEATURE|FLAG|ENABLE|ENABLED|DISABLE|DISABLED|USE|TOGGLE)(_|$)", each.name)
        detail = (
            "It looks like a switch: who turns it believes that something changes."
            if flag
            else "Setting it changes nothing."
        )
        title = f"is given {each.name[:80]}, which no program of the tree reads"
        confidence = 0.85 if each.holder.role in ("function", "container") else 0.7
        severity = "medium" if flag else "low"
        yield problem(each.holder, "unread_variable", severity, confidence, title, detail, line=each.line)


def _mentioned(variable: Variable) -> bool:
    """Whether the resource's own commands use it."""
    words = (f"$({variable.name})", f"${{{variable.name}}}", f"${variable.name}")
    texts = (leaf for _, leaf, _ in walk(variable.holder.properties) if isinstance(leaf, str))
    return any(word in text for text in texts for word in words)


def check_parameters(estate: Estate) -> Iterator[Problem]:
    """Parameters and variables of templates that nothing in the template uses."""
    disproof, remedy = KINDS["unused_parameter"]
    for file, line, name, used in estate.declared.parameters:
        if not used:
            yield Problem(
                file=file,
                line=line,
                resource=name,
                kind="unused_parameter",
                severity="low",
                confidence=0.9,
                title=f"{name} is declared and used by nothing",
                detail="Whoever sets it believes that something changes.",
                disproof=disproof,
                remedy=remedy,
            )


def check_alarms(estate: Estate, sources: Sources) -> Iterator[Problem]:
    """Alarms on metrics that nobody emits, and alarms that tell nobody."""
    filtered = {
        str(get(one, "MetricName", "name"))
        for each in estate.of("metric_filter")
        for one in blocks(get(each.properties, "MetricTransformations", "metric_transformation"))
    }
    for each in estate.of("alarm"):
        name, space = get(each.properties, "MetricName"), get(each.properties, "Namespace")
        line = line_of(each, "MetricName")
        if isinstance(name, str) and isinstance(space, str):
            if space in METRICS and name not in METRICS[space]:
                detail = f"{space} has no metric of that name: the alarm never leaves INSUFFICIENT_DATA."
                yield problem(
                    each, "dead_alarm", "high", 0.9, f"watches {name}, which doesn't exist", detail, line=line
                )
            elif not space.startswith("AWS/") and sources.known and name not in filtered and not sources.says(name):
                detail = f"No program and no metric filter of the tree speaks of {name} ({space}): it can't ring."
                title = f"watches {name}, which nobody emits"
                confidence = 0.6 if space in ("CWAgent", "ContainerInsights", "ECS/ContainerInsights") else 0.85
                yield problem(each, "dead_alarm", "high", confidence, title, detail, line=line)
        if not listed(get(each.properties, "AlarmActions")):
            yield problem(each, "dead_alarm", "low", 0.75, "tells nobody", "It has no alarm action.", line=each.line)
