"""One request of a thousand mixed updates, from Meta's door to the last answer and the last tick."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import asyncpg
import httpx
import pytest

from actors.conversation.residents import Residents
from actors.sender.keeper import StatusKeeper
from api.webhook import WebhookParts, create_webhook
from domain.clock import SystemClock
from domain.delivery import RANK, DeliveryStatus, settle
from domain.doorbell import Ring
from domain.turn import QuietRule
from integrations.whatsapp.signature import SIGNATURE_HEADER, sign
from storage.statuses import StatusStore
from tests.fakes.world import World
from tests.house import a_house, inbound, intake_of, status, webhook

pytestmark = pytest.mark.postgres

PEOPLE: Final = 40
QUESTIONS: Final = 500
STATUSES: Final = 500
#: Meta's "this message cannot be delivered": no repetition follows, so a message keeps one wamid.
UNDELIVERABLE: Final = 131026
WORKING: Final = ("doorbells", "statuses", "conversation/")


class Secrets:
    async def app_secrets(self) -> tuple[str, ...]:
        return ("secret",)

    async def verify_tokens(self) -> tuple[str, ...]:
        return ("verify-me",)


class NoPool:
    async def poke(self) -> None: ...


class Bell:
    """Rings the residents in this process, as a shard does."""

    residents: Residents

    async def ring(self, rings: Sequence[Ring]) -> None:
        for one in rings:
            self.residents.ring(one)


class Watched:
    """The keeper of statuses, fed `size` at a time; remembers every step of every message."""

    def __init__(self, keeper: StatusKeeper, pool: asyncpg.Pool, size: int) -> None:
        self._keeper = keeper
        self._pool = pool
        self._size = size
        self.steps: dict[str, list[str]] = defaultdict(list)

    async def apply(self, seqs: Sequence[int]) -> None:
        for first in range(0, len(seqs), self._size):
            await self._keeper.apply(seqs[first : first + self._size])
            rows = await self._pool.fetch(
                "SELECT wamid, status FROM messages WHERE direction = 'outbound' AND wamid IS NOT NULL"
            )
            for row in rows:
                self.steps[row["wamid"]].append(row["status"])


@dataclass
class House:
    """A whole receiving and answering side in one process, on real stores."""

    pool: asyncpg.Pool
    world: World
    watched: Watched
    door: httpx.AsyncClient

    async def receive(self, *changes: dict[str, Any]) -> None:
        """One request of Meta's, worked until nothing is left to do."""
        body = webhook(*changes)
        headers = {SIGNATURE_HEADER: sign(body, "secret")}
        assert (await self.door.post("/whatsapp", content=body, headers=headers)).is_success
        async with asyncio.timeout(120):
            while working := [
                task for task in asyncio.all_tasks() if task.get_name().startswith(WORKING)
            ]:
                await asyncio.wait(working)

    async def column(self, sql: str) -> list[Any]:
        return [row[0] for row in await self.pool.fetch(sql)]


@pytest.fixture(params=[1000, 7], ids=["in one set", "in sets of seven"])
async def house(database: str, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    pool = await a_house(database, size=8)
    bell = Bell()
    world = World(pool, rules={"quiet": QuietRule(base=timedelta(0), cap=timedelta(seconds=15))})
    bell.residents = Residents(world.ports(), idle_after=timedelta(0))
    keeper = StatusKeeper(
        statuses=StatusStore(pool), doorbell=bell, reports=world.numbers, tracer=world.tracer
    )
    watched = Watched(keeper, pool, request.param)
    app = create_webhook(
        WebhookParts(
            store=intake_of(pool),
            secrets=Secrets(),
            doorbell=bell,
            statuses=watched,
            number_pool=NoPool(),
            tracer=world.tracer,
            clock=SystemClock(),
        )
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://door"
    ) as door:
        yield House(pool, world, watched, door)
    await pool.close()


def question(person: int, n: int) -> dict[str, Any]:
    return inbound(f"p{person:02d} q{n:03d}", wa_id=f"55319888{person:05d}")


def some_statuses(wamids: Sequence[str], chance: random.Random) -> list[tuple[str, str]]:
    """Of every message some of what Meta may say, out of order, a good part of it twice."""
    said = [
        (wamid, state)
        for n, wamid in enumerate(wamids)
        for state in (("sent",), ("sent", "failed"), ("sent", "delivered"), ("sent", "delivered", "read"),
                      ("failed", "delivered"))[n % 5]
    ]  # fmt: skip
    said += chance.choices(said, k=STATUSES - len(said))
    chance.shuffle(said)
    return said


def asked_and_answered(texts: Sequence[str]) -> dict[str, list[str]]:
    """The questions each person's answers speak of, in the order in which they were sent."""
    found: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        for one in text.removeprefix("resposta a: ").split(" | "):
            found[one.split(" ")[0]].append(one)
    return found


async def test_a_thousand_mixed_updates_are_worked_to_the_end(house: House):
    await house.receive(*(question(person, 0) for person in range(PEOPLE)))
    await house.pool.execute("UPDATE contacts SET ai_consent = 'granted'")
    await house.receive(*(question(person, 1) for person in range(PEOPLE)))
    wamids = await house.column(
        "SELECT wamid FROM messages WHERE author = 'agent' AND status = 'accepted' ORDER BY seq"
    )
    assert len(wamids) == PEOPLE, "each was answered, so each has something to be delivered"
    before = len(house.world.graph.sent)

    chance = random.Random(31)
    said = some_statuses(wamids, chance)
    changes = [
        status(wamid, state, code=UNDELIVERABLE if state == "failed" else None)
        for wamid, state in said
    ]
    asked: dict[str, list[str]] = defaultdict(list)
    mixed: list[dict[str, Any]] = []
    for n in range(QUESTIONS):
        person = chance.randrange(PEOPLE)
        asked[f"p{person:02d}"].append(f"p{person:02d} q{n + 2:03d}")
        mixed += [question(person, n + 2), changes[n]]
    assert len(mixed) == QUESTIONS + STATUSES == 1000
    await house.receive(*mixed)

    assert asked_and_answered(house.world.graph.texts[before:]) == asked
    told: dict[str, list[DeliveryStatus]] = defaultdict(list)
    for wamid, state in said:
        told[wamid].append(DeliveryStatus(state))
    rows = await house.pool.fetch(
        "SELECT wamid, status FROM messages WHERE wamid = ANY ($1)", wamids
    )
    ended = {row["wamid"]: row["status"] for row in rows}
    assert ended == {wamid: settle(told[wamid], DeliveryStatus.ACCEPTED) for wamid in wamids}
    assert set(ended.values()) == {"sent", "failed", "delivered", "read"}
    for wamid in wamids:
        ranks = [RANK[DeliveryStatus(step)] for step in house.watched.steps[wamid]]
        assert ranks == sorted(ranks), "no message ever went back"
    assert await house.column("SELECT seq FROM message_statuses WHERE applied_at IS NULL") == []
    assert await house.column("SELECT seq FROM inbound_events WHERE worked_at IS NULL") == []
    assert set(await house.column("SELECT state FROM outbox")) <= {"accepted", "failed"}
