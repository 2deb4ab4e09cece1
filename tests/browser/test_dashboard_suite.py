"""The dashboard's own lint, types and unit tests, run with the very Node and packages of the build."""

from __future__ import annotations

import subprocess

import pytest

from cli.dashboard_build import BuildFailedError, DashboardBuild, environment_for, find_node
from tests.running import ROOT

DASHBOARD = ROOT / "dashboard"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def npm(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs npm; Node and packages are fetched once where they are missing."""
    build = DashboardBuild(DASHBOARD, tmp_path_factory.mktemp("dashboard") / "build.log")
    try:
        return build.prepare()
    except BuildFailedError as failure:
        if find_node() is None:
            pytest.skip(f"no Node here, and none could be fetched: {failure}")
        raise


@pytest.mark.parametrize("script", ["lint", "test"])
def test_the_dashboard_passes_its_own(script: str, npm: list[str]) -> None:
    done = subprocess.run(
        [*npm, "run", script],
        cwd=DASHBOARD,
        env=environment_for(npm),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"npm run {script}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
