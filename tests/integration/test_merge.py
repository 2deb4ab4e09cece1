"""Two contacts that turn out to be one person: one thread, nothing lost, nothing said twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.conversation import Mode
from storage.conversations import ConversationStore
from storage.human_actions import HumanActions
from storage.statuses import StatusStore
from storage.timers import TimerStore
from tests.house import SECOND, inbound, status, store
from tests.integration.merging import BSUID, PHONE, Twins, some_twins, where, work

pytestmark = pytest.mark.postgres


# ---- who stays


async def test_the_contact_named_by_its_bsuid_stays_and_the_other_points_to_it(twins: Twins):
    await twins.meet()
    kept, gone = await twins.contact(twins.kept), await twins.contact(twins.gone)
    assert (kept["merged_into"], gone["merged_into"]) == (None, kept["id"])
    thread = await twins.row(twins.gone)
    assert (thread["merged_into"], thread["unread_count"]) == (twins.kept, 0)
    assert (await twins.row(twins.kept))["merged_into"] is None
    receipt = await store(twins.pool, inbound("de novo", wa_id=PHONE))
    assert receipt.events[0].conversation_id == twins.kept


async def test_the_answer_goes_to_the_phone_that_was_written_from(twins: Twins):
    await twins.meet()
    await twins.queue(twins.kept, author="system")
    row = await twins.next_row(twins.kept)
    assert (row.wa_id, row.bsuid) == (PHONE, BSUID)


async def test_a_conversation_that_only_the_other_contact_has_is_given_to_the_one_that_stays(
    twins: Twins,
):
    shop = await twins.second_facade()
    there = await store(twins.pool, inbound("na outra loja", wa_id=PHONE, number=shop))
    elsewhere = where(there)
    await twins.queue(elsewhere, author="operator")
    before = await twins.row(elsewhere)
    receipt = await twins.meet()
    after = await twins.row(elsewhere)
    assert after["contact_id"] == (await twins.contact(twins.kept))["id"]
    assert (after["merged_into"], after["epoch"], after["version"]) == (
        None, before["epoch"] + 1, before["version"] + 1,
    )  # fmt: skip
    assert elsewhere in receipt.merged
    row = await twins.next_row(elsewhere)
    assert row.lane.contact_id == after["contact_id"]
    assert "conversation.give" in await twins.audited()


async def test_a_contact_that_was_merged_before_is_merged_on_with_what_points_to_it(twins: Twins):
    await twins.meet()
    await twins.pool.execute(
        "UPDATE channel_identities SET superseded_at = now() WHERE kind = 'bsuid'"
    )
    third = await store(twins.pool, inbound("com outro id", wa_id=None, bsuid="BR.3"))
    await store(twins.pool, inbound("sou a mesma", wa_id=PHONE, bsuid="BR.3"))
    last = where(third)
    assert (await twins.row(twins.gone))["merged_into"] == last
    assert (await twins.row(twins.kept))["merged_into"] == last
    pointing = await twins.pool.fetch("SELECT DISTINCT merged_into FROM contacts")
    assert {r["merged_into"] for r in pointing} == {
        None, await twins.pool.fetchval("SELECT contact_id FROM conversations WHERE id = $1", last),
    }  # fmt: skip


# ---- history and inbox


async def test_the_history_of_both_stands_in_order_of_arrival_in_the_one_that_stays(pool):
    twins = await some_twins(pool, "g1", "k1", "g2", "k2")
    await twins.meet("sou eu")
    rows = await pool.fetch(
        "SELECT body FROM messages WHERE conversation_id = $1 ORDER BY seq", twins.kept
    )
    assert [r["body"] for r in rows] == ["g1", "k1", "g2", "k2", "sou eu"]
    loaded = await ConversationStore(pool).load(twins.kept)
    assert [e.text for e in loaded.pending] == ["g1", "k1", "g2", "k2", "sou eu"]


async def test_what_waited_in_both_inboxes_is_answered_once_in_the_one_that_stays(twins: Twins):
    await twins.consent("granted")
    await twins.meet("sou eu")
    world = twins.world
    for conversation in (twins.gone, twins.kept, twins.gone):
        await work(world, conversation)
    assert world.graph.texts == ["resposta a: oi do telefone | oi do id | sou eu"]
    assert await twins.pool.fetchval("SELECT count(*) FROM turns WHERE state = 'committed'") == 1


async def test_the_sweeper_finds_what_waited_although_the_ring_was_lost(twins: Twins):
    await twins.pool.execute("UPDATE inbound_events SET left_at = now()")
    await twins.merge()
    unworked = await ConversationStore(twins.pool).list_unworked(older_than_s=0)
    assert unworked == [twins.kept]


async def test_turns_notes_calls_and_what_they_cost_go_over(twins: Twins):
    for one in (twins.kept, twins.gone):
        await twins.journal(one, cost=5)
    await twins.meet()
    for table in ("turns", "notes", "scheduled_calls"):
        rows = await twins.pool.fetch(f"SELECT conversation_id FROM {table}")  # noqa: S608 - ours
        assert [r["conversation_id"] for r in rows] == [twins.kept] * 2, table
    assert (await twins.row(twins.kept))["cost_micros"] == 10
    assert (await twins.row(twins.kept))["unread_count"] == 3


async def test_the_thread_began_when_the_older_one_did_and_ends_with_the_newest_word(pool):
    twins = await some_twins(pool, "k1", "g1 [ref:site-topo]")
    await pool.execute(
        "UPDATE conversations SET created_at = '2026-01-01', score = 0.4 WHERE id = $1", twins.gone
    )
    await pool.execute("UPDATE conversations SET score = 0.9 WHERE id = $1", twins.kept)
    last = await pool.fetchval("SELECT id FROM messages WHERE body LIKE 'g1%'")
    await twins.merge()
    row = await twins.row(twins.kept)
    assert row["created_at"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert row["origin"] == {"kind": "link", "code": "SITE-TOPO"}
    assert (row["last_message_id"], round(row["score"], 1)) == (last, 0.4)


async def test_what_a_person_dealt_with_in_one_thread_says_nothing_about_the_other(pool):
    twins = await some_twins(pool, "k: oi do id", "oi do telefone")
    ana = await twins.operator()
    acts = HumanActions(twins.pool)
    await acts.takeover(twins.gone, ana)
    await acts.hand_back(twins.gone, ana, "all")
    await twins.meet("sou eu")
    await acts.hand_back(twins.kept, ana, None)
    loaded = await ConversationStore(twins.pool).load(twins.kept)
    assert [e.text for e in loaded.pending] == ["oi do id", "sou eu"]


# ---- the fence


async def test_every_epoch_and_version_is_beyond_what_both_had(twins: Twins):
    await twins.pool.execute(
        "UPDATE conversations SET epoch = 7, version = 3 WHERE id = $1", twins.gone
    )
    await twins.pool.execute(
        "UPDATE conversations SET epoch = 2, version = 9 WHERE id = $1", twins.kept
    )
    receipt = await twins.meet()
    kept, gone = await twins.row(twins.kept), await twins.row(twins.gone)
    assert (kept["epoch"], kept["version"]) == (8, 10)
    assert (gone["epoch"], gone["version"]) == (8, 4)
    assert set(receipt.merged) == {twins.kept, twins.gone}


async def test_drafts_of_the_ai_are_withdrawn_and_their_questions_asked_again(twins: Twins):
    drafts = [await twins.answered(one) for one in (twins.kept, twins.gone)]
    await twins.meet("sou eu")
    for message in drafts:
        assert await twins.state(message) == ("withdrawn", "merged")
    loaded = await ConversationStore(twins.pool).load(twins.kept)
    assert sorted(e.text for e in loaded.pending) == ["oi do id", "oi do telefone", "sou eu"]


async def test_a_question_of_whose_answer_a_bubble_left_is_not_asked_again(twins: Twins):
    first = await twins.answered(twins.gone, bubbles=2)
    await twins.pool.execute(
        "UPDATE outbox SET state = 'accepted', attempts = 1 WHERE message_id = $1", first
    )
    await twins.meet("sou eu")
    loaded = await ConversationStore(twins.pool).load(twins.kept)
    assert [e.text for e in loaded.pending] == ["oi do id", "sou eu"]


async def test_what_people_and_the_house_queued_still_leaves_in_order(twins: Twins):
    await twins.queue(twins.gone, "1", author="operator")
    await twins.queue(twins.kept, "2", author="system")
    await twins.queue(twins.gone, "3", author="operator")
    await twins.queue(twins.kept, "ia", author="agent")
    await twins.meet()
    await twins.world.sender().dispatch(twins.gone)
    assert twins.world.graph.texts == []
    await twins.world.sender().dispatch(twins.kept)
    assert twins.world.graph.texts == ["1", "2", "3"]


async def test_a_message_on_its_way_is_settled_by_its_attempt_in_the_one_that_stays(twins: Twins):
    message = await twins.queue(twins.gone, author="agent")
    attempt = await twins.claim(message)
    await twins.meet()
    receipt = await store(twins.pool, status("wamid.X", "delivered", attempt=attempt))
    applied = await StatusStore(twins.pool).apply(receipt.statuses)
    assert [(a.conversation_id, a.settled, a.status) for a in applied] == [
        (twins.kept, True, "delivered")
    ]
    assert await twins.state(message) == ("accepted", "")


@pytest.mark.parametrize(
    ("mode", "state"), [(Mode.AGENT, "accepted"), (Mode.OPERATOR, "withdrawn")]
)
async def test_a_refused_attempt_is_tried_again_unless_a_person_has_the_conversation(
    twins: Twins, mode: Mode, state: str
):
    message = await twins.queue(twins.gone, author="agent")
    await twins.claim(message)
    await twins.pool.execute("UPDATE conversations SET mode = $2 WHERE id = $1", twins.kept, mode)
    await twins.meet()
    await twins.pool.execute("UPDATE outbox SET state = 'queued'")
    await twins.world.sender().dispatch(twins.kept)
    assert (await twins.state(message))[0] == state


async def test_a_turn_that_runs_in_either_loses_its_commit(twins: Twins):
    await twins.consent("granted")
    before = [await ConversationStore(twins.pool).load(c) for c in (twins.kept, twins.gone)]
    await twins.meet()
    for conversation in before:
        assert await twins.commit(conversation) == "lost"
    assert await twins.pool.fetchval("SELECT count(*) FROM outbox") == 0


# ---- timers, cases, hand-offs, modes


async def test_a_timer_that_both_have_stays_once_with_its_earlier_time(twins: Twins):
    now = datetime.now(UTC)
    await twins.timer(twins.kept, "follow_up", now + timedelta(hours=2))
    await twins.timer(twins.gone, "follow_up", now + timedelta(hours=1))
    await twins.timer(twins.gone, "only_here", now - timedelta(hours=1))
    await twins.meet()
    rows = await twins.pool.fetch("SELECT conversation_id, key, due_at FROM timers ORDER BY key")
    assert [(r["conversation_id"], r["key"]) for r in rows] == [
        (twins.kept, "follow_up"), (twins.kept, "only_here"),
    ]  # fmt: skip
    assert rows[0]["due_at"] == now + timedelta(hours=1)
    assert await TimerStore(twins.pool).fire_due() == [twins.kept]


async def test_one_case_stays_active_and_the_other_rests(twins: Twins):
    await twins.case(twins.kept, "sales")
    await twins.case(twins.gone, "dispute")
    await twins.meet()
    rows = await twins.pool.fetch(
        "SELECT purpose, active, closed_at FROM cases WHERE conversation_id = $1 ORDER BY purpose",
        twins.kept,
    )
    assert [tuple(r) for r in rows] == [("dispute", True, None), ("sales", False, None)]


async def test_one_hand_off_stays_open_and_the_other_ends(twins: Twins):
    await twins.handoff(twins.kept, "normal")
    await twins.handoff(twins.gone, "urgent")
    await twins.meet()
    rows = await twins.pool.fetch(
        "SELECT priority, state FROM handoffs WHERE conversation_id = $1 ORDER BY priority",
        twins.kept,
    )
    assert [tuple(r) for r in rows] == [("normal", "closed"), ("urgent", "queued")]


async def test_a_person_who_has_one_of_them_has_the_whole_conversation(twins: Twins):
    ana = await twins.operator()
    await HumanActions(twins.pool).takeover(twins.gone, ana)
    await twins.meet("sou eu")
    row = await twins.row(twins.kept)
    assert (row["mode"], row["assignee_id"]) == ("operator", ana.operator_id)
    await twins.consent("granted")
    await work(twins.world, twins.kept)
    assert twins.world.agent.asked == []


# ---- the person


@pytest.mark.parametrize(
    ("kept", "gone", "united"),
    [("granted", "refused", "refused"), ("none", "granted", "granted"), ("asked", "none", "asked")],
)
async def test_the_consent_is_decided_and_its_history_kept(
    twins: Twins, kept: str, gone: str, united: str
):
    for one, state in ((twins.kept, kept), (twins.gone, gone)):
        await twins.consent(state, of=one)
    await twins.meet()
    contact = await twins.contact(twins.kept)
    assert contact["ai_consent"] == united
    lines = await twins.pool.fetch("SELECT contact_id, state FROM consents ORDER BY at")
    assert [r["contact_id"] for r in lines] == [contact["id"]] * len(lines)
    assert {r["state"] for r in lines} == {kept, gone} - {"none"}


async def test_suppressions_are_united_and_one_that_both_have_stands_once(twins: Twins):
    await twins.suppress(twins.kept, "marketing")
    await twins.suppress(twins.gone, "marketing")
    await twins.suppress(twins.gone, "all")
    await twins.suppress(twins.gone, "marketing", lifted=True)
    await twins.meet()
    kept, gone = await twins.contact(twins.kept), await twins.contact(twins.gone)
    rows = await twins.pool.fetch("SELECT contact_id, scope, lifted_at FROM suppressions")
    standing = [(r["contact_id"], r["scope"]) for r in rows if r["lifted_at"] is None]
    assert sorted(s for c, s in standing if c == kept["id"]) == ["all", "marketing"]
    assert [s for c, s in standing if c == gone["id"]] == ["marketing"]
    assert len(rows) == 4


async def test_the_later_service_window_holds_for_each_number(twins: Twins):
    await store(twins.pool, inbound("pelo segundo", wa_id=PHONE, number=SECOND))
    await twins.pool.execute(
        "UPDATE service_windows w SET open_until = now() + interval '1 hour' FROM conversations c"
        " WHERE c.id = $1 AND w.contact_id = c.contact_id", twins.kept,
    )  # fmt: skip
    await twins.merge()
    rows = await twins.pool.fetch(
        "SELECT contact_id, phone_number_id, open_until > now() + interval '20 hours' AS late"
        " FROM service_windows ORDER BY 2"
    )
    kept = (await twins.contact(twins.kept))["id"]
    assert [(r["contact_id"], r["late"]) for r in rows] == [(kept, True)] * 2


async def test_the_right_party_is_cleared_and_no_older_decision_holds(twins: Twins):
    await twins.pool.execute("UPDATE contacts SET right_party_confirmed_at = now()")
    await twins.pool.execute(
        "UPDATE contacts SET contactability_version = 7 WHERE id = ANY (SELECT contact_id"
        " FROM conversations WHERE id = $1)", twins.gone,
    )  # fmt: skip
    await twins.meet()
    kept, gone = await twins.contact(twins.kept), await twins.contact(twins.gone)
    assert (kept["right_party_confirmed_at"], gone["right_party_confirmed_at"]) == (None, None)
    assert kept["contactability_version"] > 7
    assert gone["contactability_version"] == 8


async def test_what_we_know_of_the_person_is_put_together(twins: Twins):
    await twins.know(twins.gone, name="Ana do Telefone", company="Padaria", segmento="pão")
    await twins.know(twins.kept, name="Ana", company="", segmento="café", porte="pequeno")
    await twins.meet()
    contact = await twins.contact(twins.kept)
    assert (contact["name"], contact["company"]) == ("Ana", "Padaria")
    assert contact["profile"] == {"segmento": "café", "porte": "pequeno"}


async def test_the_hourly_cap_of_ai_messages_counts_both(twins: Twins):
    for one in (twins.kept, twins.gone):
        await twins.claim(await twins.queue(one, author="agent"))
    await twins.meet()
    counted = await twins.pool.fetchval(
        "SELECT count(*) FROM outbox WHERE contact_id = $1 AND claimed_at IS NOT NULL",
        (await twins.contact(twins.kept))["id"],
    )
    assert counted == 2


async def test_the_merge_ends_with_lines_of_the_audit_log_by_the_system(twins: Twins):
    await twins.meet()
    rows = await twins.pool.fetch("SELECT actor, action, target, details FROM audit ORDER BY seq")
    kept, gone = await twins.contact(twins.kept), await twins.contact(twins.gone)
    assert [tuple(r) for r in rows] == [
        ("system", "contact.merge", f"contact/{kept['id']}", {"merged": str(gone["id"])}),
        ("system", "conversation.merge", f"conversation/{twins.kept}", {"merged": str(twins.gone)}),
    ]
