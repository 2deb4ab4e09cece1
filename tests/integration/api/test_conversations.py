from __future__ import annotations

from uuid import UUID

import pytest

from domain.ids import new_id
from tests.house import inbound, store
from tests.integration.api.desk import Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


async def names(client, **params) -> list[str]:
    answer = await client.get("/conversations", params=params)
    assert answer.status_code == 200, answer.text
    return [item["contact"]["name"] for item in answer.json()["items"]]


async def test_the_inbox_shows_what_the_contract_says(desk: Desk):
    conversation_id = await desk.conversation("Oi, quero saber do plano")
    [item] = (await desk.ana.get("/conversations")).json()["items"]
    assert item["id"] == str(conversation_id)
    assert item["contact"]["phone"] == "+55 31 98888-7777"
    assert item["last_message"]["text"] == "Oi, quero saber do plano"
    assert item["mode"] == "agent"
    assert item["awaiting"] in {"quiet", "turn"}
    assert item["unread_count"] == 1
    assert item["window_open_until"].endswith("Z")
    assert (item["handoff"], item["assignee"], item["cost_brl_centavos"]) == (None, None, 0)


async def test_a_seller_sees_only_own_conversations_with_masked_phones(desk: Desk):
    own = await desk.conversation("minha", wa_id="553188887777", name="Minha", to="bia")
    foreign = await desk.conversation("alheia", wa_id="553188886666", name="Alheia", to="caio")
    free = await desk.conversation("livre", wa_id="553188885555", name="Livre")
    assert await names(desk.bia) == ["Minha"]
    [item] = (await desk.bia.get("/conversations")).json()["items"]
    assert item["contact"]["phone"] == "+55 31 •••••-7777"
    assert "88887777" not in (await desk.bia.get(f"/conversations/{own}")).text
    for other in (foreign, free, new_id()):
        assert (await desk.bia.get(f"/conversations/{other}")).status_code == 404
    assert await names(desk.bia, q="alheia") == []
    assert await names(desk.bia, assignee=str(desk.people["caio"].id)) == []
    assert sorted(await names(desk.ana)) == ["Alheia", "Livre", "Minha"]


async def test_search_finds_by_phone_in_any_form_by_name_and_by_words(desk: Desk):
    await desk.conversation(
        "quero ver o plano pre% pago", wa_id="553188887777", name="João da Silva"
    )
    await desk.conversation("bom dia", wa_id="552177776666", name="Outra Pessoa")
    phones = [
        "88887777",
        "8888-7777",
        "(31) 98888-7777",
        "31 8888-7777",
        "+55 31 8888 7777",
        "5531988887777",
        "031 98888",
    ]
    for q in [*phones, "joão", "JOAO", "silva", "planos", "PLANO", "pre%"]:
        assert await names(desk.ana, q=q) == ["João da Silva"], q


async def test_search_text_is_data_and_never_syntax(desk: Desk):
    await desk.conversation("bom dia", name="Pessoa", to="bia")
    for q in ["%", "_", "\\", "'", "' OR 1=1 --", "a & | !", "(", "\x00", "😀", "99999"]:
        for client in (desk.ana, desk.bia):
            assert await names(client, q=q) == [], q


async def test_pages_follow_each_other_without_gap_or_repeat(desk: Desk):
    for n in range(7):
        await desk.conversation("Oi", wa_id=f"55318888777{n}", name=f"P{n}")
    # Equal times are told apart by id.
    await desk.pool.execute("UPDATE conversations SET updated_at = '2026-01-01' WHERE id IN (SELECT id FROM conversations ORDER BY id LIMIT 4)")  # fmt: skip
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await desk.ana.get("/conversations", params=params)).json()
        seen += [item["contact"]["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert sorted(seen) == [f"P{n}" for n in range(7)]


async def test_a_bad_filter_is_refused_by_name(desk: Desk):
    bad: list[tuple[str, str]] = [
        ("cursor", "abc"), ("cursor", "MjAyNg"), ("limit", "0"), ("limit", "201"), ("mode", "robot"),
        ("assignee", "joana"), ("queue", "perhaps"), ("q", "x" * 201),
    ]  # fmt: skip
    for name, value in bad:
        answer = await desk.ana.get("/conversations", params={name: value})
        assert answer.status_code == 422, name
        assert name in answer.json()["errors"][0]["field"]


async def test_filters_by_mode_queue_and_assignee(desk: Desk):
    await desk.conversation(wa_id="553188887771", name="IA")
    b = await desk.conversation(wa_id="553188887772", name="Fila")
    c = await desk.conversation(wa_id="553188887773", name="Pessoa")
    assert (await desk.ana.post("/escalate", json={"conversation_id": str(b), "reason": "quer gente"})).status_code == 200  # fmt: skip
    assert (await desk.ana.post(f"/conversations/{c}/takeover")).status_code == 200
    assert await names(desk.ana, mode="operator") == ["Pessoa"]
    assert await names(desk.ana, queue="true") == ["Fila"]
    assert await names(desk.ana, assignee="me") == ["Pessoa"]
    assert sorted(await names(desk.ana, assignee="none")) == ["Fila", "IA"]
    assert sorted(await names(desk.ana, mode="agent")) == ["Fila", "IA"]
    item = (await desk.ana.get(f"/conversations/{b}")).json()
    assert (item["handoff"]["reason"], item["handoff"]["position"]) == ("quer gente", 1)


async def test_one_conversation_tells_its_whole_story(desk: Desk):
    conversation_id = await desk.conversation("Oi")
    turn_id = new_id()
    await desk.pool.execute(
        "INSERT INTO turns (id, conversation_id, epoch, version, state, playbook, inputs, reply, model_calls,"
        " input_tokens, cost_micros, latency, outcome, started_at, actor)"
        " VALUES ($1, $2, 1, 1, 'superseded', 'sales', '[]', $3, $4, 120, 4321, $5, 'x', now(), $6)",
        turn_id, conversation_id, {"message": "Olá", "next_action": "continue"},
        [{"model": "m", "input_tokens": 120}], {"total": 900}, {"name": "conversations/0", "pid": 1},
    )  # fmt: skip
    await desk.pool.execute(
        "INSERT INTO actor_beats (name, kind, actor_id, node, pid, memory_bytes, residents, started_at)"
        " VALUES ('conversations/0', 'shared', 'a1', 'n1', 77, 1, $1, now())",
        [
            {
                "id": str(conversation_id),
                "mailbox": 2,
                "epoch": 1,
                "last_turn_at": None,
                "state": "idle",
            }
        ],
    )
    await desk.ana.post(f"/conversations/{conversation_id}/notes", json={"text": "cliente antigo"})
    story = (await desk.ana.get(f"/conversations/{conversation_id}")).json()
    assert [m["text"] for m in story["messages"]] == ["Oi"]
    assert story["messages"][0]["content"]["kind"] == "text"
    [turn] = story["turns"]
    assert (turn["tokens"]["input"], turn["cost_usd_micros"], turn["latency_ms"]["total"]) == (
        120,
        4321,
        900,
    )
    assert [(n["author"], n["text"]) for n in story["notes"]] == [("Ana", "cliente antigo")]
    kinds = [entry["kind"] for entry in story["timeline"]]
    assert kinds[0] == "opened"
    assert {"turn.superseded", "conversation.note"} <= set(kinds)
    assert (story["actor"]["pid"], story["actor"]["mailbox"]) == (77, 2)
    assert story["consent"]["state"] == "none"
    assert (story["epoch"], story["earlier_messages"], story["case"]) == (1, False, None)


async def test_a_long_conversation_is_read_in_parts(desk: Desk):
    conversation_id = await desk.conversation("primeira")
    await desk.pool.execute(
        "INSERT INTO messages (id, conversation_id, direction, author, content, body, status)"
        " SELECT gen_random_uuid(), $1, 'outbound', 'agent', '{}', 'm' || n, 'sent' FROM generate_series(1, 250) n",
        conversation_id,
    )  # fmt: skip
    newest = (await desk.ana.get(f"/conversations/{conversation_id}")).json()
    assert newest["earlier_messages"]
    assert (len(newest["messages"]), newest["messages"][-1]["text"]) == (200, "m250")
    before = {"messages_before": newest["messages"][0]["seq"]}
    earlier = (await desk.ana.get(f"/conversations/{conversation_id}", params=before)).json()
    assert not earlier["earlier_messages"]
    assert [earlier["messages"][0]["text"], earlier["messages"][-1]["text"]] == ["primeira", "m50"]


async def two_that_are_one(desk: Desk, *, to: str | None = None) -> tuple[UUID, UUID]:
    """(the conversation that stays, the one that was merged away)."""
    gone = await desk.conversation("pelo telefone", wa_id="553188887777")
    await desk.ana.post(f"/conversations/{gone}/takeover")
    receipt = await store(desk.pool, inbound("pelo id", wa_id=None, bsuid="BR.1"))
    kept = receipt.events[0].conversation_id
    await store(desk.pool, inbound("sou eu", wa_id="553188887777", bsuid="BR.1"))
    if to is not None:
        await desk.pool.execute(
            "UPDATE conversations SET assignee_id = $2 WHERE id = $1", kept, desk.people[to].id
        )
    return UUID(str(kept)), gone


async def test_a_merged_away_conversation_is_answered_with_the_one_in_which_it_goes_on(desk: Desk):
    kept, gone = await two_that_are_one(desk)
    answer = await desk.ana.get(f"/conversations/{gone}")
    assert answer.status_code == 200, answer.text
    story = answer.json()
    assert story["id"] == str(kept)
    assert [m["text"] for m in story["messages"]] == ["pelo telefone", "pelo id", "sou eu"]
    told = [entry["kind"] for entry in story["timeline"]]
    assert "conversation.takeover" in told, "what people did there is part of its history"
    assert "conversation.merge" in told
    assert await names(desk.ana) == ["Ana Souza"]


async def test_a_merged_away_conversation_is_no_way_round_who_may_see_the_other(desk: Desk):
    kept, gone = await two_that_are_one(desk, to="caio")
    assert (await desk.bia.get(f"/conversations/{gone}")).status_code == 404
    assert (await desk.bia.post(f"/conversations/{gone}/takeover")).status_code == 404
    assert (await desk.caio.get(f"/conversations/{gone}")).json()["id"] == str(kept)


async def test_an_act_on_a_merged_away_conversation_conflicts_and_names_the_other(desk: Desk):
    kept, gone = await two_that_are_one(desk)
    before = await desk.pool.fetchval("SELECT epoch FROM conversations WHERE id = $1", kept)
    for path, body in (
        (f"/conversations/{gone}/mute", {}),
        (f"/conversations/{gone}/notes", {"text": "x"}),
        ("/conversation", {"conversation_id": str(gone), "text": "Olá"}),
    ):
        answer = await desk.ana.post(path, json=body)
        assert answer.status_code == 409, path
        assert str(kept) in answer.json()["detail"]
    after = await desk.pool.fetchval("SELECT epoch FROM conversations WHERE id = $1", kept)
    assert after == before


async def test_the_consent_shown_is_proven_by_the_line_that_says_it(desk: Desk):
    conversation = await desk.conversation("Oi")
    contact = await desk.pool.fetchval("SELECT contact_id FROM conversations")
    for state, at in (("refused", "2026-01-01"), ("granted", "2026-02-01")):
        await desk.pool.execute(
            "INSERT INTO consents (id, contact_id, purpose, state, text_version, channel, at)"
            " VALUES ($1, $2, 'ai', $3, $4, 'whatsapp', $5::text::timestamptz)",
            new_id(), contact, state, f"v-{state}", at,
        )  # fmt: skip
    await desk.pool.execute("UPDATE contacts SET ai_consent = 'refused'")
    consent = (await desk.ana.get(f"/conversations/{conversation}")).json()["consent"]
    assert (consent["state"], consent["text_version"]) == ("refused", "v-refused")
