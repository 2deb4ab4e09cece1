"""The dashboard's own lint, types and unit tests, run with whatever Node the build uses."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.running import ROOT

DASHBOARD = ROOT / "dashboard"
NPM = shutil.which("npm")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(NPM is None, reason="no npm on this machine"),
]


def npm(*arguments: str) -> None:
    assert NPM is not None
    done = subprocess.run(
        [NPM, *arguments], cwd=DASHBOARD, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (
        f"npm {' '.join(arguments)}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
    )


@pytest.fixture(scope="module", autouse=True)
def _packages() -> None:
    if not (DASHBOARD / "node_modules").exists():
        npm("ci", "--no-audit", "--no-fund")


@pytest.mark.parametrize("script", ["lint", "test"])
def test_the_dashboard_passes_its_own(script: str) -> None:
    npm("run", script)
