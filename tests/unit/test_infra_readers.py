"""What templates declare, with lines, and files that mean harm."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import pytest

from bedrock_support.tools.infra.declared import read_declared
from bedrock_support.tools.infra.hcl import Reader
from bedrock_support.tools.infra.model import Block, Declared, Ref, Unknown, Unreadable
from bedrock_support.tools.infra.yamls import read_documents
from tests.gaps_rig import plant
from tests.promises import promise


def declared(root: Path, files: dict[str, str]) -> Declared:
    return read_declared(plant(root, files), lambda: None)[0]


@promise("infra:formats")
def test_short_forms_parameters_and_lines_of_cloudformation(tmp_path: Path) -> None:
    found = declared(
        tmp_path,
        {
            "t.yaml": """
            Parameters:
              Port: {Type: Number, Default: 22}
              Idle: {Type: String}
              Zones: {Type: CommaDelimitedList, Default: "a, b"}
            Resources:
              Q: {Type: AWS::SQS::Queue}
              X:
                Type: AWS::EC2::SecurityGroup
                Properties:
                  Port: !Ref Port
                  Zone: !Select [1, !Ref Zones]
                  Arn: !GetAtt Q.Arn
                  Name: !Sub "p${Port}-${Q}-${!kept}"
                  Plain: !Sub "p${Port}"
                  Maybe: !If [Cond, !Ref AWS::NoValue, 5]
                  Gone: !Ref AWS::NoValue
                  Joined: !Join ["-", [a, !Ref Port]]
                  Region: !Ref AWS::Region
            """
        },
    )
    by_name = {each.name: each for each in found.resources}
    group = by_name["X"].properties
    assert group["Port"] == 22
    assert group["Zone"] == "b"
    assert group["Arn"] == Ref("Q", "Arn")
    assert group["Name"] == Unknown("p22-${Q}-${kept}", (Ref("Q"),))
    assert group["Plain"] == "p22"
    assert group["Maybe"] == 5
    assert "Gone" not in group
    assert group["Joined"] == "a-22"
    assert isinstance(group["Region"], Unknown)
    assert (by_name["X"].line, group.at("Zone")) == (8, 12)
    assert [(name, used) for _, _, name, used in found.parameters] == [("Port", True), ("Idle", False), ("Zones", True)]


@promise("infra:formats")
def test_json_cdk_output_compose_and_kubernetes(tmp_path: Path) -> None:
    template = {"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"Name": {"Fn::Sub": "x"}}}}}
    found = declared(
        tmp_path,
        {
            "cdk.out/App.template.json": json.dumps(template, indent="\t"),
            "docker-compose.yml": "services:\n  a:\n    image: x:${TAG:-1}\n",
            "k.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: p}}\n",
            "chart/templates/x.yaml": "apiVersion: v1\nkind: {{ .Values.kind }}\n{{- if .x }}\n{{ end }}\n",
            "notes.yaml": "services: none\nhello: [1, 2]\n",
        },
    )
    rows = {(each.format, each.kind, each.name, each.file, each.line) for each in found.resources}
    assert rows == {
        ("cloudformation", "AWS::S3::Bucket", "B", "cdk.out/App.template.json", 3),
        ("compose", "service", "a", "docker-compose.yml", 2),
        ("kubernetes", "Pod", "Pod/p", "k.yaml", 4),
    }
    assert found.resources[1].properties["image"] == "x:1"
    assert any("chart/templates/x.yaml" in each for each in found.broken)


@promise("infra:formats")
def test_terraform_modules(tmp_path: Path) -> None:
    found = declared(
        tmp_path,
        {
            "m/vars.tf": 'variable "cidr" { default = "0.0.0.0/0" }\nvariable "unused" {}\n',
            "m/locals.tf": "locals {\n  q = aws_sqs_queue.q\n}\n",
            "m/main.tf": """
            # a comment
            resource "aws_sqs_queue" "q" { name = "q-${var.cidr}" } /* another
            */
            resource "x" "y" {
              cidrs = [var.cidr, "10.0.0.0/8"]
              arn   = "${aws_sqs_queue.q.arn}"
              big   = var.a ? 1 : 2
              calls = merge(local.q, { A = "b" })
              text  = <<-EOT
                {"Statement": [{"Effect": "Allow"}]}
              EOT
              dynamic "rule" {
                for_each = var.rules
                content {
                  port = 22
                }
              }
            }
            """,
        },
    )
    queue, other = found.resources
    assert queue.properties["name"] == "q-0.0.0.0/0"
    assert other.properties["cidrs"] == ["0.0.0.0/0", "10.0.0.0/8"]
    assert other.properties["arn"] == Ref("aws_sqs_queue.q", "arn")
    assert isinstance(other.properties["big"], Unknown)
    assert other.properties["rule"][0]["port"] == 22
    assert other.properties["text"]["Statement"] == [{"Effect": "Allow"}]
    assert Ref("aws_sqs_queue.q") in other.references
    assert (other.line, other.properties.at("arn")) == (5, 7)
    assert [(name, used) for _, _, name, used in found.parameters] == [("cidr", True), ("unused", False)]


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))


@promise("infra:hostile")
@pytest.mark.parametrize(
    "text", [LAUGHS, "a: " + "[" * 50_000, "a: &a [*a]", "a: {b", "\t- x", "a: !!binary x\n--- *z", "x\n---\n" * 600]
)
def test_yaml_that_means_harm(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(Unreadable):
        read_documents(text)
    assert time.monotonic() - started < 5


def test_objects_of_tags_are_data() -> None:
    assert read_documents('!!python/object/apply:os.system ["false"]') == [["false"]]
    assert read_documents("a: &x {b: 1}\nc: {<<: *x, d: yes}\ne: 0022") == [
        {"a": {"b": 1}, "c": {"d": True, "b": 1}, "e": "0022"}
    ]


@promise("infra:hostile")
@pytest.mark.parametrize(
    "text",
    [
        *(
            "a = " + "[" * 50_000,
            "a {\n" * 5_000,
            'a = "${' * 1_000,
            "a = <<E\nx",
            "/*" * 50_000,
            "a=" + "b." * 200_000,
        ),
        *("a = 1 }", "a b c", "= 1", "a = 'x'"),
    ],
)
def test_terraform_that_means_harm(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(Unreadable):
        Reader(text).body()
    assert time.monotonic() - started < 5


@promise("infra:hostile")
@pytest.mark.parametrize(
    "text", ["a = (((((1", "a = [1 2 3", "a = {b", "a = -", "a = f(", "a = {(x) = 1}", "a = b[", "a = ]"]
)
def test_terraform_that_is_cut_short_ends(text: str) -> None:
    with contextlib.suppress(Unreadable):
        assert isinstance(Reader(text).body(), Block)


@promise("infra:hostile")
def test_a_small_file_stays_small(tmp_path: Path) -> None:
    head = f"Parameters:\n  A: {{Type: String, Default: {'x' * 400_000}}}\nResources:\n  X:\n    Type: A::B::C\n"
    uses = "".join("     - !Sub '${A}${A}${A}'\n" for _ in range(5_000))
    found = declared(tmp_path, {"t.yaml": f"{head}    Properties:\n     L:\n{uses}"})
    assert sum(len(each) for each in found.resources[0].properties["L"]) < 5_000_000
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "t.yaml")
    notes = read_declared(tmp_path, lambda: None)[1]
    assert any("links" in each for each in notes)
