"""storage/merge.py in memory, for one façade: both contacts have a conversation on it, and no cases."""

from __future__ import annotations

from typing import TypeVar

from domain.consent import AiConsent
from domain.conversation import Mode
from domain.delivery import REACHED
from domain.errors import NotFoundError
from domain.handoff import Priority
from domain.ids import ContactId, ConversationId, HandoffId
from domain.merging import Thread, WaitingHandoff, may_ai_go_on, unite, unite_consent
from domain.outbox import OutboxState
from tests.fakes.database import FakeDatabase
from tests.fakes.tables import (
    ContactTable,
    ConversationTable,
    EventTable,
    MessageTable,
    OutboxTable,
)

R = TypeVar("R", EventTable, MessageTable, OutboxTable)


def merge_contacts(
    db: FakeDatabase, *, kept: ContactId, gone: ContactId
) -> tuple[ConversationId, ...]:
    """Makes `gone` a part of `kept`; the conversations it fenced, none when it already is."""
    stays, goes = db.contacts[kept], db.contacts[gone]
    if goes.merged_into is not None:
        return ()
    ours, theirs = (db.conversations[db.conversation_of[id_]] for id_ in (kept, gone))
    consent = unite_consent(AiConsent(stays.ai_consent), AiConsent(goes.ai_consent))
    _withdraw_drafts(db, ours, theirs)
    in_flight = _in_flight(db, ours) + _in_flight(db, theirs)
    _fold(db, ours, theirs)
    if may_ai_go_on(Mode(ours.mode), consent):
        for row in in_flight:
            row.epoch = ours.epoch
    _unite_windows(db, kept, gone)
    _unite_contact(db, stays, goes, consent)
    db.watch("merged", (ours, theirs))
    return ours.id, theirs.id


class FakeMerges:
    def __init__(self, db: FakeDatabase) -> None:
        self._db = db

    async def gather(self, conversation_id: ConversationId) -> ConversationId:
        db, gone = self._db, self._db.conversations.get(conversation_id)
        if gone is None:
            raise NotFoundError("conversation", str(conversation_id))
        if gone.merged_into is None:
            return conversation_id
        kept = db.conversations[gone.merged_into]
        late = db.pending(gone.id)
        _carry_over(db, kept, gone)
        _unite_windows(db, kept.contact_id, gone.contact_id)
        if any(event.kind == "echo" for event in late):
            db.fence_by_echo(kept)
        return kept.id


# ---- the fence


def _withdraw_drafts(db: FakeDatabase, *both: ConversationTable) -> None:
    """A question whose whole answer still waited is asked again."""
    rows = [r for one in both for r in db.outbox_of[one.id] if r.author == "agent"]
    drafts = [r for r in rows if r.state == OutboxState.QUEUED and not r.possible_duplicate]
    begun = {r.turn_id for r in rows if r.state != OutboxState.QUEUED or r.possible_duplicate}
    unanswered = {r.turn_id for r in drafts if r.turn_id is not None} - begun
    for draft in drafts:
        db.withdraw(draft, "merged")
    for event in (e for one in both for e in db.events[one.id] if e.turn_id in unanswered):
        db.watch("asked again", event)
        event.worked_at, event.outcome, event.turn_id = None, None, None


def _in_flight(db: FakeDatabase, row: ConversationTable) -> list[OutboxTable]:
    """Without what a person's act has fenced before."""
    arrived = {m.id for m in db.messages[row.id] if m.status in REACHED}
    ours = (r for r in db.outbox_of[row.id] if r.author == "agent" and r.epoch == row.epoch)
    return [
        r
        for r in ours
        if r.state in {OutboxState.CLAIMED, OutboxState.UNKNOWN}
        or (r.state == OutboxState.QUEUED and r.possible_duplicate)
        or (r.state == OutboxState.ACCEPTED and r.message_id not in arrived)
    ]


# ---- two conversations become one


def _fold(db: FakeDatabase, kept: ConversationTable, gone: ConversationTable) -> None:
    united = unite(_thread(db, kept), _thread(db, gone))
    for handoff in (db.open_handoff(kept.id), db.open_handoff(gone.id)):
        if handoff is not None and handoff.id != united.handoff_id:
            handoff.state = "closed"
    kept.epoch = max(kept.epoch, gone.epoch) + 1
    kept.version = max(kept.version, gone.version) + 1
    kept.mode, kept.assignee_id, kept.state = united.mode, united.assignee_id, united.state
    kept.handled_up_to = min(kept.handled_up_to, gone.handled_up_to)
    if kept.sticky_number is None:
        kept.sticky_number, kept.sticky_reason = gone.sticky_number, gone.sticky_reason
    first, second = (gone, kept) if united.gone_is_newer else (kept, gone)
    kept.score = second.score if first.score is None else first.score
    _carry_over(db, kept, gone)
    gone.epoch += 1
    gone.version += 1
    gone.assignee_id, gone.sticky_number = None, None
    for row in db.conversations.values():
        if row is gone or row.merged_into == gone.id:
            row.merged_into = kept.id


def _carry_over(db: FakeDatabase, kept: ConversationTable, gone: ConversationTable) -> None:
    """What belongs to a conversation: at the merge, and what was written to it later."""
    for row in db.outbox_of[gone.id]:
        row.contact_id = kept.contact_id
    _move(db.events, kept.id, gone.id)
    db.wake(kept.id)
    _move(db.messages, kept.id, gone.id)
    _move(db.outbox_of, kept.id, gone.id)
    _move_timers(db, kept.id, gone.id)
    for turn in db.turns.values():
        if turn.conversation_id == gone.id:
            turn.conversation_id = kept.id
    db.notes[kept.id] = sorted(db.notes[kept.id] + db.notes.pop(gone.id, []), key=lambda n: n[2])
    db.calls[kept.id] = sorted(db.calls[kept.id] + db.calls.pop(gone.id, []), key=lambda c: c[1])
    for handoff in db.handoffs[gone.id]:
        handoff.conversation_id = kept.id
    db.handoffs[kept.id] += db.handoffs.pop(gone.id, [])
    db.handoffs[kept.id].sort(key=lambda h: h.queued_at)
    _add_up(kept, gone)


def _move(table: dict[ConversationId, list[R]], kept: ConversationId, gone: ConversationId) -> None:
    moved = table.pop(gone, [])
    for row in moved:
        row.conversation_id = kept
    if moved:
        table.setdefault(kept, []).extend(moved)
        table[kept].sort(key=lambda row: row.seq)


def _move_timers(db: FakeDatabase, kept: ConversationId, gone: ConversationId) -> None:
    """The same timer in both: the earlier one stays."""
    seen: set[str] = set()
    timers = [t for t in db.timers.values() if t.conversation_id in {kept, gone}]
    for timer in sorted(timers, key=lambda t: (t.due_at, t.id)):
        if timer.key in seen:
            del db.timers[timer.id]
        else:
            seen.add(timer.key)
            timer.conversation_id = kept


def _add_up(kept: ConversationTable, gone: ConversationTable) -> None:
    ours, theirs = kept.last_message_at, gone.last_message_at
    newer = theirs is not None and (ours is None or theirs > ours)
    first, second = (gone, kept) if newer else (kept, gone)
    inbound = first.last_inbound_number or second.last_inbound_number
    # What the newer one was written to; a number chosen for it stands behind that.
    number = gone.last_inbound_number if newer else inbound
    kept.sticky_number = number or kept.sticky_number
    kept.last_inbound_number = inbound
    kept.last_message_at = theirs if newer else ours
    kept.unread_count += gone.unread_count
    kept.cost_micros += gone.cost_micros
    gone.unread_count = gone.cost_micros = 0
    gone.last_message_at = gone.last_inbound_number = None


def _unite_windows(db: FakeDatabase, kept: ContactId, gone: ContactId) -> None:
    for contact_id, number in [key for key in db.windows if key[0] == gone]:
        until = db.windows.pop((contact_id, number))
        db.windows[kept, number] = max(until, db.windows.get((kept, number), until))


def _thread(db: FakeDatabase, row: ConversationTable) -> Thread:
    handoff = db.open_handoff(row.id)
    return Thread(
        id=row.id,
        mode=Mode(row.mode),
        assignee_id=row.assignee_id,
        state=row.state,
        handoff=None
        if handoff is None
        else WaitingHandoff(
            id=HandoffId(handoff.id),
            accepted=handoff.state == "accepted",
            priority=Priority(handoff.priority),
            queued_at=handoff.queued_at,
        ),
        case=None,
        last_message_at=row.last_message_at,
    )


# ---- two contacts become one


def _unite_contact(
    db: FakeDatabase, kept: ContactTable, gone: ContactTable, consent: AiConsent
) -> None:
    """Beyond both versions: a decision about either of them is over."""
    for key in [key for key, owner in db.identities.items() if owner == gone.id]:
        db.attach(kept.id, key)
    gone.wa_id = gone.bsuid = None
    for line in db.consents[gone.id]:
        line.contact_id = kept.id
    db.consents[kept.id] += db.consents.pop(gone.id, [])
    for decision in db.decisions.values():
        if decision.contact_id == gone.id:
            decision.contact_id = kept.id
    kept.name, kept.company = kept.name or gone.name, kept.company or gone.company
    kept.profile = {**gone.profile, **kept.profile}
    kept.ai_consent = consent
    versions = (kept.contactability_version, gone.contactability_version)
    kept.contactability_version = max(versions) + 1
    for contact in db.contacts.values():
        if contact is gone or contact.merged_into == gone.id:
            contact.merged_into = kept.id
            contact.contactability_version += 1
