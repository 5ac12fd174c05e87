"""The wheel carries everything: rules, samples, maps and grammars work outside a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
PARTS = ("pyproject.toml", "README.md", "LICENSE", "tools", "backends", "rules", "samples")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing else of ours."""
    source = tmp_path_factory.mktemp("source")
    for part in PARTS:
        path = HOUSE / part
        if path.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(path, source / part, symlinks=True, ignore=ignore)
        else:
            shutil.copy(path, source / part)
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, source]
    subprocess.run(build, check=True)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True)
    return target


def run(installed: Path, folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(installed)!r}); import hafnium.cli as c; c.main()"
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *map(str, words)],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        text=True,
        capture_output=True,
        check=False,
    )


def test_build_test_and_hunt_work_from_any_folder(installed: Path, tmp_path: Path) -> None:
    where = f"import sys; sys.path.insert(0, {str(installed)!r}); import hafnium; print(hafnium)"
    seen = subprocess.run(
        [sys.executable, "-P", "-c", where],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=True,
    )
    assert str(installed) in seen.stdout
    built = run(installed, tmp_path, "build", "--out", "out")
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "out/manifest.json").exists()
    tested = run(installed, tmp_path, "test", "--engine", "sigma")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    hunted = run(installed, tmp_path, "hunt", HOUSE / "samples/proxylogon-2016")
    assert hunted.returncode == 0, hunted.stderr
    assert "critical" in hunted.stdout


def test_the_wheel_is_typed(installed: Path) -> None:
    assert (installed / "hafnium/py.typed").exists()
