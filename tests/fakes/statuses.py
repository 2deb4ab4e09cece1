"""storage/statuses.py in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from domain.ids import ConversationId, MessageId, OutboxId
from domain.outbox import OutboxState
from storage.statuses import AppliedStatus
from tests.fakes.database import FakeDatabase, rank
from tests.fakes.tables import OutboxTable, StatusTable

_SETTLED_BY_A_STATUS = frozenset(
    {OutboxState.CLAIMED, OutboxState.UNKNOWN, OutboxState.PARKED, OutboxState.QUEUED}
)


class FakeStatuses:
    def __init__(self, db: FakeDatabase) -> None:
        self._db = db

    async def apply(self, seqs: Sequence[int]) -> list[AppliedStatus]:
        db = self._db
        best: dict[MessageId, tuple[StatusTable, OutboxTable | None]] = {}
        for seq in sorted(seqs):
            status = db.unapplied.get(seq)
            found = None if status is None else self._message_of(status)
            if status is None or found is None:
                continue
            message_id, row = found
            del db.unapplied[seq]
            status.applied_at = db.now()
            self._note_attempt(status)
            held = best.get(message_id)
            if held is None or rank(status.status) >= rank(held[0].status):
                best[message_id] = (status, row)
        # As the statement sees it: the rows that waited before it changed any.
        waiting = {
            db.message_by_id[m].conversation_id
            for m in best
            if any(db.rows(db.message_by_id[m].conversation_id, OutboxState.QUEUED))
        }
        return [self._advance(m, s, row, waiting) for m, (s, row) in best.items()]

    async def apply_left_over(self, *, limit: int = 500) -> list[AppliedStatus]:
        border = self._db.now() - timedelta(seconds=1)
        due = [s.seq for s in self._db.unapplied.values() if s.received_at < border]
        return await self.apply(sorted(due)[:limit])

    async def dismiss_foreign(self) -> None:
        border = self._db.now() - timedelta(minutes=10)
        for status in list(self._db.unapplied.values()):
            if status.received_at < border:
                status.applied_at = self._db.now()
                del self._db.unapplied[status.seq]

    async def requeue_failed(self, outbox_id: OutboxId, *, after_s: float, reason: str) -> None:
        db = self._db
        row = db.outbox.get(outbox_id)
        if row is None or row.state != OutboxState.ACCEPTED:
            return
        row.state, row.reason, row.settled_at = OutboxState.QUEUED, reason, None
        row.not_before = db.now() + timedelta(seconds=after_s)
        message = db.message_by_id[row.message_id]
        if message.wamid is not None:
            db.message_by_wamid.pop(message.wamid, None)
            message.wamid = None
        db.watch("requeued", row)
        db.move(message.id, "queued", message.error)

    async def give_up_failed(
        self, outbox_id: OutboxId, *, state: OutboxState, reason: str, code: int | None
    ) -> None:
        db = self._db
        row = db.outbox.get(outbox_id)
        states = {
            OutboxState.ACCEPTED,
            OutboxState.CLAIMED,
            OutboxState.UNKNOWN,
            OutboxState.PARKED,
        }
        if row is None or row.state not in states:
            return
        row.state, row.reason, row.settled_at = state, reason, db.now()
        if state == OutboxState.PARKED:
            db.move(row.message_id, state, {"reason": reason, "code": code})
        db.withdraw_rest(row)
        payload = {
            "outbox_id": str(row.id),
            "message_id": str(row.message_id),
            "reason": reason,
            "code": code,
        }
        db.file("send_failed", row.conversation_id, f"send_failed:{row.id}", payload)

    # ---- one status

    def _message_of(self, status: StatusTable) -> tuple[MessageId, OutboxTable | None] | None:
        """By our attempt, when it beats the answer to our POST; else by the wamid."""
        db = self._db
        attempt = db.attempts.get(status.attempt_id) if status.attempt_id else None
        if attempt is not None:
            row = db.outbox[attempt.outbox_id]
            return MessageId(row.message_id), row
        message = db.message_by_wamid.get(status.wamid)
        if message is None or message.direction != "outbound":
            return None
        return MessageId(message.id), db.row_of_message.get(message.id)

    def _note_attempt(self, status: StatusTable) -> None:
        attempt = self._db.attempts.get(status.attempt_id) if status.attempt_id else None
        if attempt is not None and attempt.outcome != "accepted":
            attempt.outcome, attempt.wamid = "accepted", status.wamid

    def _advance(
        self,
        message_id: MessageId,
        status: StatusTable,
        row: OutboxTable | None,
        waiting: set[ConversationId],
    ) -> AppliedStatus:
        db, message = self._db, self._db.message_by_id[message_id]
        moved = rank(status.status) > rank(message.status)
        if moved:
            if message.wamid is None:
                message.wamid = status.wamid
                db.message_by_wamid[status.wamid] = message
            error = {"reason": "failed"} if status.status == "failed" else message.error
            db.move(message.id, status.status, error)
        settled = (
            row is not None
            and status.status != "failed"
            and row.state in _SETTLED_BY_A_STATUS
            and row.attempts > 0
        )
        if settled and row is not None:
            row.state, row.reason, row.settled_at = OutboxState.ACCEPTED, "", db.now()
        return AppliedStatus(
            message_id=message_id,
            outbox_id=OutboxId(row.id) if row else None,
            conversation_id=message.conversation_id,
            phone_number_id=message.phone_number_id,
            author=message.author,
            status=status.status,
            at=status.at,
            payload=status.payload,
            attempts=row.attempts if row else 0,
            moved=moved,
            settled=settled,
            others_wait=message.conversation_id in waiting,
        )
