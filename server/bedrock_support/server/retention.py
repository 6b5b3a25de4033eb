"""For how long what is kept is kept: the settings' part, and all of it for the record of processing."""

from __future__ import annotations

from collections.abc import Mapping

from bedrock_support.routing.matrix import shipped
from bedrock_support.server.environment import SettingsError
from bedrock_support.server.settings import READS, Settings
from bedrock_support.telemetry.audit.upkeep import KEEP_DAYS

LONGEST = 36_500
FOREVER = "until somebody deletes it"


def keep_days(settings: Settings) -> Mapping[str, int]:
    """Days by class of audit record. Raises SettingsError."""
    days = dict(KEEP_DAYS)
    for pair in (each.strip() for each in (settings.audit_keep or "").split(",") if each.strip()):
        name, _, told = pair.partition("=")
        if name not in KEEP_DAYS:
            known = ", ".join(KEEP_DAYS)
            raise SettingsError(f"{READS['audit_keep']} = {pair!r}: no such class of records. Use {known}")
        if not told.isdecimal() or not 1 <= int(told) <= LONGEST:
            raise SettingsError(f"{READS['audit_keep']} = {pair!r}: no number of days. Give 1 to {LONGEST}")
        days[name] = int(told)
    return days


def kept(settings: Settings) -> dict[str, str]:
    """Every store that these settings make, and how long it holds what is in it."""
    rules = shipped().rules.values()
    longest = max((rule.cache_seconds + rule.stale_seconds for rule in rules), default=0)
    told = {f"audit records, {name}": f"{days} days" for name, days in keep_days(settings).items()}
    if settings.audit is None:
        told = {}
    told["answers given before (redacted)"] = (
        f"up to {longest / 3600:g} h in {settings.store or 'memory'}" if longest else "not kept"
    )
    told["what stands behind placeholders of handed-over questions"] = "1 h, in memory alone"
    told["handed-over questions (redacted)"] = f"1 h, or until they are answered, in {settings.store or 'memory'}"
    if settings.lasting_file is not None:
        told[f"routing decisions without content in {settings.lasting_file}"] = "7 days"
        told[f"attempts on routes without content in {settings.lasting_file}"] = "1 day"
    if settings.queue_file is not None:
        told[f"waiting questions and messages (redacted) in {settings.queue_file}"] = "to their deadlines"
    if settings.store is not None:
        told[f"sums of spending without content in {settings.store}"] = FOREVER
    if settings.cache is not None:
        told[f"facts of source files in {settings.cache}"] = FOREVER
    if settings.span_file is not None:
        told[f"spans without content in {settings.span_file}"] = FOREVER
    if settings.emf is not None:
        told[f"metrics in {settings.emf}"] = FOREVER
    told["briefs, answers, findings"] = "not in the audit trail"
    return told
