"""The embedded Valkey: loopback, a password, little memory, nothing on disk."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from cli.supervision import Supervisor
from storage.embedded.valkey import EmbeddedValkey

pytestmark = pytest.mark.redis


@pytest.fixture
def server(tmp_path):
    one = EmbeddedValkey(tmp_path / ".vitrine")
    yield one
    one.stop()


def test_it_answers_and_keeps_port_and_password(server, tmp_path):
    server.start()
    url = server.url()
    with Redis.from_url(url) as client:
        assert client.ping()
        assert client.config_get("maxmemory") == {"maxmemory": str(64 * 2**20)}
        assert client.config_get("save") == {"save": ""}
    server.stop()
    again = EmbeddedValkey(tmp_path / ".vitrine")
    again.start()
    try:
        assert again.url() == url
    finally:
        again.stop()


def test_nobody_without_the_password_gets_in(server):
    server.start()
    with Redis(port=server.port) as client, pytest.raises(AuthenticationError):
        client.ping()
    listening = {
        c.laddr.ip for c in psutil.Process(server.pid).net_connections() if c.status == "LISTEN"
    }
    assert listening == {"127.0.0.1"}


def test_a_killed_server_comes_back(server):
    supervisor = Supervisor(lambda _line: None)
    supervisor.start(server)
    os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while supervisor.tick() != ["Valkey"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with Redis.from_url(server.url()) as client:
        assert client.ping()


def test_an_orphan_is_replaced(server, tmp_path):
    server.start()
    orphan = psutil.Process(server.pid)
    second = EmbeddedValkey(tmp_path / ".vitrine")
    second.start()
    try:
        assert not server.is_running()
        assert not orphan.is_running()
        assert second.port == server.port
    finally:
        second.stop()
