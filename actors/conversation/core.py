"""ConversationCore: one conversation's mailbox and turn loop, against ports. Knows nothing of Ray.

It loads, asks `decide` what should happen, and carries it out; a ring wakes it. What it does is safe
to do twice and safe to stop anywhere: the compare-and-set of the commit decides which of two owners
counts, and the claim decides what may leave.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from typing import Final, assert_never

import structlog

from actors.conversation import steps
from actors.conversation.ports import Ports
from actors.conversation.turn import TurnRun
from domain.commit import Commit, CommitResult, CommitVerdict
from domain.conversation import (
    AnsweredInApp,
    AskConsent,
    Conversation,
    Note,
    RecordConsent,
    Rest,
    RestForMoney,
    RunTurn,
    WaitQuiet,
    decide,
)
from domain.doorbell import Ring, RingReason
from domain.errors import MergedError
from domain.ids import ConversationId, PhysicalNumberId
from domain.outbox import Lane
from domain.ownership import Ownership, Standing, standing_of
from telemetry.failpoints import Failpoint, failpoint
from telemetry.metrics import OVER_BUDGET
from telemetry.tasks import spawn, start

log = structlog.get_logger()

#: A lost compare-and-set is somebody else's progress; so many in a row are a defect.
_LOST_MAX: Final = 20

#: What was brought may be words to answer or messages to send.
_PASSED_ON: Final = (RingReason.MESSAGE, RingReason.OUTBOX)


class ConversationCore:
    """The activation of one conversation; `run` ends when it has been idle for `idle_after`."""

    def __init__(
        self, conversation_id: ConversationId, ports: Ports, *, idle_after: timedelta
    ) -> None:
        self.id = conversation_id
        self.epoch = 0
        self.state = "starting"
        self.last_turn_at: datetime | None = None
        self.ownership = Ownership()
        self._ports = ports
        self._idle_after = idle_after
        self._bell = asyncio.Event()
        self._rings = 0
        self._leaving = False
        self._load_ms = 0.0
        self._turn: TurnRun | None = None
        self._number: asyncio.Task[None] | None = None
        self._choice: tuple[PhysicalNumberId, str] | None = None

    @property
    def mailbox(self) -> int:
        """Rings since the inbox was last read."""
        return self._rings

    @property
    def is_idle(self) -> bool:
        """Whether putting it away loses nothing, not even a ring."""
        return self.state == "idle" and not self._bell.is_set()

    @property
    def in_turn(self) -> bool:
        """Whether stopping now would throw away model work or a commit."""
        return self.state in {"turn", "committing"}

    def ring(self, reason: RingReason) -> None:
        """A hint; the work itself is read from PostgreSQL."""
        self._rings += 1
        if reason is RingReason.FENCE and self._turn is not None:
            self._turn.fence()
        if reason is RingReason.OUTBOX:
            spawn(self._ports.dispatcher.dispatch(self.id), name="dispatch")
            return
        self._bell.set()
        if self._turn is not None:
            self._turn.newer()

    def leave(self) -> None:
        """Ends `run` of an idle conversation; who rings it next activates it again."""
        self._leaving = True
        self._bell.set()

    async def run(self) -> Standing:
        """Works until idle (OWNER), or until a load says that this host is not the owner.

        One that was merged into another passes its rings on and ends as if idle. Raises NotFoundError
        for a conversation that does not exist.
        """
        lost = 0
        while True:
            self._bell.clear()
            self._rings = 0
            try:
                conversation = await self._load()
                standing = standing_of(self._ports.host, conversation.ownership)
                if standing is not Standing.OWNER:
                    return standing
                verdict = await self._step(conversation)
            except MergedError:
                await self._pass_on()
                return Standing.OWNER
            if verdict is None:
                if await self._idle():
                    return standing
            elif verdict is CommitVerdict.LOST:
                lost += 1
                if lost > _LOST_MAX:
                    raise RuntimeError(f"conversation {self.id} loses every commit")
                continue
            lost = 0

    async def _load(self) -> Conversation:
        self.state = "loading"
        started = time.perf_counter()
        conversation = await self._ports.conversations.load(self.id)
        self._load_ms = (time.perf_counter() - started) * 1000
        failpoint(Failpoint.LOADED)
        self.epoch = conversation.epoch
        self.ownership = conversation.ownership
        return conversation

    async def _pass_on(self) -> None:
        """It goes on in another conversation: what was written here since is brought and rung there."""
        kept = await self._ports.merges.gather(self.id)
        log.info("conversation.merged", conversation_id=str(self.id), into=str(kept))
        self._ports.tracer.conversation(kept)
        await self._ports.doorbell.ring(
            [Ring(conversation_id=kept, reason=reason) for reason in _PASSED_ON]
        )

    async def _step(self, conversation: Conversation) -> CommitVerdict | None:
        """One decision carried out; None when nothing is left but to wait for a ring."""
        house = self._ports.house
        decision = decide(conversation, house.rules)
        match decision:
            case Rest():
                if decision.left:
                    await self._ports.conversations.leave_waiting(self.id, decision.left)
                return None
            case WaitQuiet():
                self._choose_number(conversation)
                await self._wait_quiet(conversation, decision)
                return CommitVerdict.SUPERSEDED
            case Note():
                return await self._commit(conversation, steps.note(conversation, decision))
            case AskConsent():
                commit = steps.ask_consent(conversation, decision, house.company)
                return await self._commit(conversation, commit)
            case RecordConsent():
                commit = steps.record_consent(conversation, decision, house.hours)
                return await self._commit(conversation, commit)
            case AnsweredInApp():
                commit = steps.answered_in_app(conversation, decision)
                return await self._commit(conversation, commit)
            case RestForMoney():
                return await self._rest_for_money(conversation, decision)
            case RunTurn():
                return await self._run_turn(conversation, decision)
        assert_never(decision)

    async def _rest_for_money(
        self, conversation: Conversation, decision: RestForMoney
    ) -> CommitVerdict | None:
        commit = steps.rest_for_money(conversation, decision, self._ports.house.hours)
        verdict = await self._commit(conversation, commit)
        if verdict is not CommitVerdict.LOST:
            OVER_BUDGET.labels(decision.budget).inc()
        return verdict

    async def _run_turn(
        self, conversation: Conversation, decision: RunTurn
    ) -> CommitVerdict | None:
        self.state = "waiting"
        async with self._ports.turns.place() as waited:
            if waited:  # read again, with the place in hand: giving it back would starve us
                self._bell.clear()
                self._rings = 0
                conversation = await self._load()
                standing = standing_of(self._ports.host, conversation.ownership)
                newest = decide(conversation, self._ports.house.rules)
                if standing is not Standing.OWNER or not isinstance(newest, RunTurn):
                    return CommitVerdict.SUPERSEDED
                decision = newest
            if self._bell.is_set():
                # Rung while it was read: a person's act may be later than that, and no turn was there
                # to be stopped. A load is cheaper than a model call for nothing.
                return CommitVerdict.SUPERSEDED
            result = await self._think(conversation, decision)
        filed = False
        if result.verdict is CommitVerdict.COMMITTED:
            failpoint(Failpoint.AFTER_COMMIT, "turn")
            filed = await self._ports.dispatcher.dispatch(self.id, _lane(conversation))
        return result.verdict if result.pending or filed else None

    async def _think(self, conversation: Conversation, decision: RunTurn) -> CommitResult:
        self.state = "turn"
        self._choose_number(conversation)
        turn = TurnRun(conversation, decision, self._ports, load_ms=self._load_ms)
        self._turn = turn
        try:
            result = await turn.run(self._chosen)
            self.last_turn_at = conversation.db_now
        except Exception as error:
            await turn.record_failure(error)
            raise
        finally:
            self._turn = None
        return result

    async def _commit(self, conversation: Conversation, commit: Commit) -> CommitVerdict | None:
        self.state = "committing"
        filed = False
        result = await self._ports.conversations.commit(commit)
        if result.verdict is CommitVerdict.COMMITTED:
            failpoint(Failpoint.AFTER_COMMIT, "step")
            for draft in commit.outbound:
                self._ports.tracer.message(self.id, draft.message_id)
            self._ports.tracer.conversation(self.id)
            if commit.outbound:
                filed = await self._ports.dispatcher.dispatch(self.id, _lane(conversation))
        return result.verdict if result.pending or filed else None

    # ---- waiting

    async def _wait_quiet(self, conversation: Conversation, wait: WaitQuiet) -> None:
        self.state = "quiet"
        newest = conversation.pending[-1]
        remaining = (wait.due_at - conversation.db_now).total_seconds()
        self._ports.tracer.trace(
            "quiet.waiting",
            self.id,
            message_id=newest.message_id,
            ms=remaining * 1000,
            due_at=wait.due_at.isoformat(),
            actor=dict(self._ports.place),
        )
        await self._bell_within(remaining)

    async def _idle(self) -> bool:
        """Waits for a ring; True when the conversation may be put away."""
        self.state = "idle"
        rung = await self._bell_within(self._idle_after.total_seconds())
        return self._leaving or (not rung and not self._bell.is_set())

    async def _bell_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._bell.wait()
        except TimeoutError:
            return False
        return True

    # ---- the number, chosen while the quiet period runs

    def _choose_number(self, conversation: Conversation) -> None:
        """The NumberPool chooses for a thread the contact never wrote in; else it is where they wrote."""
        settled = conversation.sticky_number is not None and conversation.number_state in {
            "active",
            "draining",
        }
        written_to = conversation.last_inbound_number is not None
        if settled or written_to or self._number is not None:
            return
        self._choice = None
        self._number = start(self._ask_pool(conversation), name="choose number")

    async def _ask_pool(self, conversation: Conversation) -> None:
        choice = await self._ports.numbers.choose(
            self.id,
            traffic_class=conversation.case_purpose or "sales",
            written_to=conversation.last_inbound_number,
        )
        if choice is not None:
            self._choice = (choice.phone_number_id, choice.reason)

    async def _chosen(self) -> tuple[PhysicalNumberId, str] | None:
        """The pool's choice if one was asked for; None keeps the number the contact wrote to."""
        task, self._number = self._number, None
        if task is not None:
            await task
        choice, self._choice = self._choice, None
        return choice


def _lane(conversation: Conversation) -> Lane | None:
    """Where the conversation's next message will most likely leave; the claim knows."""
    if conversation.number is None:
        return None
    return Lane(
        phone_number_id=conversation.number,
        contact_id=conversation.contact_id,
        messages_per_second=conversation.messages_per_second,
        business_initiated=False,
    )
