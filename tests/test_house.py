"""The house itself: sizes of files, no trace of anybody's machine, and what a wheel carries."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.promises import promise

ROOT = Path(__file__).parents[1]
ROOMS = ("server", "tools", "routing", "telemetry")
LIMIT = 400
USUAL = 250
"""Lines that nine files in ten stay under."""

# Written in parts so that this file does not find itself.
TRACES = re.compile("|".join([r"(?<![\w./-])/" + "work/", r"(?<![\w./-])/" + "root/", "file:" + "///opt"]))
"""Paths of somebody's machine. Registries are checked apart, where lock files name them."""
PUBLIC_HOSTS = {"pypi.org", "files.pythonhosted.org", "registry.npmjs.org"}
LOCK_FILES = ("uv.lock", "tests/conformance/package-lock.json")
LOCKED_HOST = re.compile(r'(?:\b(?:url|registry) = |"resolved": )"[a-z+]+://([^/"]+)')


def sources() -> list[Path]:
    """Every Python file of ours."""
    folders = (ROOT / name for name in (*ROOMS, "tests", "benchmarks"))
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def tracked() -> list[Path]:
    """Files git knows or would take."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("NOT CHECKED: no git checkout, so nobody knows which files are tracked")
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@promise("house:file-sizes")
def test_no_file_is_too_long() -> None:
    assert {str(path.relative_to(ROOT)): length(path) for path in sources() if length(path) > LIMIT} == {}


@promise("house:file-sizes")
def test_nine_files_in_ten_are_short() -> None:
    longer = [path for path in sources() if length(path) >= USUAL]
    assert len(longer) <= len(sources()) / 10, longer


@promise("house:no-machine")
def test_no_tracked_file_names_a_path_of_a_machine() -> None:
    found: list[str] = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {trace[0]}" for trace in TRACES.finditer(text)]
    assert found == []


@promise("house:no-machine")
@pytest.mark.parametrize("name", LOCK_FILES)
def test_lock_files_name_public_registries_only(name: str) -> None:
    hosts = set(LOCKED_HOST.findall((ROOT / name).read_text(encoding="utf-8")))
    assert hosts <= PUBLIC_HOSTS


def test_a_strange_registry_would_be_found() -> None:
    assert LOCKED_HOST.findall('source = { registry = "https://mirror.local/simple" }') == ["mirror.local"]
    assert LOCKED_HOST.findall('"resolved": "http://mirror.local/x/-/x-1.tgz"') == ["mirror.local"]
    assert LOCKED_HOST.findall('sdist = { url = "https://pypi.org/x-1.tar.gz" }') == ["pypi.org"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names in a wheel built from this checkout, without the network where hatchling is installed."""
    out = tmp_path_factory.mktemp("dist")
    backend = [sys.executable, "-c", BUILD, str(out)]
    tries = [backend]
    if uv := shutil.which("uv"):
        tries += [[uv, "build", "--wheel", "--offline", "--out-dir", str(out)]]
        tries += [[uv, "build", "--wheel", "--out-dir", str(out)]]
    said = ""
    for command in tries:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == 0:
            [built] = out.glob("*.whl")
            with zipfile.ZipFile(built) as archive:
                return archive.namelist()
        said += done.stderr[-500:]
    if re.search(r"No module named|[Nn]etwork|offline|resolve|fetch|connect", said):
        pytest.skip(f"WHEEL NOT CHECKED: hatchling is neither installed nor to be had: {said[-300:]}")
    pytest.fail(f"the wheel can't be built:\n{said}")


BUILD = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"


@promise("house:wheel")
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_wheel_carries_all_rooms_and_their_data(wheel: list[str]) -> None:
    wanted = {f"bedrock_support/{room}/py.typed" for room in ROOMS} | {"bedrock_support/routing/matrix.toml"}
    assert wanted <= set(wheel)
    expected = {
        str(path.relative_to(ROOT / room))
        for room in ROOMS
        for path in (ROOT / room / "bedrock_support").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected <= set(wheel)


@promise("house:wheel")
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_wheel_carries_nothing_else(wheel: list[str]) -> None:
    assert "bedrock_support/__init__.py" not in wheel
    strange = [name for name in wheel if not re.match(r"bedrock_support/|bedrock_support-[^/]+\.dist-info/", name)]
    assert strange == []
    assert {name.split("/")[1] for name in wheel if name.startswith("bedrock_support/")} == set(ROOMS)
