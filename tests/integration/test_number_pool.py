"""The NumberPool on its real tables: notices, polls, refusals, write-back, people's wishes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from actors.number_pool.core import NumberPoolCore
from actors.number_pool.messages import NumberSignal
from domain.ids import AttemptId, OperatorId, PhysicalNumberId, new_id
from domain.outbox import ClaimVerdict
from integrations.whatsapp.errors import GraphUnavailableError
from integrations.whatsapp.failures import classify
from integrations.whatsapp.reports import NumberReport
from integrations.whatsapp.webhook import parse_webhook
from storage.numbers import NumberStore
from storage.numbers_page import StoredNumbersControl
from storage.outbox import Outbox
from storage.receipts import Received
from tests.fakes.world import World
from tests.house import FACADE, SECOND, WABA, a_house, intake_of, webhook
from tests.integration.turning import QUICK, a_conversation, run

pytestmark = pytest.mark.postgres

BIA = OperatorId(new_id())


class Meta:
    """What Meta says of the numbers; nothing at first."""

    def __init__(self) -> None:
        self.says: dict[str, dict[str, Any]] = {}

    async def of(self, _number: PhysicalNumberId) -> Meta:
        return self

    async def get_number(self, number: str) -> NumberReport:
        if number not in self.says:
            raise GraphUnavailableError("no such read")
        return NumberReport(phone_number_id=number, **self.says[number])


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Feed:
    def __init__(self) -> None:
        self.told: list[str] = []

    def emit(self, event: str, data: object) -> None:
        self.told.append(event)


class House:
    """A pool with its surroundings."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.meta, self.clock, self.feed = Meta(), Clock(), Feed()
        self.core = NumberPoolCore(NumberStore(pool), self.meta, self.feed, self.clock)

    async def notice(self, waba: str = WABA, **value: Any) -> None:
        """One account_update of Meta's, worked as a round does."""
        body = webhook({"field": "account_update", "value": value}).replace(
            WABA.encode(), waba.encode()
        )
        at = self.clock.now()
        items = parse_webhook(body, at).items
        await intake_of(self.pool).store([Received(body=body, items=items, at=at)])
        if await self.core.work_house_events():
            await self.core.poll()

    async def refuse(self, code: int, number: str = FACADE) -> None:
        failure = classify(code, from_status=True)
        signal = NumberSignal(
            phone_number_id=number, code=code, scope=failure.scope, stops=failure.stops_sending,
            reason=failure.reason,
        )  # fmt: skip
        await self.core.handle_signals([signal])

    async def column(self, name: str) -> list[Any]:
        """Of the façade's number and the second one."""
        rows = await self.pool.fetch("SELECT * FROM physical_numbers ORDER BY phone_number_id")
        return [row[name] for row in rows]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=6)
    yield pool
    await pool.close()


@pytest.fixture
async def house(pool: asyncpg.Pool) -> House:
    house = House(pool)
    await house.core.refresh()
    return house


async def test_a_ban_of_the_account_stops_its_numbers_until_the_reinstatement(house: House):
    await house.notice(event="DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"})
    assert await house.column("state") == ["quarantined", "quarantined"]
    assert (await house.column("health_reason"))[0] == "a Meta desativou a conta"
    assert house.feed.told, "screens look again at once"
    house.clock.ahead = timedelta(days=3)
    await house.core.refresh()
    assert await house.column("health") == ["banned", "banned"]
    await house.notice(event="DISABLED_UPDATE", ban_info={"waba_ban_state": "REINSTATE"})
    assert await house.column("state") == ["active", "active"]


async def test_a_scheduled_ban_warns_and_lets_replies_go(house: House, pool: asyncpg.Pool):
    ban = {"waba_ban_state": "SCHEDULE_FOR_DISABLE", "waba_ban_date": "November 25, 2026"}
    await house.notice(event="DISABLED_UPDATE", ban_info=ban)
    assert await house.column("state") == ["active", "active"]
    assert await house.column("replies_only") == [True, True]
    assert "November 25, 2026" in (await house.column("health_reason"))[0]


async def test_a_restriction_of_what_we_begin_does_not_stop_a_reply(house: House):
    until = int((datetime.now(UTC) + timedelta(days=1)).timestamp())
    restriction = {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": until}
    await house.notice(event="ACCOUNT_RESTRICTION", restriction_info=[restriction])
    world = World(house.pool, rules={"quiet": QUICK})
    await run(world, await a_conversation(house.pool, "Oi"))
    assert world.graph.texts == ["resposta a: Oi"]
    house.clock.ahead = timedelta(days=2)
    await house.core.refresh()
    assert await house.column("replies_only") == [False, False]


async def test_what_we_begin_does_not_leave_by_a_restricted_number(house: House):
    await house.notice(event="ACCOUNT_VIOLATION", violation_info={"violation_type": "SCAM"})
    conversation = await a_conversation(house.pool, "Oi")
    await a_business_initiated_row(house.pool)
    attempt = AttemptId(new_id())
    claim = await Outbox(house.pool).claim_next(conversation, attempt, lane=None, sender="t")
    assert claim.verdict is ClaimVerdict.REPLIES_ONLY
    [found] = await house.pool.fetch("SELECT state, reason, attempts FROM outbox")
    assert tuple(found) == ("withdrawn", "replies_only", 0)
    world = World(house.pool, rules={"quiet": QUICK})
    await run(world, conversation)
    assert world.graph.texts == ["resposta a: Oi"], "the reply behind it goes"


async def test_a_notice_about_another_account_does_not_touch_our_numbers(house: House):
    await house.notice("999999", event="DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"})
    await house.notice("999999", event="ACCOUNT_VIOLATION")
    assert await house.column("health") == ["healthy", "healthy"]
    assert house.feed.told == []


async def test_an_older_notice_that_comes_late_changes_nothing(house: House):
    house.clock.ahead = timedelta(minutes=1)
    await house.notice(event="DISABLED_UPDATE", ban_info={"waba_ban_state": "REINSTATE"})
    house.clock.ahead = timedelta()
    await house.notice(event="DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"})
    assert await house.column("state") == ["active", "active"]


async def test_a_poll_writes_back_what_meta_says_and_nothing_it_did_not_say(house: House):
    house.meta.says[SECOND] = {
        "display_phone": "+55 11 3000-9999", "status": "CONNECTED", "quality_rating": "YELLOW",
        "messaging_limit": "TIER_2K", "throughput_level": "HIGH",
    }  # fmt: skip
    await house.core.poll()
    assert await house.column("display_phone") == ["551130001234", "551130009999"]
    assert await house.column("health") == ["healthy", "degraded"]
    assert await house.column("messages_per_second") == [80, 1000]
    house.meta.says[SECOND] = {"throughput_level": "STANDARD"}
    await house.core.poll()
    assert await house.column("messages_per_second") == [80, 80]
    assert (await house.column("quality"))[1] == "YELLOW"


async def test_a_facade_named_by_its_id_learns_its_phone(house: House):
    await house.pool.execute("UPDATE facades SET display_phone = ''")
    house.meta.says = {n: {"display_phone": f"+55 11 3000-000{n[-1]}"} for n in (FACADE, SECOND)}
    await house.core.poll()
    assert await house.pool.fetchval("SELECT display_phone FROM facades") == "551130000001"


async def test_a_number_blocked_in_the_poll_is_quarantined_and_returns(house: House):
    house.meta.says[SECOND] = {"can_send_message": "BLOCKED"}
    await house.core.poll()
    assert await house.column("state") == ["active", "quarantined"]
    house.meta.says[SECOND] = {"can_send_message": "AVAILABLE"}
    house.clock.ahead = timedelta(minutes=31)
    await house.core.poll()
    assert await house.column("state") == ["active", "active"]


async def test_a_refusal_of_the_number_stops_it_and_one_of_the_account_all_of_them(house: House):
    await house.refuse(131048)
    assert await house.column("state") == ["quarantined", "active"]
    await house.refuse(131042, SECOND)
    assert await house.column("state") == ["quarantined", "quarantined"]


async def test_throughput_refusals_only_count(house: House):
    await house.refuse(130429)
    assert await house.column("health") == ["healthy", "healthy"]
    for _ in range(4):
        await house.refuse(130429)
    assert await house.column("health") == ["degraded", "healthy"]


async def test_a_drained_number_stays_drained_through_signals_and_quarantine(house: House):
    control = StoredNumbersControl(house.pool)
    await control.drain(PhysicalNumberId(FACADE), BIA)
    for _ in range(6):
        await house.refuse(130429)
    assert await house.column("state") == ["draining", "active"], "between two refreshes"
    await house.refuse(131048)
    assert await house.column("state") == ["quarantined", "active"]
    house.clock.ahead = timedelta(minutes=31)
    await house.core.refresh()
    assert await house.column("state") == ["draining", "active"]


async def test_a_person_ends_a_quarantine_and_older_refusals_do_not_bring_it_back(house: House):
    await house.refuse(131048)
    await StoredNumbersControl(house.pool).activate(PhysicalNumberId(FACADE), BIA)
    await house.core.refresh()
    assert await house.column("state") == ["active", "active"]
    await house.refuse(131048)
    assert await house.column("state") == ["quarantined", "active"]


async def test_a_person_lifts_what_a_notice_stopped(house: House):
    await house.notice(event="DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"})
    await StoredNumbersControl(house.pool).activate(PhysicalNumberId(FACADE), BIA)
    await house.core.refresh()
    assert await house.column("state") == ["active", "active"]


async def test_new_threads_spread_before_the_next_refresh(house: House):
    await house.pool.execute("UPDATE physical_numbers SET traffic_classes = '{sales}'")
    await house.core.refresh()
    chosen = [
        await house.core.handle_choose(traffic_class="sales", written_to=None) for _ in range(4)
    ]
    numbers = [c.phone_number_id for c in chosen if c is not None]
    assert sorted(numbers) == [FACADE, FACADE, SECOND, SECOND]
    answer = await house.core.handle_choose(
        traffic_class="sales", written_to=PhysicalNumberId(SECOND)
    )
    assert answer is not None
    assert answer.phone_number_id == SECOND


async def a_business_initiated_row(pool: asyncpg.Pool) -> None:
    """A template that the governor has allowed, waiting to leave."""
    [found] = await pool.fetch("SELECT id, contact_id FROM conversations")
    decision, message, row = new_id(), new_id(), new_id()
    await pool.execute(
        "INSERT INTO governor_decisions (id, contact_id, purpose, allowed, reasons,"
        " contactability_version, valid_until) SELECT $1, $2, 'sales', true, '[]',"
        " contactability_version, now() + interval '1 hour' FROM contacts WHERE id = $2",
        decision, found["contact_id"],
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO messages (id, conversation_id, direction, author, content, status)"
        " VALUES ($1, $2, 'outbound', 'agent', '{\"kind\": \"template\"}', 'queued')",
        message, found["id"],
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content,"
        " business_initiated, decision_id, decision_allowed)"
        " VALUES ($1, $2, $3, $4, 'agent', 1, '{\"kind\": \"template\"}', true, $5, true)",
        row, found["id"], found["contact_id"], message, decision,
    )  # fmt: skip
