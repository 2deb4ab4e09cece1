from __future__ import annotations

from sandbox.config import FACADE_PNID
from tests.unit.sandbox.conftest import MARIA, staged
from tests.unit.sandbox.servers import until


async def test_statuses_come_in_order_with_callback_price_and_person(stage):
    stage.open_window()
    wamid = (await stage.text(biz_opaque_callback_data="att=1")).json()["messages"][0]["id"]
    await until(lambda: len(stage.product.statuses()) == 3)
    statuses = stage.product.statuses()
    assert [s["status"] for s in statuses] == ["sent", "delivered", "read"]
    assert {s["id"] for s in statuses} == {wamid}
    assert {s["biz_opaque_callback_data"] for s in statuses} == {"att=1"}
    assert statuses[0]["pricing"] == {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }
    assert statuses[0]["recipient_id"] == "553188887777"
    assert statuses[0]["timestamp"].isdigit()
    assert stage.product.updates()[0]["contacts"][0]["wa_id"] == "553188887777"
    assert "conversation" not in statuses[0]


async def test_service_messages_cost_after_a_thousand_free_ones(stage):
    stage.open_window()
    stage.world.numbers[FACADE_PNID].service_delivered = 1000
    await stage.text()
    statuses = await until(stage.product.statuses)
    assert statuses[0]["pricing"]["type"] == "regular"
    assert statuses[0]["pricing"]["billable"] is True


async def test_an_ad_makes_the_answer_a_free_entry_point(stage):
    referral = {
        "source_type": "ad",
        "source_id": "1",
        "source_url": "https://fb.me/x",
        "ctwa_clid": "A",
    }
    await stage.say("Quero saber mais", referral=referral)
    message = (await until(stage.product.messages))[0]
    assert message["referral"] == referral
    await stage.text()
    statuses = await until(stage.product.statuses)
    assert statuses[0]["pricing"]["type"] == "free_entry_point"
    assert statuses[0]["conversation"]["origin"] == {"type": "referral_conversion"}


async def test_a_reaction_only_gets_sent(stage):
    wamid = await stage.say("Oi")
    await stage.send({"type": "reaction", "reaction": {"message_id": wamid, "emoji": "👍"}})
    await stage.text(biz_opaque_callback_data="after")
    await until(
        lambda: any(
            s["status"] == "read" and s.get("biz_opaque_callback_data") == "after"
            for s in stage.product.statuses()
        )
    )
    reaction = [
        s["status"] for s in stage.product.statuses() if "biz_opaque_callback_data" not in s
    ]
    assert reaction == ["sent"]


async def test_the_ledger_keeps_everything_that_was_accepted(stage):
    said = await stage.say("Oi")
    await stage.text("Olá", biz_opaque_callback_data="att=7")
    await until(lambda: any(s["status"] == "read" for s in stage.product.statuses()))
    ledger = (await stage.client.get("/control/ledger", params={"customer": MARIA})).json()["items"]
    assert [(e["direction"], e["status"]) for e in ledger] == [("in", "taken"), ("out", "read")]
    assert ledger[0]["wamid"] == said
    assert ledger[1]["callback"] == "att=7"
    assert ledger[1]["content"]["text"]["body"] == "Olá"
    assert ledger[1]["sent_at"] <= ledger[1]["delivered_at"] <= ledger[1]["read_at"]


async def test_the_proof_counts_answers_per_group_of_messages(stage):
    await stage.say("Oi")
    await stage.say("tudo bem?")
    first = (await stage.client.get("/control/proof", params={"customer": MARIA})).json()
    assert (first["groups"], first["unanswered"]) == (1, 1)
    await stage.text("Olá", biz_opaque_callback_data="a")
    once = (await stage.client.get("/control/proof", params={"customer": MARIA})).json()
    assert (once["answered_once"], once["unanswered"], once["same_content_twice"]) == (1, 0, [])
    await stage.text("Olá", biz_opaque_callback_data="a")
    twice = (await stage.client.get("/control/proof")).json()
    assert twice["answered_more"] == 1
    assert len(twice["same_content_twice"]) == 1
    assert twice["same_callback_twice"] == ["a"]


async def test_a_tapped_button_answers_the_message_it_stood_on(stage):
    stage.open_window()
    action = {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Aceito"}}]}
    part = {"type": "button", "body": {"text": "Aceita?"}, "action": action}
    sent = (await stage.send({"type": "interactive", "interactive": part})).json()["messages"][0][
        "id"
    ]
    await stage.control("tap", {"customer": MARIA, "wamid": sent, "choice": "Aceito"})
    message = (await until(stage.product.messages))[0]
    assert message["interactive"] == {
        "type": "button_reply",
        "button_reply": {"id": "yes", "title": "Aceito"},
    }
    assert message["context"] == {"from": "5511987654321", "id": sent}
    wrong = await stage.client.post(
        "/control/tap", json={"customer": MARIA, "wamid": sent, "choice": "x"}
    )
    assert wrong.status_code == 404


async def test_a_customer_can_change_the_number(stage):
    answer = await stage.client.patch(f"/control/customers/{MARIA}", json={"phone": "31977776666"})
    assert answer.status_code == 200
    message = (await until(stage.product.messages))[0]
    assert message["type"] == "system"
    assert message["system"]["wa_id"] == "553177776666"
    assert message["system"]["previous_user_id"] != message["system"]["user_id"]
    assert "contacts" not in stage.product.updates()[0]


async def test_a_restart_keeps_the_conversation_and_finishes_the_ticks(tmp_path):
    async with staged(data_dir=tmp_path) as before:
        before.open_window()
        await before.control("faults", {"status_scale": 1000})
        await before.text("antes", biz_opaque_callback_data="kept")
    async with staged(data_dir=tmp_path) as after:
        assert [e["content"]["text"]["body"] for e in after.world.ledger.chat(MARIA)] == ["antes"]
        statuses = await until(after.product.statuses)
        assert statuses[0]["biz_opaque_callback_data"] == "kept"
