from __future__ import annotations

from sandbox.config import SandboxConfig
from sandbox.faults import Faults
from sandbox.webhooks import Webhooks, envelope
from tests.unit.sandbox.conftest import MARIA
from tests.unit.sandbox.servers import until


async def test_copies_are_the_same_bytes_again(stage):
    wamid = await stage.say("Oi", copies=5)
    await until(lambda: len(stage.product.received) == 5)
    assert {m["id"] for m in stage.product.messages()} == {wamid}
    assert all(payload == stage.product.received[0] for payload in stage.product.received)


async def test_the_last_message_can_be_delivered_again(stage):
    wamid = await stage.say("Oi")
    await until(stage.product.messages)
    await stage.control("repeat", {"customer": MARIA, "times": 5})
    await until(lambda: len(stage.product.received) == 6)
    assert [m["id"] for m in stage.product.messages()] == [wamid] * 6


async def test_duplicates_can_be_the_rule(stage):
    await stage.control("faults", {"duplicates": 2})
    await stage.say("Oi")
    await until(lambda: len(stage.product.received) == 3)


async def test_a_refused_webhook_is_delivered_again_until_it_is_taken(stage):
    await stage.control("faults", {"retry_base_s": 0.01})
    stage.product.refuse = 4
    await stage.say("Oi")
    await until(stage.product.messages)
    log = (await stage.client.get("/control/webhooks")).json()["items"]
    assert (log[0]["tries"], log[0]["http"], log[0]["done"]) == (5, 200, True)


def test_pauses_between_tries_grow():
    hooks = Webhooks(SandboxConfig(port=1), Faults())
    pauses = [hooks._pause_after(n) for n in range(1, 14)]
    assert pauses[:5] == [0.0, 1.0, 2.0, 4.0, 8.0]
    assert pauses[-1] == 600.0


async def test_paused_webhooks_are_held_and_released_in_order(stage):
    await stage.control("faults", {"webhooks_paused": True, "batch_max": 10})
    texts = [f"m{i}" for i in range(4)]
    for text in texts:
        await stage.say(text)
    assert stage.product.received == []
    assert stage.world.webhooks.waiting() == 4
    await stage.control("faults", {"webhooks_paused": False})
    await until(stage.product.messages)
    assert [m["text"]["body"] for m in stage.product.messages()] == texts
    assert len(stage.product.received) == 1


async def test_a_batch_is_one_post_with_up_to_a_thousand_updates(stage):
    said = [{"customer": f"55119{80000000 + i % 50}", "text": f"m{i}"} for i in range(1000)]
    answer = await stage.control("batch", {"messages": said})
    await until(lambda: len(stage.product.messages()) == 1000)
    assert len(stage.product.received) == 1
    assert [m["id"] for m in stage.product.messages()] == answer["wamids"]


async def test_updates_collect_into_batches(stage):
    await stage.control("faults", {"batch_max": 3, "batch_wait_ms": 5000})
    for index in range(3):
        await stage.say(f"m{index}")
    await until(stage.product.messages)
    assert len(stage.product.received) == 1


async def test_disorder_loses_nothing(stage):
    await stage.control("faults", {"disorder": True, "duplicates": 1})
    sent = {await stage.say(f"m{i}") for i in range(8)}
    await until(lambda: len(stage.product.messages()) == 16)
    assert {m["id"] for m in stage.product.messages()} == sent


async def test_a_late_message_carries_its_own_time(stage):
    await stage.say("de ontem", age_s=86_400)
    message = (await until(stage.product.messages))[0]
    entry = stage.world.ledger.chat(MARIA)[0]
    assert entry["at"] - int(message["timestamp"]) >= 86_399


async def test_statuses_and_messages_travel_when_meta_answers_503(stage):
    await stage.control("faults", {"meta": "html503"})
    await stage.say("Oi")
    await until(stage.product.messages)


async def test_an_unknown_switch_is_named(stage):
    answer = await stage.client.post("/control/faults", json={"mtea": "up"})
    assert answer.status_code == 422
    assert "mtea" in answer.text


async def test_samples_arrive_as_media_with_a_digest(stage):
    await stage.control("say", {"customer": MARIA, "sample": "audio"})
    message = (await until(stage.product.messages))[0]
    assert message["audio"]["voice"] is True
    assert message["audio"]["mime_type"] == "audio/ogg; codecs=opus"
    described = (await stage.get(message["audio"]["id"])).json()
    assert bytes.fromhex(described["sha256"])
    headers = {"Authorization": f"Bearer {stage.world.config.access_token}"}
    data = (await stage.client.get(described["url"], headers=headers)).content
    assert data.startswith(b"OggS")


def test_only_account_fields_carry_a_time():
    mixed = envelope([{"field": "messages", "value": {}}, {"field": "account_update", "value": {}}])
    assert ["time" in e for e in mixed["entry"]] == [False, True]
