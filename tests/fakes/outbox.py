"""storage/outbox.py and `claim_send_v1` in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from config import limits
from domain.ids import AttemptId, ConversationId, MessageId, OutboxId, PhysicalNumberId
from domain.outbox import Accepted, Claim, ClaimVerdict, NotAccepted, OutboxRow, OutboxState
from tests.fakes.database import UNSETTLED, AttemptTable, FakeDatabase, OutboxTable, rank


class FakeOutbox:
    def __init__(self, db: FakeDatabase) -> None:
        self._db = db

    async def next_row(self, conversation_id: ConversationId) -> OutboxRow | None:
        db = self._db
        row = next(db.rows(conversation_id, OutboxState.QUEUED), None)
        if row is None:
            return None
        conversation = db.conversations[conversation_id]
        number = row.phone_number_id or conversation.number
        entry = db.numbers.get(number or "")
        inbound = [m for m in db.messages[conversation_id] if m.direction == "inbound"]
        return OutboxRow(
            id=OutboxId(row.id),
            conversation_id=row.conversation_id,
            contact_id=row.contact_id,
            message_id=MessageId(row.message_id),
            author=row.author,
            content=row.content,
            reply_to_wamid=row.reply_to_wamid,
            position=row.position,
            attempts=row.attempts,
            carries_money=row.carries_money,
            business_initiated=row.business_initiated,
            phone_number_id=number,
            number_reason=conversation.sticky_reason,
            number_pace=entry.messages_per_second if entry else 80,
            number_usable=entry is not None and entry.usable,
            wa_id=db.contacts[row.contact_id].wa_id,
            bsuid=None,
            last_inbound_wamid=inbound[-1].wamid if inbound else None,
            not_before=row.not_before,
            db_now=db.now(),
        )

    async def claim(
        self,
        outbox_id: OutboxId,
        attempt_id: AttemptId,
        *,
        number: PhysicalNumberId,
        sender: str,
    ) -> Claim:
        db = self._db
        row = db.outbox.get(outbox_id)
        if row is None:
            return _no(ClaimVerdict.GONE)
        refusal = self._refusal(row, number)
        if refusal is not None:
            return refusal
        row.state, row.claimed_at = OutboxState.CLAIMED, db.now()
        row.attempts += 1
        row.phone_number_id = number
        db.attempts[attempt_id] = AttemptTable(
            id=attempt_id,
            outbox_id=row.id,
            n=row.attempts,
            phone_number_id=number,
            sender=sender,
        )
        db.watch("claimed", row)
        return Claim(verdict=ClaimVerdict.CLAIMED, attempt_n=row.attempts, retry_at=None)

    def _refusal(self, row: OutboxTable, number: PhysicalNumberId) -> Claim | None:
        """In the order of the stored function; several withdraw or park the row."""
        db = self._db
        conversation = db.conversations[row.conversation_id]
        if row.state != OutboxState.QUEUED:
            return _no(ClaimVerdict.SETTLED)
        if row.not_before > db.now():
            return _no(ClaimVerdict.NOT_DUE, row.not_before)
        if row.author == "agent" and row.epoch != conversation.epoch:
            db.withdraw(row, "fenced")
            return _no(ClaimVerdict.FENCED)
        if row.author == "agent" and "ai_paused" in db.switches:
            return _no(ClaimVerdict.PAUSED)
        if any(
            r.seq < row.seq and not _passes(row, r)
            for r in db.rows(row.conversation_id, *UNSETTLED)
        ):
            return _no(ClaimVerdict.NOT_NEXT)
        retry_at = self._waits_for_sent(row)
        if retry_at is not None:
            return _no(ClaimVerdict.WAITS_FOR_SENT, retry_at)
        if row.business_initiated and not self._decision_holds(row):
            db.withdraw(row, "decision_expired")
            return _no(ClaimVerdict.DECISION_EXPIRED)
        if row.author == "agent" and self._over_cap(row):
            db.withdraw(row, "loop_cap")
            return _no(ClaimVerdict.LOOP_CAP)
        if row.content.get("kind") != "template" and not db.window_is_open(row.contact_id, number):
            row.state, row.reason = OutboxState.PARKED, "window_closed"
            row.settled_at = db.now()
            db.move(row.message_id, "parked", {"reason": "window_closed"})
            return _no(ClaimVerdict.WINDOW_CLOSED)
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
        now = self._db.now()
        claims = [
            r.claimed_at
            for r in self._db.outbox_of[row.conversation_id]
            if r.author == "agent" and r.claimed_at is not None
        ]
        in_hour = sum(at > now - timedelta(hours=1) for at in claims)
        in_day = sum(at > now - timedelta(days=1) for at in claims)
        return in_hour >= limits.AGENT_MESSAGES_PER_HOUR or in_day >= limits.AGENT_MESSAGES_PER_DAY

    # ---- results

    async def record_accepted(self, accepted: Accepted) -> None:
        db = self._db
        attempt = db.attempts.get(accepted.attempt_id)
        if attempt is not None:
            attempt.outcome, attempt.wamid = "accepted", accepted.wamid
        row = db.outbox.get(accepted.outbox_id)
        if row is None:
            return
        if row.state in {OutboxState.CLAIMED, OutboxState.UNKNOWN}:
            row.state, row.reason, row.settled_at = OutboxState.ACCEPTED, "", db.now()
            if accepted.wa_id is not None:
                db.contacts[row.contact_id].wa_id = accepted.wa_id
        message = db.message_by_id[row.message_id]
        message.wamid, message.phone_number_id = accepted.wamid, row.phone_number_id
        db.message_by_wamid[accepted.wamid] = message
        if rank(message.status) < rank("accepted"):
            db.move(message.id, "accepted", message.error)

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
                {"outbox_id": str(row.id), "code": result.code, "reason": result.reason},
            )

    # ---- keeping

    async def list_due(self, *, older_than: timedelta, limit: int) -> list[ConversationId]:
        db, now = self._db, self._db.now()
        paused = "ai_paused" in db.switches
        found: list[ConversationId] = []
        for conversation_id in db.outbox_of:
            unsettled = list(db.rows(conversation_id, *UNSETTLED))
            if any(
                row.state == OutboxState.QUEUED
                and row.not_before <= now
                and row.created_at < now - older_than
                and not (row.author == "agent" and paused)
                and not any(
                    b.seq < row.seq and b.state != OutboxState.QUEUED and not _passes(row, b)
                    for b in unsettled
                )
                for row in unsettled
            ):
                found.append(conversation_id)
        return found[:limit]

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
            number = row.phone_number_id or db.conversations[row.conversation_id].number
            entry = db.numbers.get(number or "")
            waits = row.not_before <= db.now() and row.created_at < db.now() - timedelta(minutes=1)
            if not waits or entry is None or entry.usable:
                continue
            payload = {"outbox_id": str(row.id), "reason": "number_blocked"}
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
                payload = {"outbox_id": str(row.id), "reason": "unknown_outcome"}
                db.file("send_failed", row.conversation_id, f"parked:{row.id}", payload)
            settled.append((row.conversation_id, str(row.state)))
        return settled

    def _all(self, state: str) -> list[OutboxTable]:
        return [row for row in self._db.outbox.values() if row.state == state]


def _passes(row: OutboxTable, before: OutboxTable) -> bool:
    """An operator does not wait for an agent row of unknown outcome."""
    return (
        row.author == "operator"
        and before.author == "agent"
        and before.state == OutboxState.UNKNOWN
    )


def _no(verdict: ClaimVerdict, retry_at: datetime | None = None) -> Claim:
    return Claim(verdict=verdict, attempt_n=0, retry_at=retry_at)
