"""The environment of the process that holds Ray: whose token opens whose cluster."""

from __future__ import annotations

import pytest

from cli import cluster
from cli.checkout import Checkout
from cli.child import _inherited
from cli.ports import CheckoutPorts
from cli.services import environment_of, ray_token
from config.settings import read_settings

PORTS = CheckoutPorts(
    http=8003, http_wanted=8000, sandbox=15001, ray_dashboard=15002, haproxy_stats=15003,
    haproxy_metrics=15004, fallback_http=15005, fallback_grpc=15006, direct_http=15100,
    direct_grpc=15200,
)  # fmt: skip
THEIRS = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "the clusters own",
    "RAY_AUTH_TOKEN_PATH": "/etc/ray/token",
}


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Checkout:
    for name in THEIRS:
        monkeypatch.delenv(name, raising=False)
    made = Checkout(tmp_path / "state")
    made.make()
    return made


def what_ray_sees(checkout: Checkout, **given: str) -> dict[str, str]:
    settings = read_settings(_env_file=None, data_dir=checkout.folder, **given)
    return {**_inherited(), **environment_of(settings, PORTS, checkout)}


def test_a_cluster_of_our_own_asks_for_the_token_of_this_checkout(checkout, monkeypatch):
    for name, value in THEIRS.items():
        monkeypatch.setenv(name, value)
    seen = what_ray_sees(checkout)
    assert (seen["RAY_AUTH_MODE"], seen["RAY_AUTH_TOKEN"]) == ("token", ray_token(checkout))
    assert "RAY_ADDRESS" not in seen


@pytest.mark.parametrize("given", [THEIRS, {"RAY_AUTH_MODE": "disabled"}, {}], ids=str)
def test_a_cluster_that_runs_already_is_joined_as_the_person_says(checkout, monkeypatch, given):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    seen = what_ray_sees(checkout, ray_address="ray://10.0.0.5:10001")
    assert {name: seen[name] for name in THEIRS if name in seen} == given
    assert seen["RAY_ADDRESS"] == "ray://10.0.0.5:10001"
    assert not (checkout.folder / "ray-token").exists()


def test_the_rest_interface_is_asked_with_the_token_ray_itself_takes(
    checkout, monkeypatch, tmp_path
):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cluster._auth_token() == ""
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("default\n", "utf-8")
    assert cluster._auth_token() == "default"
    (tmp_path / "token").write_text("by path\n", "utf-8")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert cluster._auth_token() == "by path"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "by name")
    assert cluster._auth_token() == "by name"
