"""One turn: the agent thinks while newer messages and people may stop it; then one fenced commit.

Stopping cancels the task, which closes the HTTP connection to the model. What a stopped turn cost is
journalled all the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final, assert_never

import asyncpg
import structlog

from actors.conversation.context import context_of
from actors.conversation.journal import TurnJournal
from actors.conversation.ports import Ports
from actors.conversation.steps import system_text
from agent.queue_place import with_place
from agent.wordings import wording
from config.limits import TYPING_SHOWN_AGAIN
from domain.commit import (
    Commit,
    CommitResult,
    CommitVerdict,
    ConsentDraft,
    HandoffDraft,
    OutboundDraft,
    TurnRecord,
)
from domain.conversation import Conversation, RunTurn, mode_after
from domain.ids import HandoffId, MessageId, OutboxId, PhysicalNumberId, TurnId, new_id
from domain.reply import (
    AddNote,
    AgentTurn,
    RequestHandoff,
    ScheduleCall,
    UpdateContact,
)
from domain.turn import TurnState
from domain.turn_context import TurnContext
from storage.pool import AWAY
from telemetry.failpoints import Failpoint, failpoint
from telemetry.tasks import spawn, start

log = structlog.get_logger()

Choose = Callable[[], Awaitable[tuple[PhysicalNumberId, str] | None]]


class _Stop(StrEnum):
    FENCED = "fenced"
    NEWER = "newer"


class TurnRun:
    """A running turn. `fence` and `newer` are called from outside while `run` waits for the model."""

    def __init__(
        self, conversation: Conversation, decision: RunTurn, ports: Ports, *, load_ms: float
    ) -> None:
        self.id = TurnId(new_id())
        self._conversation = conversation
        self._decision = decision
        self._ports = ports
        self._up_to = max(e.seq for e in decision.events)
        self._signals: asyncio.Queue[_Stop] = asyncio.Queue(maxsize=8)
        self._told = TurnJournal(self.id, load_ms=load_ms)
        self._context: TurnContext | None = None

    def fence(self) -> None:
        """A person acted: stop now, without asking the database first."""
        self._signal(_Stop.FENCED)

    def newer(self) -> None:
        """Something arrived: look whether it makes this draft worthless."""
        self._signal(_Stop.NEWER)

    def _signal(self, stop: _Stop) -> None:
        if not self._signals.full():  # a full queue already says all there is to say
            self._signals.put_nowait(stop)

    async def run(self, choose: Choose) -> CommitResult:
        """COMMITTED, or why nothing of this turn counts (then the caller loads again)."""
        conversation = self._conversation
        newest = self._decision.events[-1].message_id
        self._ports.tracer.trace(
            "turn.started",
            conversation.id,
            message_id=newest,
            turn_id=self.id,
            inputs=len(self._decision.events),
            actor=dict(self._ports.place),
        )
        context = context_of(conversation, self._decision.events, self._ports.house)
        self._context = context
        failpoint(Failpoint.TURN_STARTED)
        self._show_typing()
        typing = start(self._show_typing_again(), name="typing again")
        try:
            answer = await self._answer(context)
        finally:
            typing.cancel()
        if answer is None:
            return CommitResult(verdict=CommitVerdict.SUPERSEDED)
        choice = await choose()
        committing = time.perf_counter()
        commit = self._commit_of(context, answer, choice)
        failpoint(Failpoint.BEFORE_COMMIT)
        result = await self._ports.conversations.commit(commit)
        match result.verdict:
            case CommitVerdict.COMMITTED:
                self._tell_committed(commit, (time.perf_counter() - committing) * 1000)
            case CommitVerdict.SUPERSEDED:
                await self._journal(TurnState.SUPERSEDED, context, answer)
            case CommitVerdict.LOST:
                await self._journal(TurnState.FENCED, context, answer)
            case _:
                assert_never(result.verdict)
        return result

    async def record_failure(self, error: Exception) -> None:
        """Journals a turn that ended in a defect, so that people and figures see it."""
        record = self._record(TurnState.FAILED, self._context, None)
        record = replace(record, outcome=type(error).__name__)
        try:
            await self._ports.conversations.record_turn(self._conversation, record)
        except (asyncpg.PostgresError, *AWAY) as lost:
            log.warning("turn.failure_not_journalled", error=type(lost).__name__)
        self._ports.tracer.conversation(self._conversation.id)

    async def _show_typing_again(self) -> None:
        """Until it is cancelled: the sign goes out by itself while a long turn still thinks."""
        while True:
            await asyncio.sleep(TYPING_SHOWN_AGAIN.total_seconds())
            self._show_typing()

    def _show_typing(self) -> None:
        """Read mark and typing sign on the newest message: an answer really is coming."""
        newest = max(
            (e for e in self._decision.events if e.wamid and e.phone_number_id),
            key=lambda e: e.seq,
            default=None,
        )
        if newest is not None and newest.wamid and newest.phone_number_id:
            shown = self._ports.presence.show_typing(
                newest.phone_number_id, newest.wamid, typing=True
            )
            spawn(shown, name="typing")

    # ---- thinking

    async def _answer(self, context: TurnContext) -> AgentTurn | None:
        """The agent's turn, or None when it was stopped; the model call is closed then."""
        thinking = start(
            self._ports.agent.answer(context, on_stage=self._stage), name=f"turn {self.id}"
        )
        try:
            stopped = await self._watch(thinking)
        except asyncio.CancelledError:
            thinking.cancel()
            raise
        if stopped is None:
            return thinking.result()
        thinking.cancel()
        await asyncio.wait([thinking])
        state = TurnState.FENCED if stopped is _Stop.FENCED else TurnState.SUPERSEDED
        await self._journal(state, context, None)
        return None

    async def _watch(self, thinking: asyncio.Task[AgentTurn]) -> _Stop | None:
        """Waits for the agent or for a reason to stop it."""
        while True:
            signal = start(self._signals.get(), name="turn signal")
            try:
                await asyncio.wait({thinking, signal}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not signal.done():
                    signal.cancel()
            if thinking.done():
                return None
            if signal.result() is _Stop.FENCED:
                return _Stop.FENCED
            fenced, newer = await self._ports.conversations.is_stale(
                self._conversation, self._up_to
            )
            if fenced:
                return _Stop.FENCED
            if newer and not self._decision.last_chance:
                return _Stop.NEWER

    def _stage(self, stage: str, detail: Mapping[str, object]) -> None:
        newest = self._decision.events[-1].message_id
        self._told.note(stage, detail)
        ms = detail.get("ms")
        self._ports.tracer.trace(
            stage,
            self._conversation.id,
            message_id=newest,
            turn_id=self.id,
            ms=float(ms) if isinstance(ms, (int, float)) else None,
            **{k: v for k, v in detail.items() if k not in _NOT_SHOWN},
        )

    # ---- writing down

    def _commit_of(
        self,
        context: TurnContext,
        answer: AgentTurn,
        choice: tuple[PhysicalNumberId, str] | None,
    ) -> Commit:
        conversation = self._conversation
        outbound = self._bubbles(answer)
        notice = None
        if self._decision.notice_first:
            text = wording("ai_notice", company=self._ports.house.company)
            first = system_text(text.text)
            outbound = [first, *outbound]
            notice = ConsentDraft(
                state="noticed", text_version=text.version, asked_message_id=first.message_id
            )
        reply = answer.reply
        fields: dict[str, str] = {}
        for effect in answer.effects:
            if isinstance(effect, UpdateContact):
                fields.update(effect.fields)
        return Commit(
            conversation_id=conversation.id,
            epoch=conversation.epoch,
            version=conversation.version,
            worked=[e.seq for e in self._decision.events],
            outcome="answered",
            unless_newer_than=None if self._decision.last_chance else self._up_to,
            turn=self._record(TurnState.COMMITTED, context, answer),
            outbound=outbound,
            state={**conversation.state, "agent": dict(answer.state)},
            score=reply.qualification_score if reply is not None else None,
            mode=mode_after(conversation, answer),
            sticky_number=choice[0] if choice else None,
            sticky_reason=choice[1] if choice else "",
            notes=[e.text for e in answer.effects if isinstance(e, AddNote)],
            calls=[(e.at, e.subject) for e in answer.effects if isinstance(e, ScheduleCall)],
            contact_changes=fields,
            handoff=_handoff(answer.handoff),
            consent=notice,
        )

    def _bubbles(self, answer: AgentTurn) -> list[OutboundDraft]:
        first = 1 if self._decision.notice_first else 0
        bubbles = answer.bubbles
        if answer.handoff is not None:
            bubbles = with_place(
                bubbles,
                position=self._conversation.next_place,
                hours=self._ports.house.hours,
                somebody_online=self._conversation.operators_online > 0,
            )
        return [
            OutboundDraft(
                message_id=MessageId(new_id()),
                outbox_id=OutboxId(new_id()),
                author="agent",
                content={"kind": "text", "body": text},
                text=text,
                position=first + place,
                carries_money=answer.carries_money,
            )
            for place, text in enumerate(bubbles)
        ]

    def _record(
        self, state: TurnState, context: TurnContext | None, answer: AgentTurn | None
    ) -> TurnRecord:
        return self._told.record(
            state,
            conversation=self._conversation,
            events=self._decision.events,
            context=context,
            answer=answer,
            place=self._ports.place,
        )

    async def _journal(
        self, state: TurnState, context: TurnContext, answer: AgentTurn | None
    ) -> None:
        await self._ports.conversations.record_turn(
            self._conversation, self._record(state, context, answer)
        )
        stage = "turn.fenced" if state is TurnState.FENCED else "turn.superseded"
        newest = self._decision.events[-1].message_id
        self._ports.tracer.trace(stage, self._conversation.id, message_id=newest, turn_id=self.id)

    def _tell_committed(self, commit: Commit, ms: float) -> None:
        tracer, conversation_id = self._ports.tracer, self._conversation.id
        newest = self._decision.events[-1].message_id
        tracer.trace(
            "turn.committed",
            conversation_id,
            message_id=newest,
            turn_id=self.id,
            ms=ms,
            outbound=[str(d.message_id) for d in commit.outbound],
            version=commit.version + 1,
            epoch=commit.epoch,
        )
        for draft in commit.outbound:
            tracer.message(conversation_id, draft.message_id)
        tracer.conversation(conversation_id)


def _handoff(request: RequestHandoff | None) -> HandoffDraft | None:
    if request is None:
        return None
    return HandoffDraft(
        id=HandoffId(new_id()),
        reason=request.reason,
        priority=request.priority,
        silence=request.silence,
        brief=request.brief,
        raised_by="agent",
    )


#: For the journal, or told beside the details already.
_NOT_SHOWN: Final = frozenset(
    {"latency_ms", "ms", "cost_micros", "priced_by", "cache_write_tokens"}
)
