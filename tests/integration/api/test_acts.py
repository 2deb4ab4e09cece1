from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain.ids import new_id
from tests.integration.api.desk import Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
ACTS: dict[str, dict[str, Any]] = {
    "takeover": {},
    "handback": {"handled_up_to": 0},
    "close": {"reason": "resolvido"},
    "notes": {"text": "x"},
    "whisper": {"text": "x"},
    "assign": {"operator_id": "?"},
    "qualify": {"score": 0.5},
    "schedule": {"at": TOMORROW, "subject": "ligar"},
}
SUPERVISOR_ONLY = {"whisper", "assign"}


async def act(
    desk: Desk, client: httpx.AsyncClient, name: str, conversation_id: UUID
) -> httpx.Response:
    body = dict(ACTS[name])
    if name == "assign":
        body["operator_id"] = str(desk.people["bia"].id)
    return await client.post(f"/conversations/{conversation_id}/{name}", json=body)


@pytest.mark.parametrize("name", ACTS)
async def test_who_may_do_what_to_whose_conversation(desk: Desk, name: str):
    own = await desk.conversation(wa_id="553188887771", to="bia")
    foreign = await desk.conversation(wa_id="553188887772", to="caio")
    assert (await act(desk, desk.anyone, name, own)).status_code == 401
    allowed = 403 if name in SUPERVISOR_ONLY else 200
    assert (await act(desk, desk.bia, name, own)).status_code == allowed
    missing = 403 if name in SUPERVISOR_ONLY else 404
    assert (await act(desk, desk.bia, name, foreign)).status_code == missing
    assert (await act(desk, desk.ana, name, foreign)).status_code == 200
    assert (await act(desk, desk.ana, name, new_id())).status_code == 404


async def test_a_takeover_raises_the_epoch_rings_shows_and_is_audited(desk: Desk):
    conversation_id = await desk.conversation()
    answer = (await desk.ana.post(f"/conversations/{conversation_id}/takeover", json={})).json()
    assert (answer["epoch"], answer["in_flight"]) == (2, [])
    assert desk.bell.reasons == ["fence"]
    item = (await desk.ana.get(f"/conversations/{conversation_id}")).json()
    assert (item["mode"], item["assignee"]["name"]) == ("operator", "Ana")
    line = await desk.pool.fetchrow("SELECT * FROM audit WHERE action = 'conversation.takeover'")
    assert line is not None
    assert line["target"] == f"conversation/{conversation_id}"
    assert line["actor"] == f"operator/{desk.people['ana'].id}"
    assert line["details"] == {"epoch": 2}


async def test_a_person_answers_and_hands_back(desk: Desk):
    conversation_id = await desk.conversation("Oi")
    sent = await desk.ana.post(
        "/conversation", json={"conversation_id": str(conversation_id), "text": "Olá!"}
    )
    assert sent.status_code == 202
    story = (await desk.ana.get(f"/conversations/{conversation_id}")).json()
    last = story["messages"][-1]
    assert last["id"] == sent.json()["message_id"]
    assert (last["author"], last["operator"]["name"], last["text"], last["status"]) == (
        "operator",
        "Ana",
        "Olá!",
        "queued",
    )
    assert (story["mode"], story["awaiting"]) == ("operator", "sending")
    assert desk.bell.reasons == ["fence", "outbox"]
    back = await desk.ana.post(f"/conversations/{conversation_id}/handback", json={})
    assert back.json()["epoch"] == 3
    assert desk.bell.reasons[2:] == ["fence", "message"]
    assert (await desk.ana.get(f"/conversations/{conversation_id}")).json()["mode"] == "agent"


async def test_interactive_content_is_checked_before_it_is_queued(desk: Desk):
    conversation_id = str(await desk.conversation())
    buttons = {"kind": "buttons", "body": "Pode ser?", "buttons": [{"id": "s", "title": "Sim"}]}
    good = await desk.ana.post(
        "/conversation", json={"conversation_id": conversation_id, "content": buttons}
    )
    assert good.status_code == 202, good.text
    long = buttons | {"buttons": [{"id": "s", "title": "x" * 21}]}
    bad = await desk.ana.post(
        "/conversation", json={"conversation_id": conversation_id, "content": long}
    )
    assert bad.status_code == 422
    assert "buttons" in bad.json()["errors"][0]["field"]
    assert await desk.pool.fetchval("SELECT count(*) FROM outbox") == 1


async def test_the_same_key_and_body_is_carried_out_once(desk: Desk):
    conversation_id = str(await desk.conversation())
    body = {"conversation_id": conversation_id, "text": "Olá"}
    key = {"Idempotency-Key": "k-1"}
    first = await desk.ana.post("/conversation", json=body, headers=key)
    again = await desk.ana.post("/conversation", json=body, headers=key)
    assert (
        (again.status_code, again.json())
        == (first.status_code, first.json())
        == (202, first.json())
    )
    assert again.headers["idempotent-replayed"] == "true"
    assert await desk.pool.fetchval("SELECT count(*) FROM outbox") == 1
    other = await desk.ana.post("/conversation", json=body | {"text": "Outra"}, headers=key)
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]
    own = await desk.conversation(wa_id="553188887779", to="bia")
    theirs = await desk.bia.post(f"/conversations/{own}/notes", json={"text": "x"}, headers=key)
    assert theirs.status_code == 200, "keys are each person's own"


async def test_a_refused_write_frees_its_key_and_an_unfinished_one_keeps_it(desk: Desk):
    key = {"Idempotency-Key": "k-2"}
    body = {"conversation_id": str(new_id()), "text": "Olá"}
    assert (await desk.ana.post("/conversation", json=body, headers=key)).status_code == 404
    assert await desk.pool.fetchval("SELECT count(*) FROM idempotency_keys") == 0
    conversation_id = await desk.conversation()
    good = {"conversation_id": str(conversation_id), "text": "Olá"}
    assert (await desk.ana.post("/conversation", json=good, headers=key)).status_code == 202
    await desk.pool.execute("UPDATE idempotency_keys SET status = NULL")
    unknown = await desk.ana.post("/conversation", json=good, headers=key)
    assert unknown.status_code == 409
    assert unknown.headers["retry-after"]


async def test_a_bad_key_is_refused(desk: Desk):
    for key in ("", "a b", "x" * 201, "ç"):
        headers = {b"Idempotency-Key": key.encode()}
        assert (await desk.ana.post("/system/resume", headers=headers)).status_code == 422, key


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("/conversations/{id}/takeover", {"x": 1}, "body.x"),
    ("/conversations/{id}/handback", {"handled_up_to": -1}, "body.handled_up_to"),
    ("/conversations/{id}/handback", {"handled_up_to": 2**70}, "body.handled_up_to"),
    ("/conversations/{id}/close", {"reason": "x" * 501}, "body.reason"),
    ("/conversations/{id}/notes", {"text": "  "}, "body.text"),
    ("/conversations/{id}/notes", {"text": "x" * 4097}, "body.text"),
    ("/conversations/{id}/whisper", {}, "body.text"),
    ("/conversations/{id}/assign", {"operator_id": "ana"}, "body.operator_id"),
    ("/conversations/{id}/qualify", {"score": 1.1}, "body.score"),
    ("/conversations/{id}/qualify", {"score": "NaN"}, "body.score"),
    ("/conversations/{id}/schedule", {"at": "2026-01-01T10:00:00", "subject": "x"}, "body.at"),
    ("/conversations/{id}/schedule", {"at": "2020-01-01T10:00:00Z", "subject": "x"}, "body.at"),
    ("/conversations/nada/takeover", {}, "path.conversation_id"),
    ("/conversation", {"conversation_id": "{id}"}, "body"),
    ("/conversation", {"conversation_id": "{id}", "text": "a", "content": {}}, "body"),
    ("/conversation", {"conversation_id": "{id}", "text": ""}, "body.text"),
    ("/conversation", {"conversation_id": "{id}", "text": "x" * 4097}, "body.text"),
    ("/conversation", {"conversation_id": "{id}", "content": {"kind": "system", "type": "x"}}, "body.content"),
    ("/conversation", {"conversation_id": "{id}", "content": {"kind": "nada"}}, "body.content.kind"),
    ("/escalate", {"conversation_id": "{id}", "reason": ""}, "body.reason"),
    ("/escalate", {"conversation_id": "{id}", "reason": "x", "priority": "asap"}, "body.priority"),
    ("/system/pause", {}, "body.reason"),
    ("/auth/login", {"email": "a"}, "body.email"),
    ("/auth/refresh", {"refresh_token": ""}, "body.refresh_token"),
]  # fmt: skip


async def test_bad_input_is_refused_with_its_place(desk: Desk):
    conversation_id = str(await desk.conversation())
    wrong: list[str] = []
    for path, body, field in BAD:
        filled = {
            k: v.replace("{id}", conversation_id) if isinstance(v, str) else v
            for k, v in body.items()
        }
        answer = await desk.ana.post(path.replace("{id}", conversation_id), json=filled)
        problem = answer.json()
        named = any(one["field"].startswith(field) for one in problem.get("errors", ()))
        if answer.status_code != 422 or not named:
            wrong.append(f"{path} {str(body)[:80]} -> {answer.status_code} {answer.text[:300]}")
    assert not wrong, "\n".join(wrong)
    assert await desk.pool.fetchval("SELECT epoch FROM conversations") == 1, "nothing was done"


async def test_broken_json_is_never_a_500(desk: Desk):
    path = f"/conversations/{await desk.conversation()}/notes"
    headers = {"Content-Type": "application/json"}
    broken = [
        b"{",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"text": "\\ud800"}',
        b'{"\\ud800": 1}',
        b"null",
        b"",
    ]
    for raw in broken:
        answer = await desk.ana.post(path, content=raw, headers=headers)
        assert answer.status_code in {400, 422}, raw
        assert answer.json()["request_id"]
    nul = await desk.ana.post(path, content=b'{"text": "a\\u0000b"}', headers=headers)
    assert nul.status_code == 200, "what PostgreSQL cannot store is replaced"


async def test_assigning_to_nobody_is_refused(desk: Desk):
    conversation_id = await desk.conversation()
    body = {"operator_id": str(new_id())}
    answer = await desk.ana.post(f"/conversations/{conversation_id}/assign", json=body)
    assert answer.status_code == 404
