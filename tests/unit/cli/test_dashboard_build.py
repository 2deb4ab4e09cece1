"""The dashboard is built when its sources changed, and a failure is one line."""

from __future__ import annotations

import io
import stat

import pytest
from rich.console import Console

from cli import dashboard_build, up
from cli.checkout import Checkout
from cli.dashboard_build import NODE_MB, NPM_MB, BuildFailedError, DashboardBuild
from cli.steps import Steps

NPM = """#!/bin/sh
echo "$*" >> calls
case "$1" in
ci) mkdir -p node_modules;;
run) test ! -e fail || exit 1; mkdir -p dist; echo built > dist/index.html;;
esac
"""


@pytest.fixture
def dashboard(tmp_path, monkeypatch):
    place = tmp_path / "dashboard"
    (place / "src").mkdir(parents=True)
    (place / "package.json").write_text("{}", "utf-8")
    (place / "package-lock.json").write_text("{}", "utf-8")
    (place / "src" / "main.tsx").write_text("one", "utf-8")
    npm = tmp_path / "npm"
    npm.write_text(NPM, "utf-8")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(dashboard_build, "find_node", lambda: [str(npm)])
    return place


@pytest.fixture
def build(dashboard, tmp_path):
    return DashboardBuild(dashboard, tmp_path / "logs" / "dashboard.log")


def test_it_is_built_once(build, dashboard):
    assert not build.is_current()
    build.build()
    assert build.is_current()
    assert (dashboard / "dist" / "index.html").exists()


def test_a_changed_source_is_built_again_without_installing_again(build, dashboard):
    build.build()
    (dashboard / "src" / "main.tsx").write_text("two", "utf-8")
    assert not build.is_current()
    build.build()
    assert (dashboard / "calls").read_text("utf-8").splitlines() == [
        "ci --no-audit --no-fund", "run build", "run build",
    ]  # fmt: skip


def test_a_changed_lock_is_installed_again(build, dashboard):
    build.build()
    (dashboard / "package-lock.json").write_text('{"new": 1}', "utf-8")
    build.build()
    assert (dashboard / "calls").read_text("utf-8").count("ci ") == 2


def test_a_failed_build_is_one_line_that_names_the_log(build, dashboard):
    (dashboard / "fail").touch()
    with pytest.raises(
        BuildFailedError, match=r"^painel não construído: npm run build falhou .*\.log\)$"
    ):
        build.build()
    assert not build.is_current()


def test_without_node_the_one_from_a_wheel_is_tried_and_a_failure_is_one_line(
    build, monkeypatch, tmp_path
):
    monkeypatch.setattr(dashboard_build, "find_node", lambda: None)
    monkeypatch.setattr(dashboard_build, "ROOT", tmp_path)
    with pytest.raises(BuildFailedError, match=r"a instalação do Node \(pip\) falhou"):
        build.build()


def test_how_much_will_be_fetched_is_known_before_it_begins(build, dashboard, monkeypatch):
    assert build.download_mb() == NPM_MB
    build.build()
    assert build.download_mb() == 0
    (dashboard / "package-lock.json").write_text('{"new": 1}', "utf-8")
    monkeypatch.setattr(dashboard_build, "find_node", lambda: None)
    assert build.download_mb() == NODE_MB + NPM_MB


@pytest.mark.parametrize(
    ("megabytes", "says"),
    [(NPM_MB, "perto de 120 MB de download desta vez"), (0, "sem download")],
)
def test_the_start_says_how_much_before_it_fetches(
    build, dashboard, monkeypatch, tmp_path, megabytes, says
):
    said: list[str] = []
    monkeypatch.setattr(DashboardBuild, "download_mb", lambda _: megabytes)
    monkeypatch.setattr(DashboardBuild, "build", lambda _: said.append("fetched"))
    steps = Steps(Console(file=io.StringIO()))
    monkeypatch.setattr(steps, "say", said.append)
    monkeypatch.setattr(up, "ROOT", dashboard.parent)
    up.build_dashboard(steps, Checkout(tmp_path / "state"))
    assert said[0].endswith(says)
    assert said[1] == "fetched"
