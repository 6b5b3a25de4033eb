"""Logs as collectors hand them over: a prefix before each line, the lines of several services mixed."""

from __future__ import annotations

import time

import pytest

from bedrock_support.tools.logs.analysis import Analysis
from bedrock_support.tools.logs.sources import Source
from bedrock_support.tools.logs.wrapped import prefix_of
from tests.promises import promise

PYTHON = """Traceback (most recent call last):
  File "/app/shop/pay.py", line 41, in charge
    gateway.send(order)
  File "/app/shop/gateway.py", line 12, in send
    raise TimeoutError("gateway did not answer")
TimeoutError: gateway did not answer"""
JAVA = """java.lang.IllegalStateException: no stock
\tat com.shop.Order.place(Order.java:41)
Caused by: java.net.SocketTimeoutException: Read timed out
\tat com.shop.Net.read(Net.java:7)
\t... 12 more"""
NODE = """TypeError: Cannot read properties of undefined (reading 'id')
    at charge (/app/src/pay.js:14:22)
    at async handle (/app/src/server.js:80:5)"""
GO = """panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.pick(...)
\t/app/main.go:22
main.main()
\t/app/main.go:9 +0x1d
exit status 2"""
TRACES = (
    (PYTHON, ("Python", "TimeoutError", "/app/shop/gateway.py:12")),
    (JAVA, ("Java", "java.net.SocketTimeoutException", "Net.java:7")),
    (NODE, ("Node", "TypeError", "/app/src/pay.js:14")),
    (GO, ("Go", "panic", "/app/main.go:22")),
)
PREFIXES = {
    "compose": "shop-1  | ",
    "compose in colour": "\x1b[36mshop-1  | \x1b[0m",
    "kubelet": "2026-03-01T10:00:{:02d}.123456789Z stderr F ",
    "kubectl": "[pod/shop-7f9c/shop] ",
    "kubectl with times": "[pod/shop-7f9c/shop] 2026-03-01T10:00:{:02d}.123456789Z ",
    "docker with times": "2026-03-01T10:00:{:02d}.123456789Z ",
    "syslog 3164": "Mar  1 10:00:{:02d} host shop[12]: ",
    "syslog 5424": "<11>1 2026-03-01T10:00:{:02d}Z host shop 12 - - ",
    "rsyslog": "2026-03-01T10:00:{:02d}.123456+01:00 host shop[12]: ",
    "CloudWatch": "2026-03-01T10:00:{:02d}.000Z 2026/03/01/[$LATEST]0123456789abcdef0123456789abcdef ",
}


def analysed(lines: list[str]) -> Analysis:
    data = "\n".join(lines).encode()
    analysis = Analysis([Source("log", len(data), 1_772_400_000.0, text=data)], 1_772_400_000.0, None)
    for _ in analysis.steps(time.monotonic, time.monotonic() + 20, lambda: None):
        pass
    return analysis


@promise("triage:wrapped")
@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
@pytest.mark.parametrize(("trace", "key"), TRACES, ids=("python", "java", "node", "go"))
def test_traces_are_found_behind_a_prefix(prefix: str, trace: str, key: tuple[str, str, str]) -> None:
    lines: list[str] = []
    for at in range(20):
        lines.append(prefix.format(at) + f"INFO served {at}")
        if at > 12:
            lines += [prefix.format(at) + line for line in ["ERROR order failed", *trace.split("\n")]]
    found = analysed(lines)
    assert {key: group.count for key, group in found.traces.groups.items()} == {key: 7}
    # Evidence stays what stands in the file: the first line of the first appearance.
    assert lines[found.traces.groups[key].first - 1].endswith(trace.split("\n")[0])


@promise("triage:wrapped")
def test_traces_of_two_services_whose_lines_mix_are_told_apart() -> None:
    lines: list[str] = []
    for at in range(10):
        lines += [f"web-1  | 2026-03-01 10:00:{at:02d} INFO ok", f"db-1   | 2026-03-01 10:00:{at:02d} INFO ok"]
    java = [f"web-1  | {line}" for line in ["2026-03-01 10:00:11 ERROR order failed", *JAVA.split("\n")]]
    python = [f"db-1   | {line}" for line in ["2026-03-01 10:00:11 ERROR query failed", *PYTHON.split("\n")]]
    for one, other in zip(java, python, strict=False):
        lines += [one, other]
    lines += python[len(java) :]
    assert set(analysed(lines).traces.groups) == {TRACES[0][1], TRACES[1][1]}


def test_a_log_without_a_common_prefix_is_left_as_it_is() -> None:
    lines = [b"2026-03-01T10:00:00Z INFO ok", b"Traceback (most recent call last):", b'  File "a.py", line 1'] * 9
    assert prefix_of(lines) is None
    assert prefix_of([]) is None
