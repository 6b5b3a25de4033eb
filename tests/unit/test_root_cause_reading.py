"""The forms in which measurements, changes and call graphs are read."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from bedrock_support.tools.causes.gather import gather
from bedrock_support.tools.causes.model import Data, kind_of
from bedrock_support.tools.causes.tables import named
from bedrock_support.tools.causes.times import moment, shown
from bedrock_support.tools.paths import Place
from tests.promises import promise
from tests.rca_rig import START, chain_traces

LONG = "timestamp,service,metric,value\n" + "".join(
    f"2023-11-14T22:13:{20 + place:02d}Z,{name},latency_ms,{place}\n" for place in range(4) for name in ("a", "b")
)
PER_ENTITY = "time,pod,latency,cpu\n" + "".join(f"{START + place},{name},1,2\n" for place in range(4) for name in "ab")
WIDE = "time,a_latency-90,b_cpu,c\n" + "".join(f"{START + place},1,,nan\n" for place in range(4))
STACKED = (
    "microservice,a,b\nmetric,latency,latency\nstatistic,Average,p90\nunix_timestamp,,\n"
    f"{START}.0,1,2\n{START + 1}.0,,4\n"
)


def read(tmp_path: Path, **files: str) -> Data:
    for name, text in files.items():
        (tmp_path / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return gather([Place(tmp_path, tmp_path)])


def names(data: Data) -> set[tuple[str, str, int]]:
    return {(each.entity, each.metric, len(each.values)) for each in data.series}


@promise("rca:readers")
def test_tables_of_metrics_are_read_in_every_form(tmp_path: Path) -> None:
    for name, text, expected in (
        ("long__csv", LONG, {("a", "latency_ms", 4), ("b", "latency_ms", 4)}),
        ("each__csv", PER_ENTITY, {(pod, what, 4) for pod in "ab" for what in ("latency", "cpu")}),
        ("wide__csv", WIDE, {("a", "latency-90", 4)}),
        ("wide__tsv", WIDE.replace(",", "\t"), {("a", "latency-90", 4)}),
        ("stacked__csv", STACKED, {("a", "latency Average", 1), ("b", "latency p90", 2)}),
        ("rows__json", json.dumps([{"time": START, "service": "a", "errors": 1}]), {("a", "errors", 1)}),
    ):
        folder = tmp_path / name
        folder.mkdir()
        assert names(read(folder, **{name: text})) == expected


@promise("rca:readers")
def test_times_are_read_in_every_unit() -> None:
    for written in (START, f"{START}.0", START * 1000, START * 10**6, START * 10**9, "2023-11-14T22:13:20Z"):
        assert moment(written) == pytest.approx(START)
    assert moment("2023-11-14 23:13:20+01:00") == pytest.approx(START)
    assert [moment(each) for each in ("soon", "", None, "nan", "-1", 1e30)] == [None] * 6
    assert shown(START) == "2023-11-14 22:13:20Z"


@promise("rca:readers")
def test_columns_are_told_apart_into_entity_and_metric() -> None:
    assert named("cart.latency") == ("cart", "latency")
    assert named("front_end_cpu") == ("front_end", "cpu")
    assert named('up{job="x",service="cart"}') == ("x", "up")
    assert named("a/b/errors") == ("a/b", "errors")
    assert named("cart_gizmo") == ("cart", "gizmo")
    assert named("latency") == ("the table", "latency")
    kinds = {
        "p99_latency": "latency",
        "error_rate": "errors",
        "HTTPCode_5XX": "errors",
        "availability": "availability",
        "CPUUtilization": "cpu",
        "memory_rss": "memory",
        "requests": "traffic",
        "db_connections": "saturation",
        "gizmo": "other",
    }
    assert {name: kind_of(name) for name in kinds} == kinds


@promise("rca:readers")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.json", json.dumps({"a": ["b", "c"], "b": ["c"]})),
        (
            "g.json",
            json.dumps({"edges": [{"from": "a", "to": each} for each in "bc"] + [{"from": "b", "to": "c"}]}),
        ),
        ("g.json", json.dumps([["a", "b"], ["a", "c"], ["b", "c"]], indent=1)),
        ("g.jsonl", '{"caller": "a", "callee": "b"}\n{"caller": "a", "callee": "c"}\n{"caller": "b", "callee": "c"}\n'),
        ("g.csv", "source,target\na,b\na,c\nb,c\n"),
        ("g.csv", "service,a,b,c\na,0.0,1.0,1.0\nb,0,0,1\nc,,,\n"),
    ],
)
def test_call_graphs_are_read_in_every_form(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    data = read(tmp_path, metrics__csv=LONG)
    assert {caller: set(callees) for caller, callees in data.calls.items()} == {"a": {"b", "c"}, "b": {"c"}}
    assert data.notes == ()


@promise("rca:readers")
def test_changes_are_read_in_every_form(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        metrics__csv=LONG,
        changes__csv=f"time,service,what\n{START},a,scaled to 1\n",
        deploys__jsonl=f'{{"timestamp": {START + 5}, "service": "b", "event": "deploy", "message": "v2"}}\n',
    )
    assert [(each.at, each.entity, each.what) for each in data.changes] == [
        (START, "a", "scaled to 1"),
        (START + 5, "b", "deploy: v2"),
    ]


@promise("rca:readers")
def test_traces_give_latency_errors_and_the_call_graph(tmp_path: Path) -> None:
    chain_traces(tmp_path / "spans.jsonl", lost=True)
    data = gather([Place(tmp_path, tmp_path)])
    assert {caller: set(callees) for caller, callees in data.calls.items()} == {"web": {"cart"}, "cart": {"base"}}
    by_name = {(each.entity, each.metric): each for each in data.series}
    assert by_name["web", "latency"].values[0] == pytest.approx(0.033, abs=0.003)
    assert by_name["web", "self time"].values[0] == pytest.approx(0.011, abs=0.001)
    assert by_name["web", "errors"].values[-1] == 1
    assert by_name["web", "own errors"].values[-1] == 0
    assert by_name["base", "unanswered errors"].values[-1] == 1
    assert by_name["base", "requests per second"].values[0] == pytest.approx(10, rel=0.2)


@promise("rca:readers")
@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is not None, reason="pyarrow is installed here")
def test_parquet_without_pyarrow_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "m.parquet").write_bytes(b"PAR1")
    assert "pip install pyarrow" in "".join(read(tmp_path, metrics__csv=LONG).notes)
