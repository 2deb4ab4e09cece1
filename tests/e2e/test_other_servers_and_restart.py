"""The same processes serve any conforming Graph and model; Ctrl-C leaves nothing; a restart goes on."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from integrations.whatsapp.signature import SIGNATURE_HEADER, sign
from tests.house import FACADE, WABA, inbound, webhook
from tests.running import ROOT, RunningVitrine, running_vitrine, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def outside() -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "tests.e2e.outside", str(port)], cwd=ROOT)
    try:
        wait_for("the outside servers", lambda: answers(f"{url}/sent"))
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def environment(outside: str) -> dict[str, str]:
    """Settings as for Meta, pointing elsewhere; none of them turns anything off."""
    return {
        "WHATSAPP_API_URL": f"{outside}/graph",
        "ANTHROPIC_BASE_URL": f"{outside}/model",
        "ANTHROPIC_API_KEY": "key-of-the-outside-model",
        "WHATSAPP_ACCESS_TOKEN": "token",
        "WHATSAPP_APP_SECRET": "the-app-secret",
        "WHATSAPP_VERIFY_TOKEN": "the-verify-token",
        "WHATSAPP_BUSINESS_ACCOUNT_ID": WABA,
        "WHATSAPP_PHONE_NUMBER_IDS": FACADE,
        "WHATSAPP_FACADE_NUMBER": "+551130001234",
        "JWT_SECRET": "0123456789abcdef0123456789abcdef",
        "DATA_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "ADMIN_EMAIL": "chefe@example.com",
        "ADMIN_PASSWORD": "uma-senha-comprida",
        "AI_CONSENT": "notice",
        "DEDICATED_ACTORS_MAX": "0",
    }


def post(url: str, text: str) -> None:
    body = webhook(inbound(text, wamid=f"wamid.E2E{time.time_ns()}"))
    headers = {SIGNATURE_HEADER: sign(body, "the-app-secret")}
    door = f"{url}/webhook/whatsapp"
    answer = httpx.post(door, content=body, headers=headers, trust_env=False)
    assert answer.status_code == 200


def texts(outside: str) -> list[str]:
    sent = httpx.get(f"{outside}/sent", trust_env=False).json()
    return [m["text"]["body"] for m in sent if m["type"] == "text"]


def listening(vitrine: RunningVitrine) -> set[tuple[str, int]]:
    """The addresses on which its processes listen."""
    found = set()
    own = psutil.Process(vitrine.process.pid)
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {
                (one.laddr.ip, one.laddr.port)
                for one in process.net_connections(kind="tcp")
                if one.status == psutil.CONN_LISTEN
            }
    return found


def test_any_conforming_graph_and_model_serve_and_a_restart_continues(outside, tmp_path, vitrine):
    """Beside another Vitrine of the machine, whose doors are its own."""
    folder = Path(tmp_path)
    for parent in (folder, *folder.parents):
        if parent.name.startswith("pytest-of-"):
            break
        parent.chmod(0o755)
    with running_vitrine(folder / "v", environment=environment(outside)) as started:
        assert started.record["sandbox_url"] is None
        post(started.url, "Bom dia, tudo certo?")
        wait_for("notice and answer", lambda: len(texts(outside)) >= 2)
        assert "assistente virtual" in texts(outside)[0]
        assert texts(outside)[1] == "Bom dia! Como posso ajudar?"
        assert started.http.get(f"{started.url}/sandbox").status_code == 404
        assert listening(started)
        assert listening(started).isdisjoint(listening(vitrine))
        assert started.stop() == 0
    with running_vitrine(folder / "v", environment=environment(outside)) as started:
        headers = started.login("chefe@example.com", "uma-senha-comprida")
        listed = started.api("GET", "/conversations", headers)["items"]
        assert len(listed) == 1
        post(started.url, "Voltei. Ainda estão aí?")
        wait_for("the answer after the restart", lambda: len(texts(outside)) >= 3)
        shown = started.api("GET", f"/conversations/{listed[0]['id']}", headers)
        assert len([m for m in shown["messages"] if m["author"] == "contact"]) == 2
