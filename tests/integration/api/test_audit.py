from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from storage.audit import AuditBreak, AuditLine, AuditLog, verify
from tests.integration.api.desk import Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def line(n: int) -> AuditLine:
    at = datetime.now(UTC)
    return AuditLine(
        at=at, actor="test", action="test.wrote", target=f"thing/{n}", details={"n": n, "x": 1.50}
    )


async def filled(desk: Desk, lines: int = 6) -> None:
    logs = [AuditLog(desk.pool) for _ in range(3)]
    await asyncio.gather(*(logs[n % 3].record(line(n)) for n in range(lines)))


async def test_many_writers_at_once_make_one_whole_chain(desk: Desk):
    await filled(desk, 30)
    seqs = [row["seq"] for row in await desk.pool.fetch("SELECT seq FROM audit ORDER BY seq")]
    assert seqs == list(range(1, 31))
    assert await verify(desk.pool) == ()


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("DELETE FROM audit WHERE seq = 3", AuditBreak(seq=3, what="missing", lines=1)),
        ("DELETE FROM audit WHERE seq = 1", AuditBreak(seq=1, what="missing", lines=1)),
        ("DELETE FROM audit WHERE seq >= 5", AuditBreak(seq=5, what="missing", lines=2)),
        (
            "UPDATE audit SET actor = 'somebody' WHERE seq = 4",
            AuditBreak(seq=4, what="altered", lines=1),
        ),
        (
            "UPDATE audit SET details = '{}' WHERE seq = 2",
            AuditBreak(seq=2, what="altered", lines=1),
        ),
        (
            "UPDATE audit SET at = at - interval '1 us' WHERE seq = 6",
            AuditBreak(seq=6, what="altered", lines=1),
        ),
        ("DELETE FROM audit", AuditBreak(seq=1, what="missing", lines=6)),
        (
            "INSERT INTO audit VALUES (7, now(), 'a', 'b', 'c', '{}', 'x')",
            AuditBreak(seq=7, what="added", lines=1),
        ),
    ],
    ids=[
        "removed",
        "first removed",
        "tail cut",
        "actor",
        "details",
        "time",
        "all removed",
        "added",
    ],
)
async def test_a_removed_or_altered_line_shows(desk: Desk, tampering: str, found: AuditBreak):
    await filled(desk)
    await desk.pool.execute(tampering)
    assert found in await verify(desk.pool)


async def test_reads_of_personal_data_are_in_the_log_without_the_data(desk: Desk):
    conversation_id = await desk.conversation("segredo de estado", to="bia")
    await desk.bia.get(f"/conversations/{conversation_id}")
    await desk.bia.get("/conversations", params={"q": "segredo"})
    await desk.ana.post(f"/conversations/{conversation_id}/notes", json={"text": "segredo nosso"})
    rows = await desk.pool.fetch("SELECT actor, action, target, details FROM audit ORDER BY seq")
    bia = f"operator/{desk.people['bia'].id}"
    assert [(row["actor"], row["action"]) for row in rows] == [
        (bia, "conversations.read"),
        (bia, "conversations.read"),
        (f"operator/{desk.people['ana'].id}", "conversation.note"),
    ]
    assert rows[0]["target"] == f"conversation/{conversation_id}"
    assert rows[1]["details"] == {"ids": [str(conversation_id)], "search": True}
    assert "segredo" not in str([dict(row) for row in rows])


async def test_a_refused_act_is_not_in_the_log_as_done(desk: Desk):
    conversation_id = await desk.conversation()
    assert (await desk.bia.post(f"/conversations/{conversation_id}/takeover")).status_code == 404
    assert await desk.pool.fetchval("SELECT count(*) FROM audit") == 0


async def test_only_a_supervisor_reads_the_audit(desk: Desk):
    for client in (desk.bia, desk.caio):
        assert (await client.get("/audit")).status_code == 403
    assert (await desk.anyone.get("/audit")).status_code == 401
    assert (await desk.ana.get("/audit")).status_code == 200


async def test_the_audit_is_read_newest_first_page_by_page_without_a_gap(desk: Desk):
    await filled(desk, 7)
    seen, cursor = [], None
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await desk.ana.get("/audit", params=params)).json()
        seen += [item["seq"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1], "what was added while reading moved nothing"


async def test_the_audit_is_filtered_by_target_and_by_actor(desk: Desk):
    conversation_id = await desk.conversation(to="bia")
    await desk.bia.get(f"/conversations/{conversation_id}")
    await desk.ana.get(f"/conversations/{conversation_id}")
    await desk.bia.get("/conversations")
    bia, target = f"operator/{desk.people['bia'].id}", f"conversation/{conversation_id}"

    async def read(**params: str) -> list[tuple[str, str]]:
        items = (await desk.ana.get("/audit", params=params)).json()["items"]
        return [(item["actor"], item["target"]) for item in items]

    assert [actor for actor, _ in await read(target=target)] == [
        f"operator/{desk.people['ana'].id}",
        bia,
    ]
    assert await read(actor=bia) == [(bia, "conversations"), (bia, target)]
    assert await read(actor=bia, target=target) == [(bia, target)]
    assert await read(target="conversation/\x00") == []


async def test_who_read_the_audit_is_in_it_with_the_lines_and_without_the_words(desk: Desk):
    await filled(desk, 4)
    await desk.ana.get("/audit", params={"limit": 2, "target": "5531988887777"})
    await desk.ana.get("/audit", params={"limit": 2})
    items = (await desk.ana.get("/audit", params={"limit": 2})).json()["items"]
    assert {(one["actor"], one["action"], one["target"]) for one in items} == {
        (f"operator/{desk.people['ana'].id}", "audit.read", "audit")
    }
    assert [one["details"] for one in items] == [
        {"by": [], "newest": 5, "oldest": 4},
        {"by": ["target"]},
    ]
    assert await verify(desk.pool) == ()


@pytest.mark.parametrize("cursor", ["abc", "MA", "LTU", "MjAyNi0wMS0wMQ"])
async def test_a_foreign_cursor_of_the_audit_is_refused(desk: Desk, cursor: str):
    assert (await desk.ana.get("/audit", params={"cursor": cursor})).status_code == 422
