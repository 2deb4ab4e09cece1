"""Meta's door: the handshake, signatures, and what becomes of every kind of bad input."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from api.intake_group import IntakeGroup
from api.webhook import WebhookParts, create_webhook
from domain.clock import SystemClock
from domain.doorbell import Ring
from integrations.whatsapp.signature import SIGNATURE_HEADER, sign
from storage.intake import Intake
from storage.receipts import Receipt, Received
from tests.fakes.world import ListTracer
from tests.house import a_house, inbound, intake_of, received, status, webhook

pytestmark = pytest.mark.postgres

FIXTURES = sorted((Path(__file__).parent.parent / "fixtures" / "webhooks").glob("*.json"))


class Secrets:
    async def app_secrets(self) -> tuple[str, ...]:
        return ("new-secret", "old-secret")

    async def verify_tokens(self) -> tuple[str, ...]:
        return ("verify-me",)


class Heard:
    """A doorbell, the status work and the number pool's door in one: they write down what came."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []
        self.groups = 0
        self.statuses: list[int] = []
        self.pokes = 0
        self.some_applied = asyncio.Event()

    async def ring(self, rings) -> None:
        self.groups += 1
        self.rings += rings

    async def apply(self, seqs) -> None:
        self.statuses += seqs
        self.some_applied.set()

    async def poke(self) -> None:
        self.pokes += 1


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database)
    yield pool
    await pool.close()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def app(pool: asyncpg.Pool, heard: Heard) -> Starlette:
    return create_webhook(
        WebhookParts(
            store=intake_of(pool),
            secrets=Secrets(),
            doorbell=heard,
            statuses=heard,
            number_pool=heard,
            tracer=ListTracer(),
            clock=SystemClock(),
        )
    )


@pytest.fixture
async def door(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        yield client


async def post(door: httpx.AsyncClient, body: bytes, *, secret: str = "new-secret") -> int:  # noqa: S107 - a secret of this test
    headers = {SIGNATURE_HEADER: sign(body, secret)}
    return (await door.post("/whatsapp", content=body, headers=headers)).status_code


async def stored(pool: asyncpg.Pool) -> list[str]:
    return [r["kind"] for r in await pool.fetch("SELECT kind FROM inbound_events ORDER BY seq")]


HANDSHAKE = {
    "hub.mode": "subscribe",
    "hub.challenge": "1158201444",
    "hub.verify_token": "verify-me",
}


async def test_the_handshake_returns_the_raw_challenge(door):
    answer = await door.get("/whatsapp", params=HANDSHAKE)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"hub.verify_token": "wrong"}, 403),
        ({"hub.mode": "unsubscribe"}, 403),
        ({"hub.challenge": ""}, 400),
    ],
)
async def test_a_wrong_handshake_is_refused(door, change, expected):
    assert (await door.get("/whatsapp", params=HANDSHAKE | change)).status_code == expected


async def test_a_signed_message_is_stored_and_rings_its_conversation(door, pool, heard):
    assert await post(door, webhook(inbound("Oi"))) == 200
    assert await stored(pool) == ["message"]
    await asyncio.sleep(0)
    assert len(heard.rings) == 1


async def test_both_secrets_are_accepted_while_rotating(door):
    assert await post(door, webhook(inbound("a")), secret="old-secret") == 200
    assert await post(door, webhook(inbound("b")), secret="older-secret") == 401


@pytest.mark.parametrize(
    "header", [None, "", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "sha256=" + "G" * 64]
)
async def test_a_bad_signature_is_401_and_stores_nothing(door, pool, header):
    headers = {} if header is None else {SIGNATURE_HEADER: header}
    answer = await door.post("/whatsapp", content=webhook(inbound("Oi")), headers=headers)
    assert answer.status_code == 401
    assert await stored(pool) == []


async def test_a_body_that_was_written_again_does_not_fit_its_signature(door):
    body = webhook(inbound("Olá"))
    headers = {SIGNATURE_HEADER: sign(body, "new-secret")}
    assert (await door.post("/whatsapp", content=body + b" ", headers=headers)).status_code == 401


@pytest.mark.parametrize("body", [b"", b"not json", b"[1, 2]", b'"text"', b"\xff\xfe"])
async def test_what_is_no_webhook_is_400(door, body):
    assert await post(door, body) == 400


async def test_a_body_above_four_megabytes_is_413(door):
    assert await post(door, b"{" + b" " * (4 * 1024 * 1024) + b"}") == 413


async def test_a_body_of_untold_length_is_read_as_far_as_the_limit_and_then_413(door, app):
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b" " * 1024 * 1024

    answer = await door.post("/whatsapp", content=endless())
    assert answer.status_code == 413
    assert given == 5


async def test_a_body_of_untold_length_within_the_limit_is_stored(door, pool):
    body = webhook(inbound("Oi"))

    async def in_parts() -> AsyncIterator[bytes]:
        yield body[:10]
        yield body[10:]

    headers = {SIGNATURE_HEADER: sign(body, "new-secret")}
    answer = await door.post("/whatsapp", content=in_parts(), headers=headers)
    assert answer.status_code == 200
    assert await stored(pool) == ["message"]


async def test_every_webhook_meta_may_send_is_200_and_kept(door, pool):
    rows = (
        "SELECT (SELECT count(*) FROM inbound_events) + (SELECT count(*) FROM message_statuses)"
        " + (SELECT count(*) FROM webhook_bodies)"
    )
    assert len(FIXTURES) > 100
    for fixture in FIXTURES:
        before = await pool.fetchval(rows)
        assert await post(door, fixture.read_bytes()) == 200, fixture.stem
        assert await pool.fetchval(rows) > before, fixture.stem


async def test_an_unknown_number_is_200_and_waits(door, pool):
    assert await post(door, webhook(inbound("Oi", number="999"))) == 200
    assert await pool.fetchval("SELECT worked_at FROM inbound_events") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x" * 5000,
        "😀🇧🇷👨‍👩‍👧",
        "مرحبا שלום",
        "a\x00b",
        "\ud800 solto",
        "'; DROP TABLE messages; --",
    ],
    ids=["empty", "blank", "5000", "emoji", "rtl", "nul", "surrogate", "sql"],
)
async def test_any_text_is_stored_and_worked(door, pool, heard, text):
    change = inbound("placeholder", wamid="wamid.ODD")
    body = webhook(change).replace(b'"placeholder"', _escaped(text))
    assert await post(door, body) == 200
    assert await pool.fetchval("SELECT count(*) FROM messages") == 1
    assert len(heard.rings) == 1


def _escaped(text: str) -> bytes:
    return json.dumps(text).encode()


async def test_a_clock_far_in_the_future_or_past_does_not_lose_the_message(door, pool):
    for n, stamp in enumerate(["0", "99999999999", "not a number", "-5"]):
        change = inbound("Oi", wamid=f"wamid.CLOCK{n}")
        change["value"]["messages"][0]["timestamp"] = stamp
        assert await post(door, webhook(change)) == 200
    assert await pool.fetchval("SELECT count(*) FROM messages") == 4


async def test_events_out_of_order_and_doubled_end_in_one_of_each(door, pool):
    changes = [inbound(f"m{n}", wamid=f"wamid.ORDER{n}") for n in range(6)]
    bodies = [webhook(changes[n]) for n in (3, 0, 5, 1, 0, 4, 2, 3)]
    assert await asyncio.gather(*(post(door, b) for b in bodies)) == [200] * 8
    assert await pool.fetchval("SELECT count(*) FROM messages") == 6


async def test_requests_that_arrive_together_share_a_flush_and_a_doorbell(door, pool, heard):
    bodies = [webhook(inbound(f"m{n}", wa_id=f"55319888{n:05d}")) for n in range(60)]
    assert await asyncio.gather(*(post(door, b) for b in bodies)) == [200] * 60
    assert await pool.fetchval("SELECT count(*) FROM messages") == 60
    assert heard.groups < 20


async def test_a_batch_of_a_thousand_mixed_updates_is_one_request(door, pool, heard):
    changes = [
        inbound(f"m{n}", wa_id=f"55319888{n // 2 % 50:05d}") if n % 2 else status(f"w{n}", "sent")
        for n in range(1000)
    ]
    assert await post(door, webhook(*changes)) == 200
    assert await pool.fetchval("SELECT count(*) FROM messages") == 500
    assert len(heard.rings) == 50
    async with asyncio.timeout(5):
        await heard.some_applied.wait()
    assert len(heard.statuses) == 500


async def test_news_of_a_number_pokes_the_number_pool(door, heard):
    change = {
        "field": "phone_number_quality_update",
        "value": {"display_phone_number": "551130001234", "event": "FLAGGED"},
    }
    assert await post(door, webhook(change)) == 200
    await asyncio.sleep(0)
    assert heard.pokes == 1


# ---- groups that fail


class Picky:
    """A store that refuses one poisoned message and stores the rest."""

    def __init__(self, real: Intake) -> None:
        self.real = real

    async def store(self, requests):
        for request in requests:
            for item in request.items:
                if item.kind == "message" and item.wamid == "wamid.POISON":
                    raise asyncpg.DataError("poison")
        return await self.real.store(requests)


class Away:
    async def store(self, requests):
        raise ConnectionRefusedError


async def ignore(receipt: Receipt, ms: float) -> None:
    return None


async def test_one_poisoned_element_takes_nobody_along_and_is_kept_unparsed(pool):
    group = IntakeGroup(Picky(intake_of(pool)), ignore)
    together = received(inbound("bom"), inbound("mau", wamid="wamid.POISON"), inbound("bom também"))
    others: list[Received] = [received(inbound(f"outro {n}")) for n in range(5)]
    await asyncio.gather(group.submit(together), *(group.submit(o) for o in others))
    assert await pool.fetchval("SELECT count(*) FROM messages") == 7
    kept = await pool.fetchrow("SELECT kind, payload FROM inbound_events WHERE kind = 'unparsed'")
    assert kept is not None
    assert "could not be stored" in kept["payload"]["reason"]


async def test_the_raw_bytes_of_a_request_that_was_split_are_kept_once_for_all_its_elements(pool):
    group = IntakeGroup(Picky(intake_of(pool)), ignore)
    together = received(inbound("bom"), inbound("mau", wamid="wamid.POISON"), inbound("bom também"))
    await group.submit(together)
    rows = await pool.fetch(
        "SELECT e.kind, b.body FROM inbound_events e LEFT JOIN webhook_bodies b ON b.id = e.body_id"
        " ORDER BY e.seq"
    )
    assert [row["kind"] for row in rows] == ["message", "unparsed", "message"]
    assert [row["body"] for row in rows] == [together.body] * 3
    assert await pool.fetchval("SELECT count(*) FROM webhook_bodies") == 1


async def test_while_postgresql_is_away_the_answer_is_503_so_that_meta_repeats(pool, heard):
    app = create_webhook(
        WebhookParts(
            store=Away(), secrets=Secrets(), doorbell=heard, statuses=heard, number_pool=heard,
            tracer=ListTracer(), clock=SystemClock(),
        )
    )  # fmt: skip
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://door"
    ) as client:
        assert await post(client, webhook(inbound("Oi"))) == 503
    assert heard.rings == []


async def test_a_merge_stops_turns_in_both_conversations_and_rings_the_one_that_stays(
    pool, door, heard
):
    await post(door, webhook(inbound("por telefone", wa_id="553188887777")))
    await post(door, webhook(inbound("por id", wa_id=None, bsuid="BR.1")))
    await asyncio.sleep(0)
    by_phone, by_id = (ring.conversation_id for ring in heard.rings)
    heard.rings.clear()
    await post(door, webhook(inbound("sou eu", wa_id="553188887777", bsuid="BR.1")))
    await asyncio.sleep(0)
    reasons = {(ring.conversation_id, ring.reason) for ring in heard.rings}
    assert reasons == {
        (by_phone, "fence"), (by_phone, "outbox"), (by_id, "fence"), (by_id, "outbox"),
        (by_id, "message"),
    }  # fmt: skip
