"""Work that is lost when it fails: queues, functions called without waiting, subscriptions."""

from __future__ import annotations

from collections.abc import Iterator

from bedrock_support.tools.infra.estate import Estate, problem
from bedrock_support.tools.infra.model import Block, Problem, Resource, blocks, dig, get, refs_in

_ASYNC_EVENTS = frozenset(
    {"SNS", "S3", "Schedule", "EventBridgeRule", "CloudWatchEvent", "CloudWatchLogs", "ScheduleV2"}
)
_ASYNC_SOURCES = ("event_rule", "event_target", "subscription", "bucket")


def check_dead_letters(estate: Estate) -> Iterator[Problem]:
    """Queues that give a message again for days, functions whose failures vanish."""
    letters = _letters(estate)
    for queue in estate.of("queue"):
        kept = get(queue.properties, "RedrivePolicy") is not None or any(estate.pointing_at(queue, "queue_redrive"))
        if not kept and id(queue) not in letters and not _looks_dead(queue):
            detail = "A message that always fails comes again until it expires, and holds up others."
            yield problem(queue, "no_dead_letter", "medium", 0.85, "has no dead-letter queue", detail)
    for function in estate.of("function"):
        caller = _caller(function, estate)
        if caller and not _keeps(function, estate):
            detail = f"{caller} calls it without waiting: after two more tries an event is dropped."
            yield problem(function, "no_dead_letter", "medium", 0.85, "loses events that fail", detail)
    for each in estate.of("subscription"):
        if get(each.properties, "RedrivePolicy") is None and get(each.properties, "Protocol") in (
            "https",
            "http",
            "sqs",
        ):
            detail = "What can't be delivered is dropped when the retries are over."
            yield problem(each, "no_dead_letter", "low", 0.8, "has no dead-letter queue", detail)


def _letters(estate: Estate) -> set[int]:
    """Queues that are the dead-letter queue of something."""
    found: set[int] = set()
    for each in estate.resources:
        names = ("RedrivePolicy", "DeadLetterConfig", "DeadLetterQueue", "DestinationConfig", "redrive_allow_policy")
        for name in names:
            found.update(id(target) for target in estate.targets(get(each.properties, name), each, "queue"))
    return found


def _looks_dead(queue: Resource) -> bool:
    """A queue whose name says that it is one; the queue it serves may be elsewhere."""
    name = f"{queue.name} {get(queue.properties, 'QueueName', 'name')}".lower()
    return any(word in name for word in ("dlq", "deadletter", "dead_letter", "dead-letter"))


def _caller(function: Resource, estate: Estate) -> str:
    events = get(function.properties, "Events")
    for event in blocks(list(events.values()) if isinstance(events, Block) else None):
        if event.get("Type") in _ASYNC_EVENTS:
            return f"An event of type {event['Type']}"
    for source in estate.pointing_at(function, *_ASYNC_SOURCES):
        return source.name
    for permission in estate.pointing_at(function, "function_permission"):
        service = str(get(permission.properties, "Principal"))
        if service.startswith(("sns.", "s3.", "events.")):
            return service
    return ""


def _keeps(function: Resource, estate: Estate) -> bool:
    if get(function.properties, "DeadLetterConfig", "DeadLetterQueue") is not None:
        return True
    if dig(function.properties, "EventInvokeConfig", "DestinationConfig", "OnFailure") is not None:
        return True
    return any(
        dig(each.properties, "DestinationConfig", "OnFailure") is not None
        for each in estate.pointing_at(function, "function_invocation")
    ) or any(refs_in(get(function.properties, "dead_letter_config")))
