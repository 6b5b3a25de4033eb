"""Root causes of measurements whose truth is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedrock_support.tools.base import InputError
from bedrock_support.tools.causes.analyse import Found, find_causes
from bedrock_support.tools.causes.detectors import DETECTORS
from bedrock_support.tools.causes.gather import gather
from bedrock_support.tools.paths import Place
from tests.promises import promise
from tests.rca_rig import HURT, ONSET, STEPS, chain_traces, edges, wave, wide

CALLS = {"web": ["cart", "search"], "cart": ["base"], "search": ["base"]}


def found_in(*paths: Path, **more: object) -> Found:
    return find_causes(gather([Place(each, each.parent) for each in paths]), **more)  # pyright: ignore[reportArgumentType]


def shop(tmp_path: Path, **hurt: float) -> list[Path]:
    """Latency of four services; who waits for whom is slow with them."""
    metrics = {
        f"{name}.latency": wave(level, hurt.get(name, 0), seed=place)
        for place, (name, level) in enumerate({"web": 0.2, "cart": 0.1, "search": 0.1, "base": 0.05}.items())
    }
    return [wide(tmp_path / "metrics.csv", metrics), edges(tmp_path / "calls.json", CALLS)]


@promise("rca:deepest")
@pytest.mark.parametrize("detector", DETECTORS)
def test_who_is_waited_for_ranks_above_who_waits(tmp_path: Path, detector: str) -> None:
    paths = shop(tmp_path, web=0.3, cart=0.3, base=0.3)
    found = found_in(*paths, detector=DETECTORS[detector])
    assert found.target == "web"
    assert found.causes[0].entity == "base"
    assert found.causes[0].path == ("web", "cart", "base")
    assert "search" not in [each.entity for each in found.causes]


@promise("rca:window", "rca:evidence")
def test_the_incident_is_found_and_explained(tmp_path: Path) -> None:
    found = found_in(*shop(tmp_path, web=0.3, cart=0.3))
    assert found.window is not None
    assert found.window.found
    assert abs(found.window.start - HURT) <= 15
    first = found.causes[0]
    assert first.entity == "cart"
    assert first.mechanism == "latency"
    assert first.onset == pytest.approx(HURT, abs=15)
    assert "metrics.csv [cart latency]" in first.shifts[0].series.source
    assert first.shifts[0].effect > 10
    assert 0.3 < first.confidence < 1
    assert "cart" in first.disproof
    assert any("found by rule" in note for note in found.notes)


@promise("rca:window")
def test_calm_data_have_no_cause(tmp_path: Path) -> None:
    found = found_in(*shop(tmp_path))
    assert found.window is None
    assert found.causes == ()


@promise("rca:changes")
def test_a_change_before_the_onset_tips_the_balance(tmp_path: Path) -> None:
    paths = shop(tmp_path, web=0.3, cart=0.2, search=0.2)
    shares = {each.entity: each.share for each in found_in(*paths).causes}
    changes = tmp_path / "deploys.jsonl"
    changes.write_text(f'{{"time": {HURT - 60}, "service": "search", "event": "deploy 7"}}\n', encoding="utf-8")
    told = found_in(*paths, changes)
    assert told.causes[0].entity == "search"
    assert told.causes[0].share > shares["search"]
    assert "deploy 7" in told.causes[0].why
    assert told.causes[0].changes[0].source == "deploys.jsonl"


@promise("rca:resources")
def test_a_resource_explains_the_symptom(tmp_path: Path) -> None:
    paths = shop(tmp_path, web=0.3, cart=0.3)
    metrics = wide(tmp_path / "infra.csv", {"cart_cpu": wave(20, 70), "search_cpu": wave(20), "cart_memory": wave(5e6)})
    first = found_in(*paths, metrics).causes[0]
    assert (first.entity, first.mechanism) == ("cart", "cpu")
    assert any("infra.csv [cart cpu]" in each.series.source for each in first.shifts)


@promise("rca:deepest")
@pytest.mark.parametrize(("slow", "truth"), [("w", "web"), ("c", "cart"), ("b", "base")])
def test_self_time_of_spans_tells_work_from_waiting(tmp_path: Path, slow: str, truth: str) -> None:
    found = found_in(chain_traces(tmp_path / "spans.jsonl", slow=slow))
    assert found.causes[0].entity == truth
    assert found.causes[0].share > 0.8


@promise("rca:loss")
def test_a_service_that_fell_silent_is_named_by_its_callers(tmp_path: Path) -> None:
    found = found_in(chain_traces(tmp_path / "spans.jsonl", lost=True))
    assert found.causes[0].entity == "base"
    assert found.causes[0].mechanism == "errors"


@promise("rca:loss")
def test_a_process_whose_measures_stop_is_named(tmp_path: Path) -> None:
    paths = shop(tmp_path, web=0.3)
    gone = wave(20)[:ONSET] + [float("nan")] * (STEPS - ONSET)
    metrics = wide(tmp_path / "infra.csv", {"search_cpu": gone, "cart_cpu": wave(20, seed=9)})
    first = found_in(*paths, metrics).causes[0]
    assert (first.entity, first.mechanism) == ("search", "silence")
    assert "no values from" in first.why
    beyond = found_in(*paths, metrics, start=HURT, end=HURT + 10_000).causes[0]
    assert beyond.entity == "search", "where all data end, nobody fell silent"


@promise("rca:deterministic")
def test_the_same_data_give_the_same_causes(tmp_path: Path) -> None:
    paths = shop(tmp_path, web=0.3, cart=0.3, base=0.3)
    assert found_in(*paths) == found_in(*reversed(paths))


def test_a_target_that_nothing_is_called_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="cart"):
        found_in(*shop(tmp_path), target="nobody")


@promise("rca:hostile")
def test_broken_files_are_survived_and_said(tmp_path: Path) -> None:
    shop(tmp_path, web=0.3, cart=0.3)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 50)
    (tmp_path / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text('{"resourceSpans": 3}\nnonsense\n', encoding="utf-8")
    (tmp_path / "odd.parquet").write_bytes(b"PAR1 not really")
    (tmp_path / "out.csv").symlink_to("/etc/hostname")
    data = gather([Place(tmp_path, tmp_path)])
    assert find_causes(data).causes[0].entity == "cart"
    said = "\n".join(data.notes)
    assert all(name in said for name in ("empty.csv", "noise.csv", "deep.json", "bad.jsonl", "odd.parquet", "out.csv"))
    with pytest.raises(InputError, match="no measurements"):
        gather([Place(tmp_path / "bad.jsonl", tmp_path)])
