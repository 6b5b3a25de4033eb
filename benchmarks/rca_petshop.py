"""Scores of find_root_cause on PetShop (Hardt et al., CLeaR 2024), fetched by whoever runs this."""

from __future__ import annotations

import json
from pathlib import Path

from bedrock_support.tools.causes.analyse import DEFAULT, find_causes
from bedrock_support.tools.causes.detectors import DETECTORS
from bedrock_support.tools.causes.gather import gather
from bedrock_support.tools.causes.model import Data
from bedrock_support.tools.paths import Place
from benchmarks.rca_score import Ranks

FIRST, THIRD = 0.55, 0.80
SETTLED = 2
"""The official scorer looks at the third point of an issue's metrics and on; ours takes them as the trouble."""


def score_petshop(folder: Path, detectors: bool) -> bool:
    """Print the scores of both splits; true if the test split reaches the bars."""
    cases: dict[str, list[tuple[Data, str, str]]] = {"train": [], "test": []}
    for scenario in sorted(each for each in folder.iterdir() if each.is_dir()):
        calm = scenario / "noissue" / "metrics.csv"
        if not calm.is_file():
            print(f"PetShop: {scenario.name} left out, its noissue/metrics.csv is missing from this copy")
            continue
        usual = gather([Place(calm, scenario)]).series
        for split, held in cases.items():
            for issue in sorted((scenario / split).iterdir()):
                told = json.loads((issue / "target.json").read_text(encoding="utf-8"))
                data = gather([Place(issue / "metrics.csv", scenario), Place(scenario / "graph.csv", scenario)])
                data = Data(series=data.series, baseline=usual, calls=data.calls)
                target = told["target"]
                name = f"{target['node']} {target['metric']} {target['agg']}"
                held.append((data, name, told["root_cause"]["node"]))
    reached = False
    for name in DETECTORS if detectors else (DEFAULT,):
        for split, held in cases.items():
            ranks = Ranks()
            for data, target, truth in held:
                start = sorted({when for each in data.series for when in each.times})[SETTLED]
                found = find_causes(data, start=start, target=target, detector=DETECTORS[name])
                ranks.add({each.entity: each.confidence for each in found.causes}, truth)
            print(f"PetShop {split}, {name}: {ranks}")
            if name == DEFAULT and split == "test":
                reached = ranks.top(1) >= FIRST and ranks.top(3) >= THIRD
    print(f"PetShop test: {'reaches' if reached else 'misses'} top-1 {FIRST} and top-3 {THIRD}")
    return reached
