"""What fails in chains: timeouts longer than the caller's, retries that multiply, work that is lost, money."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bedrock_support.tools.infra.estate import Estate, line_of, problem
from bedrock_support.tools.infra.manifests import containers_of, pod_of
from bedrock_support.tools.infra.model import Block, Problem, Resource, blocks, dig, get, listed, number, walk

LAMBDA_DEFAULT = 3.0
API_REST_MS = 29_000.0
"""Default and, without a raised quota, most of a REST API's integration timeout (API Gateway quotas)."""
API_HTTP_MS = 30_000.0
VISIBILITY_DEFAULT = 30.0
"""SQS, ReceiveMessage visibility timeout."""
CLOUDFRONT_DEFAULT = 30.0
ALB_IDLE_DEFAULT = 60.0
_RETRY_NAME = re.compile(r"(^|_)(MAX_)?(RETRIES|RETRY|ATTEMPTS|RETRY_COUNT|MAX_ATTEMPTS)$", re.IGNORECASE)
_MANY = 9.0
"""Tries of one piece of work from which on layers of retries are a storm rather than patience."""
_COSTLY = frozenset({"function", "instance", "database", "load_balancer", "task", "cache", "search", "stream", "emr"})


def timeout_of(function: Resource) -> float:
    """Seconds that a function may run."""
    return number(get(function.properties, "Timeout")) or LAMBDA_DEFAULT


def check_timeouts(estate: Estate) -> Iterator[Problem]:
    """Callers that give up before what they call."""
    yield from _queues(estate)
    yield from _apis(estate)
    yield from _fronts(estate)
    for each in estate.of("workload"):
        yield from _graces(each)


def _longer(
    callee: Resource, caller: Resource, line: int, patience: float, takes: float, confidence: float = 0.9
) -> Problem:
    detail = (
        f"{caller.name} waits {patience:g} s ({caller.file}:{caller.line}), {callee.name} may take {takes:g} s: "
        "the caller fails while the work goes on, and is paid for."
    )
    title = f"waits {patience:g} s for {callee.name}, which may take {takes:g} s"
    also = ((callee.file, line_of(callee, "Timeout")),)
    return problem(caller, "timeout_chain", "medium", confidence, title, detail, line=line, also=also)


def sources_of(function: Resource, estate: Estate) -> Iterator[tuple[Resource, Resource]]:
    """Queues that feed a function, with what ties them."""
    for source in estate.pointing_at(function, "event_source"):
        for queue in estate.targets(source.references, source, "queue"):
            yield queue, source
    for event in blocks(
        list(events.values()) if isinstance(events := get(function.properties, "Events"), Block) else None
    ):
        if event.get("Type") == "SQS":
            for queue in estate.targets(event, function, "queue"):
                yield queue, function


def _queues(estate: Estate) -> Iterator[Problem]:
    for function in estate.of("function"):
        takes = timeout_of(function)
        for queue, _ in sources_of(function, estate):
            given = number(get(queue.properties, "VisibilityTimeout", "visibility_timeout_seconds"))
            hidden = VISIBILITY_DEFAULT if given is None else given
            line = line_of(queue, "VisibilityTimeout", "visibility_timeout_seconds")
            also = ((function.file, line_of(function, "Timeout")),)
            if hidden < takes:
                detail = (
                    f"{function.name} may work on it for {takes:g} s: messages come again while they are worked on."
                )
                title = f"hides messages for {hidden:g} s, less than {function.name} takes"
                yield problem(queue, "timeout_chain", "high", 0.95, title, detail, line=line, also=also)
            elif hidden < 6 * takes:
                detail = (
                    f"AWS asks for six times the function's {takes:g} s, so that throttled batches can be tried again."
                )
                title = f"hides messages for {hidden:g} s, less than six times {function.name}'s"
                yield problem(queue, "timeout_chain", "low", 0.8, title, detail, line=line, also=also)


def _apis(estate: Estate) -> Iterator[Problem]:
    for each in estate.of("api_integration", "api_method"):
        body = get(each.properties, "Integration") if each.role == "api_method" else each.properties
        http = "V2" in each.kind or "v2" in each.kind
        given = number(get(body, "TimeoutInMillis", "timeout_milliseconds"))
        patience = (given or (API_HTTP_MS if http else API_REST_MS)) / 1000
        for function in estate.targets(body, each, "function"):
            if timeout_of(function) > patience:
                yield _longer(function, each, each.line, patience, timeout_of(function))
    for function in estate.of("function"):
        events = get(function.properties, "Events")
        for event in blocks(list(events.values()) if isinstance(events, Block) else None):
            patience = {"Api": API_REST_MS, "HttpApi": API_HTTP_MS}.get(str(event.get("Type")), 0) / 1000
            if patience and timeout_of(function) > patience:
                takes = timeout_of(function)
                title = f"may take {takes:g} s, its API waits {patience:g} s"
                detail = "The caller is answered 503 or 504 while the function goes on, and is paid for."
                line = line_of(function, "Timeout")
                yield problem(function, "timeout_chain", "medium", 0.9, title, detail, line=line)


def _fronts(estate: Estate) -> Iterator[Problem]:
    for front in estate.of("distribution"):
        config = get(front.properties, "DistributionConfig") or front.properties
        for origin in blocks(get(config, "Origins", "origin")):
            custom = get(origin, "CustomOriginConfig")
            read = number(dig(custom, "OriginReadTimeout")) or CLOUDFRONT_DEFAULT
            for balancer in estate.targets(origin, front, "load_balancer"):
                idle = _idle(balancer)
                if idle > read:
                    yield _longer(balancer, front, origin.line, read, idle, 0.7)
    for balancer in estate.of("load_balancer"):
        idle = _idle(balancer)
        for group in estate.of("target_group"):
            listeners = estate.pointing_at(group, "listener")
            if not any(balancer in estate.targets(each.references, each, "load_balancer") for each in listeners):
                continue
            for function in estate.targets(group.references, group, "function"):
                if timeout_of(function) > idle:
                    yield _longer(function, balancer, balancer.line, idle, timeout_of(function))


def _idle(balancer: Resource) -> float:
    for attribute in blocks(get(balancer.properties, "LoadBalancerAttributes")):
        if get(attribute, "Key") == "idle_timeout.timeout_seconds":
            return number(get(attribute, "Value")) or ALB_IDLE_DEFAULT
    return number(get(balancer.properties, "idle_timeout")) or ALB_IDLE_DEFAULT


def _graces(each: Resource) -> Iterator[Problem]:
    grace = number(dig(pod_of(each), "terminationGracePeriodSeconds"))
    grace = 30.0 if grace is None else grace  # Kubernetes API, PodSpec
    for container in containers_of(each, init=False):
        command = " ".join(str(w) for w in listed(dig(container, "lifecycle", "preStop", "exec", "command")))
        sleeps = re.search(r"\bsleep\s+(\d{1,6})\b", command)
        pause = number(sleeps[1]) if sleeps else number(dig(container, "lifecycle", "preStop", "sleep", "seconds"))
        if pause is not None and pause >= grace:
            detail = f"The node kills it after {grace:g} s, before the pause of {pause:g} s is over."
            yield problem(each, "timeout_chain", "medium", 0.9, "is killed during preStop", detail, line=container.line)
        for name in ("readinessProbe", "livenessProbe"):
            probe = get(container, name)
            waits, period = number(get(probe, "timeoutSeconds")), number(get(probe, "periodSeconds")) or 10.0
            if waits is not None and waits > period:
                title = f"probes every {period:g} s and waits {waits:g} s"
                yield problem(each, "timeout_chain", "low", 0.85, title, f"Slow {name}s pile up.", line=probe.line)


def _own_retries(value: Any) -> tuple[float, str]:
    """Tries that a program makes by its own settings, and which setting says so."""
    for key, leaf, _ in walk(value):
        tries = number(leaf)
        if tries is not None and 1 < tries <= 1_000 and _RETRY_NAME.search(key):
            return tries + (0 if "ATTEMPT" in key.upper() else 1), key
    return 1.0, ""


def check_retries(estate: Estate) -> Iterator[Problem]:
    """Layers that each try again what the one below tried."""
    for function in estate.of("function"):
        own, name = _own_retries(get(function.properties, "Environment"))
        for queue, _ in sources_of(function, estate):
            given = _receives(queue, estate)
            if given and own > 1 and given * own >= _MANY:
                title = f"is tried {given:g} x {own:g} = {given * own:g} times"
                detail = f"{queue.name} gives a message {given:g} times, and {name} makes each of them {own:g} tries."
                also = ((queue.file, queue.line),)
                yield problem(function, "retry_product", "medium", 0.85, title, detail, also=also)
    for machine in estate.of("state_machine"):
        for function in estate.targets(machine.references, machine, "function"):
            own, name = _own_retries(get(function.properties, "Environment"))
            tries = max((number(leaf) or 0) + 1 for leaf in [0, *_named(machine, "MaxAttempts")])
            if own > 1 and tries * own >= _MANY:
                title = f"is tried {tries:g} x {own:g} = {tries * own:g} times"
                detail = (
                    f"{machine.name} retries up to {tries - 1:g} times, and {name} makes each of them {own:g} tries."
                )
                yield problem(
                    function, "retry_product", "medium", 0.85, title, detail, also=((machine.file, machine.line),)
                )
    for job in estate.of("workload"):
        yield from _jobs(job)


def _named(resource: Resource, name: str) -> list[Any]:
    return [leaf for key, leaf, _ in walk(resource.properties) if key == name]


def _jobs(job: Resource) -> Iterator[Problem]:
    if job.kind not in ("Job", "CronJob"):
        return
    spec = job.properties.get("spec")
    spec = dig(spec, "jobTemplate", "spec") if job.kind == "CronJob" else spec
    backoff = number(get(spec, "backoffLimit"))
    backoff = 6.0 if backoff is None else backoff  # Kubernetes API, JobSpec
    for container in containers_of(job, init=False):
        variables = Block(container.line)
        for each in blocks(get(container, "env")):
            variables.put(str(get(each, "name")), get(each, "value"), each.line)
        own, name = _own_retries(variables)
        if own > 1 and (backoff + 1) * own >= _MANY:
            title = f"is tried {backoff + 1:g} x {own:g} = {(backoff + 1) * own:g} times"
            detail = f"backoffLimit is {backoff:g}, and {name} makes each run {own:g} tries."
            policy = get(pod_of(job), "restartPolicy")
            detail += " Its containers restart in place on top." if policy == "OnFailure" else ""
            yield problem(job, "retry_product", "medium", 0.8, title, detail, line=container.line)


def _receives(queue: Resource, estate: Estate) -> float | None:
    for holder in (queue, *estate.pointing_at(queue, "queue_redrive")):
        given = number(dig(holder.properties, "RedrivePolicy", "maxReceiveCount"))
        if given is not None:
            return given
    return None


def check_budget(estate: Estate) -> Iterator[Problem]:
    """A tree that spends money and has nobody told."""
    spending = [each for each in estate.of(*sorted(_COSTLY)) if each.format in ("cloudformation", "terraform", "live")]
    if len(spending) >= 3 and not any(estate.of("budget")):
        first = min(spending, key=lambda each: (each.file, each.line))
        detail = f"{len(spending)} resources here cost money, and no budget or cost anomaly monitor is declared."
        yield problem(first, "no_budget", "low", 0.6, "and others have no budget", detail)
