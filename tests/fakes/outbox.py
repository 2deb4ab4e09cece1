"""storage/outbox.py, `claim_next_v1` and `claim_send_v2` in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from config import limits
from domain.ids import AttemptId, ConversationId, MessageId, OutboxId
from domain.outbox import (
    Accepted,
    Claim,
    ClaimVerdict,
    Lane,
    NotAccepted,
    OutboxRow,
    OutboxState,
)
from tests.fakes.database import UNSETTLED, FakeDatabase, rank
from tests.fakes.tables import AttemptTable, NumberTable, OutboxTable


class FakeOutbox:
    def __init__(self, db: FakeDatabase) -> None:
        self._db = db

    async def claim_next(
        self,
        conversation_id: ConversationId,
        attempt_id: AttemptId,
        *,
        lane: Lane | None,
        sender: str,
    ) -> Claim:
        db = self._db
        row = next(db.rows(conversation_id, OutboxState.QUEUED), None)
        if row is None:
            return Claim(verdict=ClaimVerdict.GONE)
        entry = self._number_of(row)
        if entry is None:
            return Claim(verdict=ClaimVerdict.NO_NUMBER)
        verdict, wait = self._refusal(row, entry, lane)
        if verdict is ClaimVerdict.CLAIMED:
            self._claim(row, attempt_id, entry, sender)
        return Claim(
            verdict=verdict,
            row=self._described(row, entry),
            attempt_n=row.attempts if verdict is ClaimVerdict.CLAIMED else 0,
            retry_after=wait,
        )

    def _described(self, row: OutboxTable, number: NumberTable) -> OutboxRow:
        return OutboxRow(
            id=OutboxId(row.id),
            conversation_id=row.conversation_id,
            message_id=MessageId(row.message_id),
            content=row.content,
            reply_to_wamid=row.reply_to_wamid,
            lane=Lane(
                phone_number_id=number.phone_number_id,
                contact_id=row.contact_id,
                messages_per_second=number.messages_per_second,
                business_initiated=row.business_initiated,
            ),
            number_reason=self._db.conversations[row.conversation_id].sticky_reason,
            wa_id=self._db.contacts[row.contact_id].wa_id,
            bsuid=self._db.contacts[row.contact_id].bsuid,
        )

    def _claim(
        self, row: OutboxTable, attempt_id: AttemptId, number: NumberTable, sender: str
    ) -> None:
        db = self._db
        row.state, row.claimed_at = OutboxState.CLAIMED, db.now()
        row.attempts += 1
        row.phone_number_id = number.phone_number_id
        db.attempts[attempt_id] = AttemptTable(
            id=attempt_id,
            outbox_id=row.id,
            n=row.attempts,
            phone_number_id=number.phone_number_id,
            sender=sender,
        )
        db.watch("claimed", row)

    def _refusal(
        self, row: OutboxTable, number: NumberTable, lane: Lane | None
    ) -> tuple[ClaimVerdict, timedelta | None]:
        """CLAIMED, or why not and how long it waits; in the order of the stored functions.

        Several refusals withdraw or park the row.
        """
        db, now = self._db, self._db.now()
        ours = row.author == "agent"
        if not number.usable:
            return ClaimVerdict.NO_NUMBER, None
        if row.business_initiated and number.replies_only:
            db.withdraw(row, "replies_only")
            return ClaimVerdict.REPLIES_ONLY, None
        paced = lane is not None and (lane.business_initiated or not row.business_initiated)
        if lane is None or not paced or lane.phone_number_id != number.phone_number_id:
            return ClaimVerdict.OTHER_LANE, None
        if row.not_before > now:
            return ClaimVerdict.NOT_DUE, row.not_before - now
        if ours and row.epoch != db.conversations[row.conversation_id].epoch:
            db.withdraw(row, "fenced")
            return ClaimVerdict.FENCED, None
        if ours and "ai_paused" in db.switches:
            return ClaimVerdict.PAUSED, None
        if any(
            r.seq < row.seq and not _passes(row, r)
            for r in db.rows(row.conversation_id, *UNSETTLED)
        ):
            return ClaimVerdict.NOT_NEXT, None
        waits_until = self._waits_for_sent(row)
        if waits_until is not None:
            return ClaimVerdict.WAITS_FOR_SENT, waits_until - now
        return self._not_allowed(row, number) or ClaimVerdict.CLAIMED, None

    def _not_allowed(self, row: OutboxTable, number: NumberTable) -> ClaimVerdict | None:
        """What the contact, the caps or the window forbid for good."""
        db = self._db
        if row.business_initiated and not self._decision_holds(row):
            db.withdraw(row, "decision_expired")
            return ClaimVerdict.DECISION_EXPIRED
        if row.author == "agent":
            noticed = db.contacts[row.contact_id].ai_consent == "noticed"
            if noticed and not db.ai_was_put(row.contact_id, "noticed"):
                db.withdraw(row, "not_noticed")
                return ClaimVerdict.NOT_NOTICED
            if self._over_cap(row):
                db.withdraw(row, "loop_cap")
                db.file_not_sent(row, "loop_cap")
                return ClaimVerdict.LOOP_CAP
        template = row.content.get("kind") == "template"
        if not template and not db.window_is_open(row.contact_id, number.phone_number_id):
            row.state, row.reason = OutboxState.PARKED, "window_closed"
            row.settled_at = db.now()
            db.move(row.message_id, "parked", {"reason": "window_closed"})
            db.file_not_sent(row, "window_closed")
            return ClaimVerdict.WINDOW_CLOSED
        return None

    def _waits_for_sent(self, row: OutboxTable) -> datetime | None:
        if row.position == 0:
            return None
        for before in self._db.rows(row.conversation_id, OutboxState.ACCEPTED):
            if (
                before.turn_id is not None
                and before.turn_id == row.turn_id
                and before.position == row.position - 1
                and rank(self._db.message_by_id[before.message_id].status) < rank("sent")
                and before.settled_at is not None
                and before.settled_at + limits.SENT_WAIT > self._db.now()
            ):
                return before.settled_at + limits.SENT_WAIT
        return None

    def _decision_holds(self, row: OutboxTable) -> bool:
        assert row.decision_id is not None
        decision = self._db.decisions[row.decision_id]
        person = self._db.contacts[row.contact_id]
        return (
            decision.valid_until > self._db.now()
            and decision.contactability_version == person.contactability_version
        )

    def _over_cap(self, row: OutboxTable) -> bool:
        in_hour, in_day = self._db.spoken(row.contact_id)
        return in_hour >= limits.AGENT_MESSAGES_PER_HOUR or in_day >= limits.AGENT_MESSAGES_PER_DAY

    # ---- results

    async def record_accepted(self, accepted: Accepted) -> bool:
        db = self._db
        attempt = db.attempts.get(accepted.attempt_id)
        if attempt is not None:
            attempt.outcome, attempt.wamid = "accepted", accepted.wamid
        row = db.outbox.get(accepted.outbox_id)
        if row is None:
            return False
        if row.state in {OutboxState.CLAIMED, OutboxState.UNKNOWN}:
            row.state, row.reason, row.settled_at = OutboxState.ACCEPTED, "", db.now()
            contact = db.contacts[row.contact_id]
            if accepted.wa_id is not None and contact.wa_id is not None:
                contact.wa_id = accepted.wa_id
        message = db.message_by_id[row.message_id]
        message.wamid, message.phone_number_id = accepted.wamid, row.phone_number_id
        db.message_by_wamid[accepted.wamid] = message
        if rank(message.status) < rank("accepted"):
            db.move(message.id, "accepted", message.error)
        return any(r.id != row.id for r in db.rows(row.conversation_id, OutboxState.QUEUED))

    async def record_not_accepted(self, result: NotAccepted) -> None:
        db = self._db
        attempt = db.attempts.get(result.attempt_id)
        if attempt is not None and attempt.outcome is None:
            attempt.outcome, attempt.code = result.outcome, result.code
        row = db.outbox.get(result.outbox_id)
        if row is None or row.state != OutboxState.CLAIMED:
            return
        ended = result.next_state in {OutboxState.FAILED, OutboxState.PARKED}
        row.state, row.reason = result.next_state, result.reason
        row.not_before = db.now() + timedelta(seconds=result.retry_after_s)
        row.settled_at = db.now() if ended else None
        message = db.message_by_id[row.message_id]
        if result.next_state is not OutboxState.QUEUED and rank(message.status) < rank("sent"):
            error = {"reason": result.reason, "code": result.code, "detail": result.detail[:500]}
            db.move(message.id, result.next_state, error)
        if ended:
            db.withdraw_rest(row)
            db.file(
                "send_failed",
                row.conversation_id,
                f"send_failed:{row.id}",
                {
                    "outbox_id": str(row.id),
                    "message_id": str(row.message_id),
                    "code": result.code,
                    "reason": result.reason,
                },
            )

    # ---- keeping

    async def list_due(
        self, *, older_than: timedelta, limit: int, business_initiated: bool
    ) -> list[ConversationId]:
        db, now = self._db, self._db.now()
        paused = "ai_paused" in db.switches
        due: list[OutboxTable] = []
        for conversation_id in db.outbox_of:
            unsettled = list(db.rows(conversation_id, *UNSETTLED))
            due += [
                row
                for row in unsettled
                if row.state == OutboxState.QUEUED
                and row.business_initiated == business_initiated
                and row.not_before <= now
                and row.created_at < now - older_than
                and not (row.author == "agent" and paused)
                and self._number_is_usable(row)
                and not any(b.seq < row.seq and not _passes(row, b) for b in unsettled)
            ]
        return [row.conversation_id for row in sorted(due, key=lambda r: r.not_before)[:limit]]

    async def find_lost_claims(self) -> list[ConversationId]:
        db, wait = self._db, limits.SEND_TIMEOUT + limits.CLAIM_MARGIN
        found = []
        for row in self._all(OutboxState.CLAIMED):
            assert row.claimed_at is not None
            if row.claimed_at >= db.now() - wait:
                continue
            row.state, row.reason = OutboxState.UNKNOWN, "its sender died"
            row.not_before = row.claimed_at + wait + limits.UNKNOWN_GRACE
            if rank(db.message_by_id[row.message_id].status) < rank("unknown"):
                db.move(row.message_id, "unknown")
            found.append(row.conversation_id)
        return found

    async def file_blocked(self) -> list[ConversationId]:
        db, found = self._db, []
        for row in self._all(OutboxState.QUEUED):
            waits = row.not_before <= db.now() and row.created_at < db.now() - timedelta(minutes=1)
            if not waits or not self._number_is_stopped(row):
                continue
            payload = {
                "outbox_id": str(row.id),
                "message_id": str(row.message_id),
                "reason": "number_blocked",
            }
            if db.file("send_failed", row.conversation_id, f"blocked:{row.id}", payload):
                found.append(row.conversation_id)
        return found

    async def settle_unknown(self, *, healthy_since: datetime) -> list[tuple[ConversationId, str]]:
        db, settled = self._db, []
        if healthy_since + limits.UNKNOWN_GRACE > db.now():
            return []
        for row in self._all(OutboxState.UNKNOWN):
            if row.not_before > db.now():
                continue
            again = (
                row.author in {"agent", "system"}
                and not row.carries_money
                and not row.business_initiated
                and row.content.get("kind") != "template"
                and not row.possible_duplicate
            )
            row.possible_duplicate = row.possible_duplicate or again
            row.state = OutboxState.QUEUED if again else OutboxState.PARKED
            row.reason = "resent after the grace" if again else "unknown_outcome"
            row.not_before = db.now()
            row.settled_at = None if again else db.now()
            message = db.message_by_id[row.message_id]
            if rank(message.status) < rank("sent"):
                db.move(message.id, row.state, {"reason": "unknown_outcome"})
            if not again:
                payload = {
                    "outbox_id": str(row.id),
                    "message_id": str(row.message_id),
                    "reason": "unknown_outcome",
                }
                db.file("send_failed", row.conversation_id, f"parked:{row.id}", payload)
            settled.append((row.conversation_id, str(row.state)))
        return settled

    def _number_is_stopped(self, row: OutboxTable) -> bool:
        entry = self._number_of(row)
        return entry is not None and entry.stopped

    def _number_is_usable(self, row: OutboxTable) -> bool:
        entry = self._number_of(row)
        return entry is not None and entry.usable

    def _number_of(self, row: OutboxTable) -> NumberTable | None:
        number = row.phone_number_id or self._db.conversations[row.conversation_id].number
        return self._db.numbers.get(number or "")

    def _all(self, state: str) -> list[OutboxTable]:
        return [row for row in self._db.outbox.values() if row.state == state]


def _passes(row: OutboxTable, before: OutboxTable) -> bool:
    """An operator does not wait for an agent row of unknown outcome."""
    return (
        row.author == "operator"
        and before.author == "agent"
        and before.state == OutboxState.UNKNOWN
    )
