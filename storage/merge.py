"""Two contacts that turn out to be one person become one, and so do their conversations.

The contact known by its BSUID is kept. Where both have a conversation on a façade, the kept
contact's goes on and the other is folded into it (`merged_into`); where only the other has one, it is
given to the kept contact. Message, event and outbox numbers are given by arrival, house-wide, so
what goes over stands in order at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from domain.consent import AiConsent
from domain.conversation import Mode
from domain.errors import NotFoundError
from domain.handoff import Priority
from domain.ids import CaseId, ConversationId, HandoffId, OperatorId
from domain.merging import (
    ActiveCase,
    Thread,
    United,
    WaitingHandoff,
    may_ai_go_on,
    unite,
    unite_consent,
)
from storage import merge_statements as sql
from storage.audit import AuditLine
from storage.pool import Db

_ACTOR: Final = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What follows a merge, for its caller.

    `fenced`: the conversations of either contact, every one with a higher epoch, to be rung after the
    commit. `lines`: for the audit log, to be appended last in the transaction.
    """

    fenced: tuple[ConversationId, ...]
    lines: tuple[AuditLine, ...]


async def merge_contacts(db: Db, *, kept: UUID, gone: UUID) -> Merge | None:
    """Makes `gone` a part of `kept`, in the caller's transaction; None when it already is.

    A turn running in either conversation loses its commit, drafts of the AI are withdrawn and their
    questions asked again; what people and the house queued still leaves, in order.
    """
    await db.fetch(sql.LOCK_CONVERSATIONS, [kept, gone])
    contacts = {row["id"]: row for row in await db.fetch(sql.LOCK_CONTACTS, [kept, gone])}
    if contacts[gone]["merged_into"] is not None:
        return None
    rows = await db.fetch(sql.READ_THREADS, [kept, gone])
    ours = {row["facade_id"]: row for row in rows if row["contact_id"] == kept}
    theirs = [row for row in rows if row["contact_id"] == gone]
    pairs = [(ours[row["facade_id"]], row) for row in theirs if row["facade_id"] in ours]
    given = [row["id"] for row in theirs if row["facade_id"] not in ours]
    everything = [row["id"] for row in rows]
    away = [row["id"] for _, row in pairs]
    consent = unite_consent(*(AiConsent(row["ai_consent"]) for row in contacts.values()))

    await db.fetchval(sql.LOCK_ROWS, everything, [*away, *given])
    await db.execute(sql.WITHDRAW_DRAFTS, everything)
    in_flight = [row["id"] for row in await db.fetch(sql.FIND_IN_FLIGHT, everything)]
    modes = {row["id"]: Mode(row["mode"]) for row in rows if row["id"] not in away}
    for our, their in pairs:
        united = unite(_thread(our), _thread(their))
        modes[our["id"]] = united.mode
        await _fold(db, our["id"], their["id"], united)
    folded = {id_ for our, their in pairs for id_ in (our["id"], their["id"])}
    await db.execute(sql.RAISE, [id_ for id_ in everything if id_ not in folded])
    going_on = [id_ for id_, mode in modes.items() if may_ai_go_on(mode, consent)]
    await db.execute(sql.RENEW_IN_FLIGHT, going_on, in_flight)
    await db.execute(sql.UNITE_WINDOWS, kept, gone)
    for statement in sql.MOVE_OF_CONTACT:
        await db.execute(statement, kept, gone)
    await db.execute(sql.UNITE_CONTACT, kept, gone, consent)
    await db.execute(sql.RETIRE_CONTACT, kept, gone)
    await db.execute(sql.GIVE_OUTBOX, kept, given)
    await db.execute(sql.GIVE_CONVERSATIONS, kept, given)
    return Merge(
        fenced=tuple(ConversationId(id_) for id_ in everything),
        lines=await _lines(db, kept, gone, [(o["id"], t["id"]) for o, t in pairs], given),
    )


async def _fold(db: Db, kept: UUID, gone: UUID, united: United) -> None:
    await db.execute(sql.END_HANDOFFS, [kept, gone], united.handoff_id)
    await db.execute(sql.REST_CASES, [kept, gone], united.case_id)
    await db.execute(
        sql.UNITE, kept, gone, united.mode, united.assignee_id, united.state, united.gone_is_newer
    )
    await _carry_over(db, kept, gone)
    await db.execute(sql.RETIRE, kept, gone)
    await db.execute(sql.POINT_ON, kept, gone)


async def _carry_over(db: Db, kept: UUID, gone: UUID) -> None:
    await db.execute(sql.MOVE_OUTBOX, kept, gone)
    await db.execute(sql.MOVE_MESSAGES, kept, gone)
    await db.execute(sql.DROP_DOUBLE_TIMERS, kept, gone)
    for statement in sql.MOVE_REST:
        await db.execute(statement, kept, gone)
    await db.execute(sql.ADD_UP, kept, gone)
    await db.execute(sql.EMPTY, gone)


async def _lines(
    db: Db, kept: UUID, gone: UUID, folded: list[tuple[UUID, UUID]], given: list[UUID]
) -> tuple[AuditLine, ...]:
    at = await db.fetchval("SELECT clock_timestamp()")

    def line(action: str, target: str, **details: object) -> AuditLine:
        return AuditLine(at=at, actor=_ACTOR, action=action, target=target, details=details)

    return (
        line("contact.merge", f"contact/{kept}", merged=str(gone)),
        *(
            line("conversation.merge", f"conversation/{ours}", merged=str(theirs))
            for ours, theirs in folded
        ),
        *(line("conversation.give", f"conversation/{id_}", to=str(kept)) for id_ in given),
    )


class Merges:
    """What follows a merge: whoever still comes with the old conversation's id finds the new one."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def gather(self, conversation_id: ConversationId) -> ConversationId:
        """Moves what was written to a merged-away conversation after its merge; returns the survivor.

        An intake that had looked its sender up before, a timer that was firing, the journal of a turn
        that was stopped. Doing it again moves nothing. Raises NotFoundError.
        """
        while True:
            async with self._pool.acquire() as db, db.transaction():
                kept = await _current(db, conversation_id)
                if kept == conversation_id:
                    return conversation_id
                rows = await db.fetch(sql.LOCK_PAIR, [conversation_id, kept])
                pair = {row["id"]: row for row in rows}
                if pair[conversation_id]["merged_into"] != kept:
                    continue  # it was merged on while we waited for the lock
                await db.fetchval(sql.LOCK_ROWS, [conversation_id], [conversation_id])
                echoed = await db.fetchval(sql.HAS_ECHO, conversation_id)
                await _carry_over(db, kept, conversation_id)
                contacts = (pair[kept]["contact_id"], pair[conversation_id]["contact_id"])
                await db.execute(sql.UNITE_WINDOWS, *contacts)
                if echoed:
                    await db.execute(sql.FENCE_BY_ECHO, kept)
                return ConversationId(kept)

    async def find_current(self, conversation_id: ConversationId) -> ConversationId:
        """The conversation in which this one goes on: itself when it was never merged.

        Raises NotFoundError.
        """
        async with self._pool.acquire() as db:
            return ConversationId(await _current(db, conversation_id))


async def _current(db: Db, conversation_id: UUID) -> UUID:
    found: UUID | None = await db.fetchval(sql.FIND_CURRENT, conversation_id)
    if found is None:
        raise NotFoundError("conversation", str(conversation_id))
    return found


def _thread(row: asyncpg.Record) -> Thread:
    handoff, case = None, None
    if row["handoff_id"] is not None:
        handoff = WaitingHandoff(
            id=HandoffId(row["handoff_id"]),
            accepted=row["handoff_accepted"],
            priority=Priority(row["handoff_priority"]),
            queued_at=row["handoff_queued_at"],
        )
    if row["case_id"] is not None:
        case = ActiveCase(id=CaseId(row["case_id"]), purpose=row["case_purpose"])
    assignee = row["assignee_id"]
    return Thread(
        id=ConversationId(row["id"]),
        mode=Mode(row["mode"]),
        assignee_id=None if assignee is None else OperatorId(assignee),
        state=row["state"],
        handoff=handoff,
        case=case,
        last_message_at=row["last_message_at"],
    )
