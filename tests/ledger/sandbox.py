"""Promises of the sandbox, the simulated Bedrock runtime."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "sandbox:wire": Promise("issue 2", "unmodified boto3 converses, streams and counts tokens with the sandbox"),
    "sandbox:frames": Promise("issue 2", "its frames are what botocore's own parser takes, checksums included"),
    "sandbox:faults": Promise("issue 2", "every fault of Bedrock can be set and shows in boto3 as the real one does"),
    "sandbox:live": Promise("issue 2", "faults and latency can be changed while it runs, in process and over HTTP"),
    "sandbox:labelled": Promise("design 1", "every answer of the sandbox says that it is simulated"),
    "sandbox:survives": Promise("design 7", "no request, however malformed, ends the sandbox"),
    "sandbox:ends": Promise("design 7", "it ends within a second, whatever its connections wait for, and leaves none"),
    "sandbox:pooling": Promise("issue 2", "connections are kept alive and numbered, so that pooling can be tested"),
    "sandbox:loopback": Promise("design 1", "the sandbox listens on loopback only"),
    "sandbox:second-opinion": Promise("issue 2", "ministack, an independent double, speaks the same wire"),
}
