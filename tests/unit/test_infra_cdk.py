"""Cloud assemblies as cdk synth writes them."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from bedrock_support.tools.base import InputError
from bedrock_support.tools.infra.run import Audited, audit
from tests.gaps_rig import plant
from tests.promises import promise

OPEN = {
    "Resources": {
        "BucketD7FEB781": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"AccessControl": "PublicReadWrite"},
            "Metadata": {"aws:cdk:path": "Shop/Bucket/Resource"},
        }
    }
}


def manifest(*templates: str) -> str:
    artifacts: dict[str, object] = {
        f"Stack{place}": {"type": "aws:cloudformation:stack", "properties": {"templateFile": each}}
        for place, each in enumerate(templates)
    }
    return json.dumps({"version": "48.0.0", "artifacts": {**artifacts, "Tree": {"type": "cdk:tree"}}})


ASSEMBLY = {
    "cdk.json": '{"app": "python app.py"}',
    "cdk.out/manifest.json": manifest("Shop.template.json"),
    "cdk.out/Shop.template.json": json.dumps(OPEN, indent=1),
    "cdk.out/old.template.json": json.dumps(OPEN),
    "cdk.out/asset.0a1b/vendor/t.json": json.dumps(OPEN),
    "cdk.out/assembly-Prod/manifest.json": manifest("Prod.template.json"),
    "cdk.out/assembly-Prod/Prod.template.json": json.dumps(OPEN, indent=1),
}


async def look(root: Path, focus: str | None = None) -> Audited:
    return await audit(root, workers=anyio.CapacityLimiter(2), focus=focus, engine_seconds=0)


@promise("infra:cdk")
async def test_the_stacks_of_an_assembly_are_audited_under_their_constructs_names(tmp_path: Path) -> None:
    plant(tmp_path, ASSEMBLY)
    found = await look(tmp_path)
    public = [each for each in found.problems if each.kind == "public_bucket"]
    assert sorted(each.file for each in public) == [
        "cdk.out/Shop.template.json",
        "cdk.out/assembly-Prod/Prod.template.json",
    ]
    assert {each.resource for each in public} == {"Shop/Bucket"}
    assert all("Shop/Bucket" in each.title and "BucketD7FEB781" in each.detail for each in public)
    assert all(each.line > 1 for each in public)
    assert any("2 cloud assemblies" in each for each in found.notes)
    assert (await look(tmp_path, "Shop/Bucket")).problems
    with pytest.raises(InputError, match="focus"):
        await look(tmp_path, "Elsewhere")


@promise("infra:cdk")
async def test_an_assembly_may_be_named_itself(tmp_path: Path) -> None:
    plant(tmp_path, ASSEMBLY)
    found = await look(tmp_path / "cdk.out")
    files = {each.file for each in found.problems if each.kind == "public_bucket"}
    assert files == {"Shop.template.json", "assembly-Prod/Prod.template.json"}


@promise("infra:cdk")
async def test_a_project_that_was_not_synthesised_is_said_and_other_manifests_change_nothing(tmp_path: Path) -> None:
    strange = {"web/manifest.json": '{"name": "app"}', "bad/manifest.json": "[" * 5_000, "web/t.json": json.dumps(OPEN)}
    plant(tmp_path, {"cdk.json": "{}", **strange})
    found = await look(tmp_path)
    assert any("cdk.json has no cloud assembly" in each for each in found.notes)
    assert [each.file for each in found.problems if each.kind == "public_bucket"] == ["web/t.json"]
