"""The engine under triage_incident: blocks, stamps, levels, templates, traces, memory, hostile logs."""

from __future__ import annotations

import json
import string
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_support.tools.logs import records, severity, traces
from bedrock_support.tools.logs.analysis import Analysis
from bedrock_support.tools.logs.findings import Report
from bedrock_support.tools.logs.reader import BLOCK, LINE_CAP, index, lines_of
from bedrock_support.tools.logs.sources import Source, from_text
from bedrock_support.tools.logs.templates import Miner
from bedrock_support.tools.logs.times import StampCache, Stamps, shown
from tests.promises import promise

REFERENCE = 1_772_400_000.0  # 2026-03-01T21:20:00Z


def analysed(data: bytes, window: tuple[int, int] | None = None) -> Analysis:
    clock = iter(range(10**9))
    analysis = Analysis([Source("log", len(data), REFERENCE, text=data)], REFERENCE, window)
    for _ in analysis.steps(lambda: next(clock) * 1e-9, 1e9, lambda: None):
        pass
    return analysis


def report(text: str | bytes) -> Report:
    return Report(analysed(text.encode() if isinstance(text, str) else text), 10)


@promise("triage:moments")
@pytest.mark.parametrize("window", [None, (1_772_352_000, 1_772_438_400)])
def test_moments_are_those_of_their_lines(window: tuple[int, int] | None) -> None:
    calm = [f"2026-03-01T{hour:02d}:00:00Z INFO tick" for hour in range(20)]
    bad = "2026-03-01T10:02:07Z ERROR could not connect: connection refused"
    data = "\n".join([*calm[:11], bad, "  and a line without a stamp", *calm[11:]]).encode()
    found = Report(analysed(data, window), 10)
    assert found.first_error is not None
    assert found.first_error.at == "2026-03-01T10:02:07Z"
    assert {each.at for each in found.timeline} == {"2026-03-01T10:02:07Z"}
    assert any("first at 2026-03-01T10:02:07Z" in each.detail for each in found.findings)


@promise("triage:formats")
@pytest.mark.parametrize(
    ("line", "stamp", "level"),
    [
        ("2026-03-01T10:20:30.123Z ERROR boom", "2026-03-01T10:20:30Z", severity.HIGH),
        ("2026-03-01 10:20:30,123 - app - WARNING - slow", "2026-03-01T10:20:30Z", severity.MEDIUM),
        ("2026-03-01T10:20:30+02:00 INFO ok", "2026-03-01T08:20:30Z", severity.INFO),
        ("Mar  1 10:20:30 host sshd[99]: error: kex failed", "2026-03-01T10:20:30Z", severity.HIGH),
        ("Dec 31 23:59:59 host x: hi", "2025-12-31T23:59:59Z", None),
        ("<11>1 2026-03-01T10:20:30Z host app 1 - - bad", "2026-03-01T10:20:30Z", severity.HIGH),
        ('1.2.3.4 - - [01/Mar/2026:10:20:30 +0100] "GET / HTTP/1.1" 200 5', "2026-03-01T09:20:30Z", None),
        ("2026/03/01 10:20:30 [error] 7#7: *1 connect() failed", "2026-03-01T10:20:30Z", severity.HIGH),
        ("[Sun Mar 01 10:20:30.123456 2026] [core:crit] [pid 1] x", "2026-03-01T10:20:30Z", severity.CRITICAL),
        ("E0301 10:20:30.123456    1 main.go:5] failed", "2026-03-01T10:20:30Z", severity.HIGH),
        ('{"id":12345678901,"level":"error","ts":1772360430.5,"msg":"x"}', "2026-03-01T10:20:30Z", severity.HIGH),
        ('{"level":50,"time":1772360430123,"msg":"x"}', "2026-03-01T10:20:30Z", severity.HIGH),
        ("time=2026-03-01T10:20:30Z level=warn msg=x", "2026-03-01T10:20:30Z", severity.MEDIUM),
        ("03-01 10:20:30.123  1  2 E Tag: x", "2026-03-01T10:20:30Z", None),
        ("26/03/01 10:20:30 INFO Executor: x", "2026-03-01T10:20:30Z", severity.INFO),
        ("1772360430 started", "2026-03-01T10:20:30Z", None),
        ("order 1772360430 is late", None, None),
        ("Feb 31 10:20:30 99:99:99 nonsense 2026-13-45T25:61:61", None, None),
        ("ERROR:root:no stamp", None, severity.HIGH),
    ],
)
def test_stamps_and_levels(line: str, stamp: str | None, level: int | None) -> None:
    raw = line.encode()
    found = Stamps(REFERENCE).read(raw)
    if stamp is None:
        assert found is None or "Feb 31" in line
    else:
        assert found
        assert shown(found.seconds) == stamp
    assert severity.level_of(raw) == level


STAMPED = (
    "2026-03-01T10:00:0{}Z a",
    "2026-03-02T10:00:0{}.5+01:00 b",
    "x [01/Mar/2026:10:00:0{} -0500] c",
    "Mar  1 10:00:0{} h",
    "none {}",
    "  10:00:0{}",
)


@given(st.lists(st.sampled_from(STAMPED), min_size=1, max_size=30))
def test_the_cache_reads_as_the_reader_does(kinds: list[str]) -> None:
    lines = [kind.format(at % 10).encode() for at, kind in enumerate(kinds)]
    slow = [stamp.seconds if (stamp := Stamps(REFERENCE).read(line)) else None for line in lines]
    assert StampCache(Stamps(REFERENCE), lambda second: second).buckets(lines) == slow


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("kernel: Out of memory: Killed process 12", "out of memory"),
        ("write /x: no space left on device", "disk full"),
        ("dial tcp: connection refused", "connection refused"),
        ("x509: certificate has expired", "certificate"),
        ('"GET / HTTP/1.1" 503 12', "HTTP 5xx"),
        ('{"status":502}', "HTTP 5xx"),
        ("worker exited with code 137", "bad exit"),
        ("worker exited with code 0", ""),
        ("configuration reloaded", "change"),
    ],
)
def test_words_of_trouble(line: str, label: str) -> None:
    assert severity.judge_line(severity.mark_codes(line.encode())).label == label


def test_codes_of_success_and_failure_are_different_templates() -> None:
    pairs = [(at, code) for at in range(50) for code in (200, 404, 503)]
    lines = [f'10.0.0.{at} - - "GET /a{at} HTTP/1.1" {code} {at}'.encode() for at, code in pairs]
    found = analysed(b"\n".join(lines)).miner.templates
    assert sorted(each.count for each in found) == [50, 50, 50]


@given(st.lists(st.binary(max_size=60), max_size=60), st.booleans())
def test_line_numbers_are_those_of_a_plain_split(parts: list[bytes], ended: bool) -> None:
    data = b"\n".join(parts) + (b"\n" if ended else b"")
    source = Source("x", len(data), 0, text=data)
    blocks = list(index(source, 0))
    expected = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").split(b"\n")
    expected = expected[:-1] if not expected[-1] else expected
    got = [line for block in blocks for line in lines_of(source, block)]
    assert [line.removesuffix(b"\r") for line in got] == [line.removesuffix(b"\r") for line in expected]
    assert sum(block.lines for block in blocks) == len(expected)


def test_blocks_meet_and_number_lines_exactly() -> None:
    lines = [f"{at} {'x' * (at % 300)}" if at % 7 else f"\tat frame({at})" for at in range(20_000)]
    source = from_text("\n".join(lines), 0)
    at = 1
    for block in index(source, 0):
        assert block.first_line == at
        for line in lines_of(source, block):
            assert line.decode() == lines[at - 1]
            at += 1
    assert at == len(lines) + 1


def test_a_giant_line_is_cut_and_the_next_still_numbered() -> None:
    data = b"first\n" + b"A" * (3 * BLOCK) + b"\nERROR third connection refused\n" + b"B" * (2 * BLOCK)
    source = Source("x", len(data), 0, text=data)
    got = [
        (block.first_line + at, line) for block in index(source, 0) for at, line in enumerate(lines_of(source, block))
    ]
    assert [line for line, _ in got] == [1, 2, 3, 4]
    assert got[1][1] == b"A" * LINE_CAP
    found = report(data)
    assert found.findings[0].line == 3


WORDS = st.sampled_from(["alpha", "beta", "gamma", "delta", "omega", "open", "close"])


@given(st.lists(st.tuples(WORDS, st.integers(0, 10**9), WORDS), min_size=1, max_size=40))
def test_the_miner_is_deterministic(parts: list[tuple[str, int, str]]) -> None:
    lines = [f"INFO {first} took {number} ms in {last}".encode() for first, number, last in parts]
    keys = records.keys_of(b"\n".join(lines), strong=False)
    one, two = Miner(), Miner()
    assert one.numbers(lines, keys) == two.numbers(lines, keys)
    assert [each.text for each in one.templates] == [each.text for each in two.templates]


@given(st.permutations([f"{name} job {at} done in {at * 31} ms" for name in ("backup", "mail run") for at in range(8)]))
def test_the_order_of_lines_does_not_change_the_templates(lines: list[str]) -> None:
    miner = Miner()
    for line in lines:
        miner.number(line.encode())
    assert {each.text for each in miner.templates} == {
        "backup job <*> done in <*> ms",
        "mail run job <*> done in <*> ms",
    }


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("id 550e8400-e29b-41d4-a716-446655440000 ok", "id <*> ok"),
        ("from 10.0.0.1:8080 in 5.3ms", "from <*> in <*>"),
        ("at 0xdeadbeef12 and cafe12", "at <*> and <*>"),
        ("2026-03-01 10:00:00,123 INFO go", "INFO go"),
        ("[2026-03-01T10:00:00.1Z] INFO go", "INFO go"),
        ("Mar  1 10:00:00 host go", "host go"),
    ],
)
def test_masks(line: str, masked: str) -> None:
    assert records.mask(line.encode()).decode() == masked


PYTHON = """Traceback (most recent call last):
  File "/app/shop/store.py", line 12, in load
    return table[key]
KeyError: 'sku'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/web/app.py", line 9, in call
    f()
shop.errors.LoadFailed: no sku"""
JAVA = """java.lang.RuntimeException: outer
\tat com.shop.Api.get(Api.java:10)
Caused by: java.sql.SQLException: pool
\tat com.zaxxer.hikari.Pool.get(Pool.java:5)
\tat com.shop.Store.save(Store.java:88)
\t... 23 more"""
NODE = """TypeError: Cannot read properties of undefined
    at read (node:internal/fs:1:1)
    at load (/srv/app/src/load.js:42:7)
    at /srv/app/node_modules/x/i.js:1:1"""
GO = """panic: runtime error: index out of range [5]

goroutine 1 [running]:
main.pick(...)
\t/src/shop/pick.go:17 +0x1d
main.main()
\t/src/shop/main.go:5 +0x2"""
RUST = """thread 'main' panicked at src/main.rs:5:10:
called `Option::unwrap()` on a `None` value
stack backtrace:
   0: rust_begin_unwind
   1: shop::main"""
NET = """Unhandled exception. System.InvalidOperationException: outer
 ---> System.IO.IOException: disk gone
   at Shop.Store.Save(Item i) in /src/Store.cs:line 21
   --- End of inner exception stack trace ---
   at Shop.Api.Put() in /src/Api.cs:line 7"""


@promise("triage:traces")
@pytest.mark.parametrize(
    ("text", "language", "kind", "where"),
    [
        (PYTHON, "Python", "KeyError", "/app/shop/store.py:12"),
        (JAVA, "Java", "java.sql.SQLException", "Store.java:88"),
        (NODE, "Node", "TypeError", "/srv/app/src/load.js:42"),
        (GO, "Go", "panic", "/src/shop/pick.go:17"),
        (RUST, "Rust", "panic", "src/main.rs:5"),
        (NET, ".NET", "System.IO.IOException", "/src/Store.cs:21"),
    ],
)
def test_traces_lead_to_their_first_cause(text: str, language: str, kind: str, where: str) -> None:
    framed = ("2026-03-01T10:00:00Z INFO a\n2026-03-01T10:00:01Z ERROR b\n", "\n2026-03-01T10:00:02Z INFO c")
    for before, after in (("", ""), framed):
        groups = list(analysed((before + text + after).encode()).traces.groups.values())
        assert len(groups) == 1, groups
        trace = groups[0].trace
        assert (trace.language, trace.kind) == (language, kind)
        assert trace.frame
        assert f"{trace.frame.file}:{trace.frame.line}" == where


def test_a_change_of_zone_is_noticed() -> None:
    cache = StampCache(Stamps(REFERENCE), lambda second: second)
    utc, local = b"2026-03-01T10:00:00.1Z a", b"2026-03-01T10:00:00.1+01:00 a"
    assert cache.buckets([utc, utc]) == [1_772_359_200] * 2
    assert cache.buckets([local, utc, local]) == [1_772_355_600, 1_772_359_200, 1_772_355_600]


def test_a_second_is_looked_for_once_however_many_lines_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[bytes] = []
    read = Stamps.read
    monkeypatch.setattr(Stamps, "read", lambda self, line: searched.append(line) or read(self, line))  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    cache = StampCache(Stamps(REFERENCE), lambda second: second)
    clocks = 0
    search = StampCache._search  # pyright: ignore[reportPrivateUsage]

    def counted(self: StampCache, line: bytes) -> int | None:
        nonlocal clocks
        clocks += 1
        return search(self, line)

    monkeypatch.setattr(StampCache, "_search", counted)
    cache.buckets([b"2026-03-01T09:59:59Z before"])
    clocks, lines = 0, [b"2026-03-01T10:00:%02dZ line %d" % (at // 500, at) for at in range(5_000)]
    assert cache.buckets(lines) == [1_772_359_200 + at // 500 for at in range(5_000)]
    assert clocks == 10
    assert len(searched) < 20


def test_equal_traces_are_counted_once_and_json_ones_are_found() -> None:
    plain = "\n".join(f"2026-03-01T10:00:{at:02d}Z ERROR call {at}\n{JAVA}" for at in range(30))
    groups = list(analysed(plain.encode()).traces.groups.values())
    assert [each.count for each in groups] == [30]
    inside = json.dumps({"time": "2026-03-01T10:00:00Z", "level": "error", "msg": "x", "stack": NODE})
    assert [each.trace.language for each in analysed(inside.encode()).traces.groups.values()] == ["Node"]


def test_without_times_windows_go_by_line() -> None:
    lines = ["INFO all is well"] * 2000 + ["ERROR connection refused"] * 50 + ["INFO all is well"] * 500
    found = report("\n".join(lines))
    assert found.windows.by == "line"
    assert found.findings[0].line == 2001
    assert found.windows.bad


def test_strange_bytes_do_no_harm() -> None:
    lines = [b"2026-03-01T10:00:00Z ok \xff\xfe", b"\0\0\0 ERROR nul refused", b"1970-01-01T00:00:00Z old",
             b"2199-01-01T00:00:00Z far", b"2026-03-29T02:30:00 dst", b"2026-03-01T09:00:00Z back\r"]  # fmt: skip
    found = report(b"\r\n".join(lines * 50))
    assert found.files[0].lines == 300
    assert found.findings


@promise("triage:bounded")
def test_endless_variety_stays_bounded() -> None:
    letters = string.ascii_lowercase
    words = [
        letters[at % 26] * (1 + at % 5) + letters[at // 26 % 26] * 3 + letters[at // 676 % 26] for at in range(30_000)
    ]
    lines = [f"{word} {word[::-1]} {words[-1 - at]} end{at}" for at, word in enumerate(words)]
    analysis = analysed("\n".join(lines).encode())
    assert len(analysis.miner.templates) <= 1_500 + 5
    assert sum(each.count for each in analysis.miner.templates) == len(lines)


@promise("triage:bounded")
def test_memory_stays_bounded_on_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "big.log"
    with path.open("w", encoding="utf-8") as file:
        for at in range(450_000):
            second = f"2026-03-01T{at // 36000 % 24:02d}:{at // 600 % 60:02d}:{at // 10 % 60:02d}Z"
            file.write(f"{second} INFO [w-{at % 64}] api request {at * 2654435761 % 2**64:016x} by user{at % 9999} "
                       f"took {at % 977} ms and returned {at % 31} rows, {'padding ' * 3}\n")  # fmt: skip
    process = psutil.Process()
    before = process.memory_info().rss
    peak = 0
    with path.open("rb") as file:
        source = Source("big.log", path.stat().st_size, REFERENCE, file.fileno())
        analysis = Analysis([source], REFERENCE, None)
        for _ in analysis.steps(time.monotonic, time.monotonic() + 50, lambda: None):
            peak = max(peak, process.memory_info().rss)
        assert Report(analysis, 10).files[0].read == 1
    assert path.stat().st_size > 50_000_000
    assert peak - before < 100e6


@settings(max_examples=40)
@given(st.text(alphabet=' \t"\\a0f-.:/[]({<*>=,\n', max_size=300).map(str.encode), st.integers(20, 200))
def test_no_line_takes_long(seed: bytes, times: int) -> None:
    line = (seed * times)[:LINE_CAP].replace(b"\n", b" ")
    begun = time.process_time()
    Miner().number(line)
    Stamps(REFERENCE).read(line)
    traces.parse([line[:1000], b"\tat a.b(C.java:1)"])
    assert time.process_time() - begun < 0.25
