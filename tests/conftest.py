"""Fixtures everybody uses, and the guards that keep tests where they say they are."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import structlog
from hypothesis import settings

from config.settings import Settings
from storage.embedded.postgres import EmbeddedPostgres
from tests.running import RunningVitrine, running_vitrine
from tests.services import Services, running_services

ROOT = Path(__file__).parent
FOLDERS = ("unit", "contracts", "model", "integration", "ray", "e2e", "browser", "chaos")
# A million steps instead of a few thousand; see tests/model.
settings.register_profile("nightly")

RAY_FOLDERS = ("ray", "e2e", "browser", "chaos")


# -- servers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """The session's servers, started on first use."""
    with running_services() as running:
        yield running


@pytest.fixture(scope="session")
def pg_server(services: Services) -> EmbeddedPostgres:
    """The running PostgreSQL: `.dsn(database)` is the administrator's connection string."""
    return services.postgres


@pytest.fixture(scope="session")
def postgres_dsn(services: Services) -> str:
    """The administrator's DSN, of the maintenance database."""
    return services.postgres_dsn()


@pytest.fixture
def database(services: Services) -> Iterator[str]:
    """The DSN of a migrated database nobody else uses; dropped afterwards."""
    name = services.create_database()
    yield services.postgres_dsn(name)
    services.drop_database(name)


@pytest.fixture
def empty_database(services: Services) -> Iterator[str]:
    """The DSN of a database without any table."""
    name = services.create_database(template="template1")
    yield services.postgres_dsn(name)
    services.drop_database(name)


@pytest.fixture
def redis_url(services: Services) -> str:
    """A Valkey without a single key."""
    return services.flushed_redis()


@pytest.fixture(scope="session")
def vitrine() -> Iterator[RunningVitrine]:
    """A whole Vitrine with its sandbox, started on first use and shared by the session."""
    with running_vitrine(failpoints=True) as running:
        yield running


# -- guards ----------------------------------------------------------------------------------------


def pytest_configure() -> None:
    """The person's own settings must not reach a test; what is logged is told in plain text.

    structlog's own default draws a traceback with every local variable: seconds for a deep one.
    """
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])
    os.environ["VITRINE_ENV_FILE"] = os.devnull
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        os.environ.pop(alias if isinstance(alias, str) else name.upper(), None)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> None:
    if not file_path.name.startswith("test_") or file_path.suffix != ".py":
        return
    if ROOT in file_path.parents and file_path.relative_to(ROOT).parts[0] not in FOLDERS:
        message = f"{file_path.relative_to(ROOT.parent)}: put it into one of {', '.join(FOLDERS)}"
        raise pytest.UsageError(message)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap tests first, so that a mistake shows early."""
    items.sort(key=lambda item: FOLDERS.index(_folder(item)) if _folder(item) in FOLDERS else -1)


@pytest.fixture(autouse=True)
def _ray_stays_in_its_folders(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    if _folder(request.node) in RAY_FOLDERS:
        yield
        return
    if (ray := sys.modules.get("ray")) is not None:
        monkeypatch.setattr(ray, "init", _refuse_ray)
    yield
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        ray.shutdown()
        pytest.fail("this test started Ray: move it to tests/ray")


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """A test that reaches for the internet fails; it neither hangs nor passes by luck."""
    ours = {
        address.address.split("%", 1)[0]
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
    }
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(self: socket.socket, address: Any) -> None:
        _check_loopback(self, address, ours)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        _check_loopback(self, address, ours)
        return connect_ex(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded)
    patch.setattr(socket.socket, "connect_ex", guarded_ex)
    yield
    patch.undo()


def _check_loopback(one: socket.socket, address: Any, ours: set[str]) -> None:
    if one.family not in {socket.AF_INET, socket.AF_INET6} or one.type != socket.SOCK_STREAM:
        return
    host = str(address[0]).split("%", 1)[0]
    if host in {"localhost", ""} or host in ours or _is_loopback(host):
        return
    message = f"a test tried to reach {host}:{address[1]}; only this machine is allowed"
    raise RuntimeError(message)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_ray(*_args: object, **_options: object) -> None:
    pytest.fail("ray.init is for tests/ray, tests/e2e, tests/browser and tests/chaos")


def _folder(node: pytest.Item) -> str:
    path = node.path
    return path.relative_to(ROOT).parts[0] if ROOT in path.parents else ""
