"""What must hold whatever happens: judged from what Meta took and from what the database was told.

The oracle never asks the code under test. While a run goes on it looks at every claim, send and
change of status; `settled` judges what is left when everything has come to rest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from domain.conversation import ASKED_AT_SEQ
from domain.delivery import FROM_META, DeliveryStatus, settle
from domain.ids import ContactId, ConversationId
from domain.outbox import OutboxState
from tests.fakes.database import UNSETTLED, rank
from tests.fakes.meta import Post
from tests.fakes.tables import ConversationTable, EventTable, MessageTable, OutboxTable
from tests.model.agent import TOKEN
from tests.model.world import World

#: A status stored this long before a second claim must have prevented it: it is applied by its own
#: process at once, and by the sender after a second and a round.
STATUS_MUST_COUNT: Final = timedelta(seconds=4)


class Oracle:
    def __init__(self, world: World) -> None:
        self._world = world
        self._db = world.db
        self.broken: list[str] = []
        self._op = 0
        self._queued_at: dict[UUID, int] = {}
        #: Drafts of before a person's act in the conversation they were in then.
        self._fenced: set[UUID] = set()
        #: Merges by the conversation that went on, and the drafts that waited in either.
        self._merged_at: dict[ConversationId, int] = {}
        self._merged_away: set[UUID] = set()
        self._merged_when: dict[ConversationId, datetime] = {}
        #: Turns whose questions were asked again because a merge withdrew all they had said.
        self._annulled: set[UUID] = set()
        #: Where a row was queued, and when it was claimed last.
        self._home: dict[UUID, ConversationId] = {}
        self._claimed_at: dict[UUID, int] = {}
        self._opted_out_at: dict[ContactId, int] = defaultdict(int)
        self._claimed: dict[UUID, list[datetime]] = defaultdict(list)
        #: Rows that go back to the queue by a person's word or by Meta's own `failed`.
        self._again: Counter[UUID] = Counter()
        self._posts_of: dict[UUID, list[Post]] = defaultdict(list)
        self._order: dict[ConversationId, list[OutboxTable]] = defaultdict(list)
        self.posted: Counter[str] = Counter()
        #: What contacts wrote: the token of each message by its wamid.
        self.written: dict[str, str] = {}
        self.timers: set[UUID] = set()
        world.db.watch = self._watch
        world.meta.on_post = self._posted

    def holds(self, truth: object, said: str) -> None:
        if not truth:
            self.broken.append(f"{self._world.loop.now:.3f}s {said}")

    def opted_out(self, contact_id: ContactId) -> None:
        self._op += 1
        self._opted_out_at[contact_id] = self._op

    # ---- while it runs

    def _watch(self, what: str, row: Any) -> None:
        self._op += 1
        match what:
            case "queued":
                self._queued_at[row.id] = self._op
                self._home[row.id] = row.conversation_id
                self._check_thought(row)
            case "acted":
                self._fenced |= {r.id for r in self._db.outbox_of[row.id] if r.author == "agent"}
            case "merged":
                self._see_merge(*row)
            case "asked again":
                self._check_annulled(row)
            case "resent" | "requeued":
                self._again[row.id] += 1
                self._queued_at[row.id] = self._op
                if what == "resent":
                    self._fenced.discard(row.id)
            case "claimed":
                self._check_claim(row)
            case "status":
                self._check_status(*row)
            case _:
                pass

    def _check_claim(self, row: OutboxTable) -> None:
        conversation = self._db.conversations[row.conversation_id]
        self._claimed[row.id].append(self._db.now())
        self._claimed_at[row.id] = self._op
        self.holds(conversation.merged_into is None, "a row was claimed where nobody is any more")
        if row.author == "agent":
            fresh = row.id not in self._fenced
            self.holds(fresh, f"a draft of before a person's act was claimed: {row.id}")
            waited = row.id in self._merged_away
            self.holds(not waited, "a draft of before a merge was claimed")
            agreed = self._db.contacts[row.contact_id].ai_consent == "granted"
            self.holds(agreed or row.business_initiated, "an answer was claimed without consent")
        if row.business_initiated:
            decided = self._queued_at[row.id] > self._opted_out_at[row.contact_id]
            self.holds(decided, "a campaign row was claimed after the contact opted out")
        self.holds(conversation.contact_id == row.contact_id, "a row of another contact")

    def _see_merge(self, kept: ConversationTable, gone: ConversationTable) -> None:
        """What waited was thought without the other half; what was on its way may be tried again."""
        self._merged_at[kept.id] = self._op
        self._merged_when[kept.id] = self._db.now()
        self._opted_out_at[kept.contact_id] = self._op
        rows = self._db.outbox_of[kept.id]
        self._merged_away |= {r.id for r in rows if r.author == "agent" and not self._claimed[r.id]}
        may_go_on = kept.mode == "agent" and self._consent(kept) != "refused"
        if not may_go_on:
            self._fenced |= {r.id for r in rows if r.author == "agent"}
        self._order[kept.id] += self._order.pop(gone.id, [])
        self.holds(len(self._people(kept)) == 1, f"different people became one: {kept.id}")

    def _check_thought(self, row: OutboxTable) -> None:
        """An answer that is committed after a merge was thought with both halves."""
        merged = self._merged_when.get(row.conversation_id)
        if merged is not None and row.turn_id is not None:
            begun = self._db.turns[row.turn_id].started_at
            self.holds(begun >= merged, f"a turn of before a merge was committed: {row.content}")

    def _check_annulled(self, event: EventTable) -> None:
        """A question is only asked again when no word of its answer had left."""
        assert event.turn_id is not None
        self._annulled.add(event.turn_id)
        said = [r for r in self._db.outbox.values() if r.turn_id == event.turn_id]
        left = any(len(self._posts_of[r.id]) > self._again[r.id] for r in said)
        self.holds(not left, f"what was answered is asked again: {event.wamid}")

    def _check_status(self, message: MessageTable, before: str) -> None:
        forward = rank(message.status) > rank(before)
        again = message.status == "queued" and self._went_back(message)
        confirmed = message.status == "delivered" and before == "parked"
        parked = message.status in {"queued", "parked"} and before == "unknown"
        # Meta said `failed` because the number is stopped: a person decides whether it goes again.
        parked |= message.status == "parked" and before == "failed"
        # Its one more try was withdrawn: Meta's word on the try before is not the last one.
        withdrawn = message.status == "withdrawn" and before == "failed"
        self.holds(
            forward or again or confirmed or parked or withdrawn or message.status == before,
            f"a status moved back: {before} to {message.status}",
        )

    def _went_back(self, message: MessageTable) -> bool:
        return self._again[self._db.row_of_message[message.id].id] > 0

    def _posted(self, post: Post) -> None:
        row = self._row_of(post)
        contact = self._db.contacts[row.contact_id]
        self.holds(post.to in {contact.wa_id, contact.bsuid}, f"a message crossed to {post.to}")
        tokens = TOKEN.findall(post.text)
        self.holds(
            {_writer(t) for t in tokens} <= {post.to[-1]}, f"words crossed to {post.to}: {tokens}"
        )
        annulled = row.turn_id in self._annulled
        self.holds(not annulled, f"an answer left whose question is asked again: {tokens}")
        self._check_order(row)
        self._check_double(row)
        self._posts_of[row.id].append(post)
        self._order[row.conversation_id].append(row)
        for token in tokens:
            self.posted[token] += 1

    def _row_of(self, post: Post) -> OutboxTable:
        return self._db.outbox[self._db.attempts[post.attempt_id].outbox_id]

    def _check_order(self, row: OutboxTable) -> None:
        """A row that overtook an earlier one had a reason that is written in the protocol."""
        if self._again[row.id] or row.possible_duplicate:
            return
        overtaken_by = [
            r
            for r in self._order[row.conversation_id]
            if r.seq > row.seq and self._stood_together(r, row)
        ]
        # An operator does not wait for an agent row whose outcome is unknown.
        excused = row.author == "agent" and all(r.author == "operator" for r in overtaken_by)
        self.holds(excused or not overtaken_by, f"a message was overtaken: {row.content}")

    def _stood_together(self, sent: OutboxTable, row: OutboxTable) -> bool:
        """Whether `sent` was claimed in the conversation in which `row` waited."""
        if self._home[sent.id] == self._home[row.id]:
            return True
        return self._claimed_at[sent.id] > self._merged_at[row.conversation_id]

    def _check_double(self, row: OutboxTable) -> None:
        earlier = self._posts_of[row.id]
        if len(earlier) <= self._again[row.id]:
            return
        self.holds(row.possible_duplicate, f"a message went twice unmarked: {row.content}")
        self.holds(
            row.author != "operator" and not row.carries_money and not row.business_initiated,
            f"a message that must not be repeated went twice: {row.content}",
        )
        claimed = self._claimed[row.id][-1]
        for post in earlier:
            known = [
                s
                for s in self._db.statuses.values()
                if s.attempt_id == post.attempt_id
                and s.status != "failed"
                and s.received_at < claimed - STATUS_MUST_COUNT
            ]
            self.holds(not known, f"a message went twice although Meta had told: {row.content}")

    # ---- when everything has come to rest

    def settled(self) -> None:
        """Judges what is left; call it after the troubles are over and time has passed."""
        for conversation in self._db.conversations.values():
            self._check_inbox(conversation)
            self._check_outbox(conversation)
        self._check_answers()
        self._check_delivery()
        self._check_timers()

    def _check_inbox(self, conversation: ConversationTable) -> None:
        events = self._db.events[conversation.id]
        if conversation.merged_into is not None:
            left = [*events, *self._db.messages[conversation.id]]
            self.holds(not left, f"a merged conversation still has {len(left)} rows")
            return
        words = {t for m in self._db.messages[conversation.id] for t in TOKEN.findall(m.body)}
        people = self._people(conversation)
        self.holds({_writer(t) for t in words} <= people, f"words of another person: {words}")
        stored = Counter(e.wamid for e in events if e.kind == "message")
        for wamid, count in stored.items():
            self.holds(count == 1, f"{wamid} is stored {count} times")
        for event in self._db.pending(conversation.id):
            self.holds(
                self._waits_on_purpose(conversation, event),
                f"{event.kind} {event.seq} is not worked in mode {conversation.mode}",
            )

    def _waits_on_purpose(self, conversation: ConversationTable, event: EventTable) -> bool:
        consent = self._consent(conversation)
        if conversation.merged_into is not None:
            return False
        if event.kind == "whisper":
            return True
        if consent == "asked" and conversation.mode not in {"operator", "muted"}:
            message = self._db.message_by_id.get(event.message_id) if event.message_id else None
            tapped = message is not None and message.content["kind"] == "button_reply"
            # A tap on a question that counted as not left is not taken; the contact was asked anew.
            return not tapped or event.seq <= conversation.state.get(ASKED_AT_SEQ, 0)
        return conversation.mode in {"operator", "muted"} or consent in {"asked", "refused"}

    def _check_outbox(self, conversation: ConversationTable) -> None:
        for row in self._db.outbox_of[conversation.id]:
            left = row.state not in UNSETTLED
            self.holds(left, f"a row of {row.author} is {row.state}: {row.reason}")
            if row.author == "operator":
                self.holds(row.state != "withdrawn", f"a person's message was {row.reason}")
            if row.state == OutboxState.ACCEPTED:
                sure = self._posts_of[row.id] or row.reason == "confirmed_by_person"
                self.holds(sure, f"a message counts as sent and Meta never had it: {row.content}")
            given_up = row.state in {OutboxState.FAILED, OutboxState.PARKED}
            if given_up or row.reason == "loop_cap":
                self.holds(self._was_told(row), f"nobody was told of {row.state}: {row.reason}")

    def _was_told(self, row: OutboxTable) -> bool:
        events = self._db.events[row.conversation_id]
        return any(
            e.kind == "send_failed" and e.payload.get("outbox_id") == str(row.id) for e in events
        )

    def _check_answers(self) -> None:
        """Each message of a contact belongs to at most one turn, and each turn's words are its own."""
        db = self._db
        known = {e.wamid for events in db.events.values() for e in events if e.kind == "message"}
        for wamid, token in self.written.items():
            self.holds(wamid in known, f"{token} was lost")
        turns = Counter(
            inputs
            for turn in db.turns.values()
            if turn.state == "committed" and turn.id not in self._annulled
            for inputs in turn.inputs
        )
        for message_id, count in turns.items():
            body = db.message_by_id[UUID(message_id)].body
            self.holds(count == 1, f"{body} was answered by {count} turns")
        for event in (e for events in db.events.values() for e in events):
            if event.kind == "message" and event.outcome == "answered":
                self.holds(turns[str(event.message_id)] == 1, f"{event.wamid} has no turn")
                self.holds(self._answer_is_known(event), f"the answer to {event.wamid} is gone")

    def _answer_is_known(self, event: EventTable) -> bool:
        """It reached Meta, or its row says why not and a person can read that."""
        rows = [r for r in self._db.outbox_of[event.conversation_id] if r.turn_id == event.turn_id]
        token = self.written[event.wamid or ""]
        named = [r for r in rows if token in TOKEN.findall(str(r.content.get("body", "")))]
        return bool(named) and all(
            r.state != OutboxState.ACCEPTED or self.posted[token] or r.reason for r in named
        )

    def _check_delivery(self) -> None:
        """A message stands where the most that was learned of it says, and not below."""
        for row in self._db.outbox.values():
            if self._again[row.id] or row.state != OutboxState.ACCEPTED:
                continue
            told = [s for post in self._posts_of[row.id] for s in self._world.meta.told[post.wamid]]
            assert all(s in FROM_META for s in told)
            message = self._db.message_by_id[row.message_id]
            most = settle(told, DeliveryStatus.ACCEPTED)
            self.holds(
                rank(message.status) >= rank(most), f"{message.status} although Meta said {most}"
            )

    def _check_timers(self) -> None:
        fired = Counter(
            e.dedupe_key for events in self._db.events.values() for e in events if e.kind == "timer"
        )
        self.holds(fired.total() == len(self.timers), "a timer became more than one event")
        for timer_id in self.timers:
            self.holds(fired[f"timer:{timer_id}"] == 1, f"timer {timer_id} is no event once")

    def _consent(self, conversation: ConversationTable) -> str:
        return self._db.contacts[conversation.contact_id].ai_consent

    def _people(self, conversation: ConversationTable) -> set[str]:
        """Whom a conversation's contact is known as; the last letter of a name says who that is."""
        identities = self._db.identities.items()
        return {value[-1] for (_, value), of in identities if of == conversation.contact_id}

    def unsettled(self) -> Iterator[str]:
        """Why the run has not come to rest yet."""
        if self._world.meta.waiting:
            yield "webhooks are on their way"
        if self._db.timers:
            yield "timers are due"
        for row in self._db.outbox.values():
            if row.state in UNSETTLED:
                yield f"a row is {row.state}"
        for conversation in self._db.conversations.values():
            for event in self._db.pending(conversation.id):
                if not self._waits_on_purpose(conversation, event):
                    yield f"an event of kind {event.kind} waits"


def _writer(token: str) -> str:
    return token[1]
