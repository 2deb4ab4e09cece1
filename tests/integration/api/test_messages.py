"""What waits for a person, and what a screen learns of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from api.send_problems import send_problem
from domain.ids import new_id
from tests.integration.api.desk import Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


async def parked(desk: Desk, conversation_id: UUID, reason: str, attempts: int) -> UUID:
    message_id = new_id()
    await desk.pool.execute(
        "INSERT INTO messages (id, conversation_id, direction, author, content, body, status, error)"
        " VALUES ($1, $2, 'outbound', 'agent', $3, 'x', 'parked', $4)",
        message_id, conversation_id, {"kind": "text", "body": "x"}, {"reason": reason},
    )  # fmt: skip
    await desk.pool.execute(
        "INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content, state,"
        " reason, attempts) SELECT $1, c.id, c.contact_id, $3, 'agent', c.epoch, $4, 'parked', $5, $6"
        " FROM conversations c WHERE c.id = $2",
        new_id(), conversation_id, message_id, {"kind": "text", "body": "x"}, reason, attempts,
    )  # fmt: skip
    return message_id


async def test_pending_is_what_the_ai_would_answer(desk: Desk):
    conversation_id = await desk.conversation("Oi")
    story = (await desk.ana.get(f"/conversations/{conversation_id}")).json()
    assert story["pending"] == [story["messages"][-1]["id"]]
    await desk.ana.post(f"/conversations/{conversation_id}/handback", json={"handled_up_to": "all"})
    assert (await desk.ana.get(f"/conversations/{conversation_id}")).json()["pending"] == []


async def test_opening_a_conversation_reads_it(desk: Desk):
    conversation_id = await desk.conversation("Oi")
    path = f"/conversations/{conversation_id}"
    before = (await desk.ana.get(path)).json()
    assert before["unread_count"] == 1
    for _ in range(2):
        assert (await desk.ana.post(f"{path}/read")).status_code == 200
    after = (await desk.ana.get(path)).json()
    assert (after["unread_count"], after["epoch"], after["version"]) == (
        0,
        before["epoch"],
        before["version"],
    )
    count = "SELECT count(*) FROM audit WHERE action = 'conversation.seen'"
    assert await desk.pool.fetchval(count) == 1


async def test_a_person_decides_about_a_parked_message(desk: Desk):
    conversation_id = await desk.conversation(to="bia")
    unknown = await parked(desk, conversation_id, "unknown_outcome", 1)
    never = await parked(desk, conversation_id, "window_closed", 0)
    shown = (await desk.bia.get(f"/conversations/{conversation_id}")).json()["messages"][-2]
    assert shown["error"]["code"] == "unknown_outcome"
    assert shown["error"]["title"] == "Não se sabe se ela chegou"
    assert (await desk.caio.post(f"/messages/{unknown}/resend")).status_code == 404
    assert (await desk.bia.post(f"/messages/{never}/arrived")).status_code == 409
    assert (await desk.bia.post(f"/messages/{unknown}/arrived")).status_code == 200
    assert (await desk.bia.post(f"/messages/{unknown}/resend")).status_code == 409
    assert (await desk.bia.post(f"/messages/{never}/resend")).status_code == 200
    assert desk.bell.reasons == ["outbox", "outbox"]
    story = (await desk.bia.get(f"/conversations/{conversation_id}")).json()
    assert [one["status"] for one in story["messages"][-2:]] == ["delivered", "queued"]
    assert (story["mode"], story["epoch"]) == ("agent", 1)


async def test_text_outside_the_window_is_refused_and_frees_its_key(desk: Desk):
    conversation_id = await desk.conversation()
    body = {"conversation_id": str(conversation_id), "text": "Olá"}
    await desk.pool.execute("UPDATE service_windows SET open_until = now() - interval '1 second'")
    key = {"Idempotency-Key": "k"}
    refused = await desk.ana.post("/conversation", json=body, headers=key)
    assert refused.status_code == 409
    assert "janela de 24 h" in refused.json()["detail"]
    item = (await desk.ana.get(f"/conversations/{conversation_id}")).json()
    assert (item["mode"], item["epoch"], item["window_open_until"]) == ("agent", 1, None)
    await desk.pool.execute("UPDATE service_windows SET open_until = now() + interval '1 hour'")
    assert (await desk.ana.post("/conversation", json=body, headers=key)).status_code == 202


async def test_a_mute_is_everybodys_to_see_and_to_end(desk: Desk):
    conversation_id = await desk.conversation(to="bia")
    path = f"/conversations/{conversation_id}"
    assert (await desk.bia.post(f"{path}/mute")).json()["epoch"] == 2
    story = (await desk.bia.get(path)).json()
    assert (story["mode"], story["assignee"]["name"]) == ("muted", "Bia")
    assert story["timeline"][-1]["text"] == "Bia silenciou a conversa"
    assert (await desk.bia.post(f"{path}/handback")).status_code == 200


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ({"reason": "fenced"}, "Uma pessoa assumiu antes de ela sair"),
        ({"reason": "loop_cap"}, "Limite de mensagens da IA a este contato"),
        ({"reason": "sem conexão com a Meta"}, "Sem conexão com a Meta"),
        ({"reason": "failed", "code": 999999, "detail": "?"}, "A Meta recusou a mensagem"),
        ({"reason": "failed"}, "A Meta recusou a mensagem"),
    ],
)
def test_why_a_message_did_not_leave_is_said_in_words(raw: dict[str, Any], title: str):
    problem = send_problem(raw)
    assert problem is not None
    assert problem.title == title


def test_a_message_without_trouble_has_none():
    assert send_problem(None) is None


async def test_metrics_text_is_for_this_machine_only(desk_with: Callable[..., Awaitable[Desk]]):
    text = {"Accept": "text/plain"}
    for settings in ({"http_host": "0.0.0.0", "tls_terminated": True}, {"tls_terminated": True}):  # noqa: S104
        desk = await desk_with(settings=settings)
        assert (await desk.anyone.get("/metrics", headers=text)).status_code == 401
        assert (await desk.ana.get("/metrics", headers=text)).status_code == 200


async def test_a_message_sent_again_without_knowing_says_so_and_is_counted(desk: Desk):
    conversation_id = await desk.conversation()
    message_id = await parked(desk, conversation_id, "unknown_outcome", attempts=1)
    path = f"/conversations/{conversation_id}"

    async def marks() -> list[bool]:
        messages = (await desk.ana.get(path)).json()["messages"]
        return [m["possible_duplicate"] for m in messages]

    assert await marks() == [False, False]
    assert (await desk.ana.post(f"/messages/{message_id}/resend")).status_code == 200
    assert await marks() == [False, True]
    figures = (await desk.ana.get("/metrics", headers={"Accept": "application/json"})).json()
    assert figures["errors"]["possible_duplicates_today"] == 1
