from __future__ import annotations

import asyncio
import re
import sys

import httpx
import orjson
import pytest

from sandbox.app import TransportExposed, build
from sandbox.config import SandboxConfig
from sandbox.traffic import Traffic
from tests.unit.sandbox.conftest import MARIA
from tests.unit.sandbox.servers import listening_socket, no_tls, serving, until


async def test_a_message_is_answered_once_through_both_twins(talking):
    await talking.say("Oi, quero saber do plano", copies=5)
    await until(lambda: talking.world.ledger.proof(MARIA)["answered_once"] == 1)
    chat = (await talking.client.get(f"/control/chat/{MARIA}")).json()
    answers = [m for m in chat["messages"] if m["direction"] == "out"]
    assert len(answers) == 1
    assert "R$ 89,90" in answers[0]["content"]["text"]["body"]


async def test_simulated_customers_converse_and_taps_are_made_like_people(talking):
    traffic = Traffic(talking.world)
    customer = talking.world.customer(MARIA)
    assert await traffic.exchange(customer, ["qual o horário de vocês?"]) is True
    assert talking.world.ledger.proof(MARIA)["answered_once"] == 1


async def test_traffic_has_three_paces(stage):
    assert (await stage.control("traffic", {"pace": "full"}))["pace"] == "full"
    await until(stage.product.messages)
    assert (await stage.control("traffic", {"pace": "off"}))["pace"] == "off"
    assert (await stage.client.post("/control/traffic", json={"pace": "mad"})).status_code == 422


async def test_reset_forgets_messages_and_faults(stage):
    await stage.say("Oi")
    await stage.control("faults", {"meta": "html503"})
    await stage.control("reset")
    assert (await stage.client.get("/control/ledger")).json()["items"] == []
    assert (await stage.client.get("/control/faults")).json()["meta"] == "up"
    assert stage.world.people.find(MARIA) is not None


async def test_the_environment_for_the_product_is_offered(stage):
    env = (await stage.client.get("/control/env")).json()
    assert env["WHATSAPP_API_URL"] == f"{stage.base}/graph"
    assert env["ANTHROPIC_BASE_URL"] == f"{stage.base}/anthropic"
    assert env["WHATSAPP_PHONE_NUMBER_IDS"].count(",") == 2


async def test_the_page_needs_nothing_from_elsewhere(stage):
    page = await stage.client.get("/sandbox")
    assert 'lang="pt-BR"' in page.text
    for path in ("/sandbox/app.js", "/sandbox/style.css"):
        asset = await stage.client.get(path)
        assert asset.status_code == 200
        assert not re.search(r"https?://(?!www\.w3\.org)[a-z]", asset.text)
        assert path in page.text
    assert "innerHTML" not in (await stage.client.get("/sandbox/app.js")).text
    assert (await stage.client.get("/sandbox/../config.py")).status_code == 404
    assert (await stage.client.get("/control/docs")).status_code == 200


async def live_events(stage, wanted: str):
    async with stage.client.stream("GET", "/control/live", params={"customer": MARIA}) as answer:
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: ") and name == wanted:
                yield orjson.loads(line[6:])


async def test_the_feed_shows_the_chat_and_the_products_traces(talking):
    stages = []
    async with asyncio.timeout(10):
        async for chat in live_events(talking, "chat"):
            assert chat["customer"]["id"] == MARIA
            break
        reader = live_events(talking, "trace")
        first = asyncio.create_task(anext(reader))
        await until(lambda: talking.product.feeds)
        await talking.say("Oi")
        stages.append((await first)["stage"])
        async for trace in reader:
            stages.append(trace["stage"])
            if trace["stage"] == "send.posted":
                break
    assert stages[0] == "webhook.received"
    assert (
        stages.index("turn.started")
        < stages.index("turn.committed")
        < stages.index("number.chosen")
    )


async def test_the_inside_of_a_conversation_is_relayed_and_people_can_take_over(talking):
    await talking.say("Oi")
    await until(lambda: talking.world.ledger.proof(MARIA)["answered_once"] == 1)
    inside = (await talking.client.get(f"/control/inside/{MARIA}")).json()
    assert inside["conversation"]["mode"] == "agent"
    assert (await talking.control(f"inside/{MARIA}/takeover"))["epoch"] == 2
    inside = (await talking.client.get(f"/control/inside/{MARIA}")).json()
    assert inside["conversation"]["mode"] == "operator"
    await talking.control("product/pause")
    state = (await talking.client.get("/control/product")).json()
    assert (state["up"], state["system"]["ai_paused"]) == (True, True)
    assert state["system"]["model"]["rehearsal"] is True


async def test_only_a_listed_actor_can_be_killed(stage):
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(60)"
    )
    refused = await stage.client.post("/control/kill", json={"pid": victim.pid})
    assert refused.status_code == 404
    assert victim.returncode is None
    stage.product.actor_pids.append(victim.pid)
    assert (await stage.control("kill", {"pid": victim.pid}))["killed"] == victim.pid
    assert await asyncio.wait_for(victim.wait(), 5) == -9


async def test_a_missing_product_is_said_and_not_an_error():

    bound, nobody = listening_socket(), listening_socket()
    away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    nobody.close()
    config = SandboxConfig(
        port=bound.getsockname()[1],
        webhook_url=f"{away}/w",
        product_url=away,
        operator_email="a@b",
        operator_password="x",
    )
    app, _ = build(config)
    async with (
        serving((TransportExposed(app), bound)) as (base,),
        httpx.AsyncClient(base_url=base, verify=no_tls()) as client,
    ):
        state = (await client.get("/control/product")).json()
        assert state["up"] is False
        assert "sem resposta" in state["problem"]
        inside = (await client.get(f"/control/inside/{MARIA}")).json()
        assert (inside["up"], inside["conversation"]) == (False, None)
        refused = await client.post("/control/product/pause")
        assert refused.status_code == 502


@pytest.mark.parametrize("text", ["", "x" * 4096, "\u202eمرحبا", "👩‍👩‍👧‍👦", "a\x00b"])
async def test_any_text_can_be_written(stage, text):
    await stage.say(text)
    assert (await until(stage.product.messages))[0]["text"]["body"] == text
