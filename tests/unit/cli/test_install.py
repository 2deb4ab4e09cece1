"""What `make` says about a Python that cannot be used."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cli.install import WRAPPER, unfit

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13), (3, 14)])
def test_a_python_with_a_ray_wheel_is_fit(version):
    assert unfit(version, has_ensurepip=True) is None


@pytest.mark.parametrize("version", [(3, 10), (3, 15)])
def test_a_python_without_one_is_one_line(version):
    line = unfit(version, has_ensurepip=True)
    assert line is not None
    assert line.startswith(f"Python {version[0]}.{version[1]} não serve: instale um de 3.11 a 3.14")


def test_a_python_without_venv_names_the_package():
    line = unfit((3, 12), has_ensurepip=False)
    assert line is not None
    assert "-venv" in line


def test_make_without_any_python_is_one_line(tmp_path):
    """A PATH with nothing but make's own tools."""
    for tool in ("make", "sh", "awk", "rm", "find"):
        found = next(
            (p for p in (Path("/usr/bin") / tool, Path("/bin") / tool) if p.exists()), None
        )
        if found is not None:
            (tmp_path / tool).symlink_to(found)
    result = subprocess.run(
        [str(tmp_path / "make"), "-C", str(ROOT), "install"],
        env={"PATH": str(tmp_path), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "✗ nenhum Python de 3.11 a 3.14 foi encontrado: instale um" in result.stderr


def test_the_command_finds_its_python_wherever_it_is_linked_from(tmp_path):
    place = tmp_path / "venv" / "bin"
    place.mkdir(parents=True)
    (place / "python").write_text('#!/bin/sh\necho "ran $*"\n', "utf-8")
    (place / "vitrine").write_text(WRAPPER, "utf-8")
    for one in place.iterdir():
        one.chmod(0o755)
    (tmp_path / "vitrine").symlink_to(place / "vitrine")
    result = subprocess.run(
        [str(tmp_path / "vitrine"), "status"], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("ran -P -c")
    assert result.stdout.strip().endswith("status")
