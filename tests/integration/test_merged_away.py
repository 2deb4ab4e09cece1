"""The conversation that was merged away: what still comes to it goes on in the one that stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.conversation.core import ConversationCore
from domain.doorbell import Ring, RingReason
from domain.errors import MergedError, NotFoundError
from domain.ids import ConversationId, new_id
from storage.actor_rows import ActorRows
from storage.conversations import ConversationStore
from storage.human_actions import HumanActions
from storage.inbox_page import InboxFilter, InboxPage
from storage.merge import Merges
from tests.house import SECOND, echo, inbound, store
from tests.integration.merging import PHONE, Twins, where, work

pytestmark = pytest.mark.postgres


async def test_a_merged_away_conversation_ends_quietly_and_rings_the_one_that_stays(twins: Twins):
    await twins.consent("granted")
    await twins.meet()
    await work(twins.world, twins.gone)
    reasons = [(r.conversation_id, r.reason) for r in twins.world.doorbell.rings]
    assert reasons == [(twins.kept, RingReason.MESSAGE), (twins.kept, RingReason.OUTBOX)]
    assert twins.world.agent.asked == []


async def test_a_turn_that_was_running_is_stopped_journalled_and_brought_over(twins: Twins):
    await twins.consent("granted")
    world = twins.world
    world.agent.gate.clear()
    core = ConversationCore(twins.gone, world.ports(), idle_after=timedelta(0))
    running = await twins.started(core)
    await twins.meet("sou eu")
    core.ring(RingReason.FENCE)
    await running
    assert world.agent.cancelled == 1
    assert [r.conversation_id for r in world.doorbell.rings] == [twins.kept, twins.kept]
    turn = await twins.pool.fetchrow("SELECT conversation_id, state FROM turns")
    assert turn is not None
    assert tuple(turn) == (twins.kept, "fenced")
    world.agent.gate.set()
    await work(world, twins.kept)
    assert world.graph.texts == ["resposta a: oi do telefone | oi do id | sou eu"]


async def test_what_is_written_to_the_merged_away_one_later_is_brought_over(twins: Twins):
    await twins.meet("sou eu")
    conversations = ConversationStore(twins.pool)
    await twins.leave_behind(twins.gone, "atrasada")
    assert twins.gone in await conversations.list_unworked(older_than_s=0)
    await twins.pool.execute("UPDATE inbound_events SET left_at = now()")
    await work(twins.world, twins.gone)
    assert twins.kept in await conversations.list_unworked(older_than_s=0)
    loaded = await conversations.load(twins.kept)
    assert [e.text for e in loaded.pending][-1] == "atrasada"
    row = await twins.row(twins.kept)
    assert (row["unread_count"], (await twins.row(twins.gone))["unread_count"]) == (4, 0)
    assert row["last_message_id"] == loaded.pending[-1].message_id
    windows = await twins.pool.fetch("SELECT DISTINCT contact_id FROM service_windows")
    assert [r["contact_id"] for r in windows] == [row["contact_id"]]
    again = await Merges(twins.pool).gather(twins.gone)
    assert (again, (await twins.row(twins.kept))["unread_count"]) == (twins.kept, 4)


async def test_a_phone_apps_answer_that_missed_the_merge_fences_where_it_is_gathered(twins: Twins):
    known = await store(twins.pool, echo("antes", wa_id=PHONE))
    assert where(known) == twins.gone
    await twins.meet()
    await HumanActions(twins.pool).hand_back(twins.kept, await twins.operator(), "all")
    draft = await twins.queue(twins.kept, author="agent")
    before = await twins.row(twins.kept)
    await twins.pool.execute(  # as an intake writes it that had looked its sender up before the merge
        "INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at)"
        " VALUES ($1, 'echo:late', 'echo', $2, '{}', now())", new_id(), twins.gone,
    )  # fmt: skip
    for _ in range(2):
        await Merges(twins.pool).gather(twins.gone)
    after = await twins.row(twins.kept)
    assert (after["mode"], after["epoch"]) == ("operator", before["epoch"] + 1)
    assert await twins.state(draft) == ("withdrawn", "fenced")


async def test_after_a_merge_the_thread_stays_with_the_number_last_written_to(twins: Twins):
    await store(twins.pool, inbound("pelo segundo", wa_id=PHONE, number=SECOND))
    await twins.merge()
    row = await twins.row(twins.kept)
    assert (row["sticky_number"], row["last_inbound_number"]) == (SECOND, SECOND)


async def test_gathering_what_was_never_merged_moves_nothing(twins: Twins):
    before = await twins.row(twins.kept)
    assert await Merges(twins.pool).gather(twins.kept) == twins.kept
    assert await twins.row(twins.kept) == before
    with pytest.raises(NotFoundError):
        await Merges(twins.pool).gather(ConversationId(new_id()))


async def test_a_person_who_acts_on_the_merged_away_one_is_told_where_it_goes_on(twins: Twins):
    ana = await twins.operator()
    await twins.meet()
    acts = HumanActions(twins.pool)
    before = await twins.row(twins.kept)
    with pytest.raises(MergedError) as takeover:
        await acts.takeover(twins.gone, ana)
    with pytest.raises(MergedError):
        await acts.note(twins.gone, ana, "x")
    assert takeover.value.into == twins.kept
    assert await twins.row(twins.kept) == before


async def test_the_inbox_lists_only_the_one_that_stays(twins: Twins):
    await twins.meet()
    inbox = InboxPage(twins.pool, quiet=timedelta(seconds=3))
    items, _ = await inbox.list_page(InboxFilter(), limit=10, after=None)
    assert [item["id"] for item in items] == [twins.kept]
    assert await inbox.list_items([twins.gone, twins.kept]) == await inbox.list_items([twins.kept])


async def test_a_merged_away_conversation_gets_no_actor_of_its_own(twins: Twins):
    await twins.meet()
    rows = ActorRows(twins.pool)
    assert not await rows.grant_own(twins.gone, 0, 10)
    assert await rows.grant_own(twins.kept, 0, 10)


async def test_a_ring_of_an_old_id_is_harmless_twice(twins: Twins):
    await twins.meet()
    for _ in range(2):
        await work(twins.world, twins.gone)
    assert set(twins.world.doorbell.rings) == {
        Ring(conversation_id=twins.kept, reason=reason)
        for reason in (RingReason.MESSAGE, RingReason.OUTBOX)
    }
