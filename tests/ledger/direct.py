"""Promises of the direct route."""

from __future__ import annotations

from tests.promises import Promise

PROMISES: dict[str, Promise] = {
    "direct:cold": Promise("design 7", "Importing the direct client imports neither boto3 nor aiohttp."),
    "direct:built-once": Promise("design 4", "However many calls come first at once, credentials are looked for once."),
    "direct:off-loop": Promise("design 7", "Nothing of boto3 that may block runs on the event loop."),
    "direct:deadline": Promise("design 4", "Every call ends by its deadline, whatever the other side does."),
    "direct:drip": Promise(
        "design 4", "A stream that stalls between two frames is a timeout, long before the deadline."
    ),
    "direct:freed": Promise("design 7", "A cancelled or late call leaves no place or connection behind."),
    "direct:one-look": Promise("design 7", "However many calls give up meanwhile, one thread looks for credentials."),
    "direct:renewed": Promise(
        "design 4", "Keys of a role are renewed before they end, once, and nobody waits while the old ones still open."
    ),
    "direct:certificates": Promise(
        "issue 3", "A certificate is checked, with its name, by AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or botocore's own."
    ),
    "direct:frames": Promise("bedrock 1.2", "Frames are read as botocore reads them; a damaged one is never taken."),
    "direct:signed": Promise("bedrock 2.3", "What is sent is byte for byte what was signed."),
    "direct:proxy": Promise("issue 3", "The environment's proxy is used, and its exceptions are kept."),
    "direct:clean-pool": Promise(
        "design 4", "A connection returns to the pool only when its reply was read to the end."
    ),
    "direct:pool": Promise(
        "design 4", "Sixty-four calls at once open at most 64 connections, which later calls reuse."
    ),
    "direct:one-try": Promise("design 4", "The client never retries: the router alone does."),
    "direct:max-tokens": Promise(
        "design 4", "Every request sets maxTokens, and none sets sampling or a prefilled answer."
    ),
    "direct:metadata": Promise("bedrock 2.5", "Every request names its operation and class for the invocation log."),
    "direct:whole-stream": Promise(
        "design 4", "A stream without messageStop and metadata is a failure, never an answer."
    ),
    "direct:frame-kind": Promise("bedrock 2.5", "An exception frame keeps its modelled kind instead of status 400."),
    "direct:typed": Promise("bedrock 2.1", "Every error of Bedrock and of the network arrives as a typed RouteError."),
    "direct:safe-words": Promise(
        "design 7", "No error text holds credentials, the request, the URL or AWS's own message."
    ),
    "direct:retry-after": Promise("bedrock 2.2", "How long Bedrock asks us to wait is passed on to the router."),
    "direct:stop-reasons": Promise(
        "bedrock 1.1", "A blocked, malformed or empty answer is a failure; a cut-short one says so."
    ),
    "direct:unconfigured": Promise(
        "design 6", "Without credentials the route is unconfigured, says the mend, and asks nobody."
    ),
    "direct:seen-later": Promise("design 6", "Credentials that appear later are seen within 30 seconds."),
    "direct:bearer": Promise("bedrock 2.3", "A Bedrock bearer token is enough to ask."),
    "direct:simulated": Promise("design 6", "An answer of a stand-in is marked as simulated."),
    "direct:eu-models": Promise("design 4", "The default model of every role is an EU inference profile."),
    "direct:settings": Promise("design 7", "A setting that cannot work is refused with field, value and mend."),
    "direct:span": Promise(
        "telemetry 1.3", "Each call makes one chat span with models, tokens and outcome but no content."
    ),
    "direct:count": Promise("bedrock 3.3", "Tokens are counted by Bedrock, or estimated and marked where it cannot."),
    "direct:closed": Promise("design 7", "Closing ends calls in flight, and a closed client refuses to be asked."),
}
