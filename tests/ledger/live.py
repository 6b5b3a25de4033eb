"""What live sources promise."""

from tests.promises import Promise

_ISSUE = "issue 6"

PROMISES: dict[str, Promise] = {
    "live:jaeger": Promise(_ISSUE, "Traces are asked of a Jaeger's query API, calm and trouble alike."),
    "live:prometheus": Promise(_ISSUE, "Metrics are asked of a Prometheus, counters told as rates."),
    "live:logs": Promise(_ISSUE, "A CloudWatch log group is triaged by FilterLogEvents alone."),
    "live:cloudwatch": Promise(_ISSUE, "A CloudWatch namespace's metrics are read by ListMetrics and GetMetricData."),
    "live:read-only": Promise(_ISSUE, "The documented IAM policy is exactly what is used, and only reads."),
    "live:failures-are-limits": Promise(
        _ISSUE, "A live source that fails, lies, drips or floods is a limit of the answer, in time, never an error."
    ),
    "live:only-settings": Promise(
        _ISSUE, "No caller can make the server ask a host that its settings don't name, nor one outside the EU."
    ),
}
