"""One turn of the AI: the context in, a checked reply with its effects out.

The loop is ours: ask the model, run the tools it wants, ask again, at most TOOL_ROUNDS_MAX times and
inside MODEL_BUDGET. Nothing is written and nothing is sent here. Cancelling the task is safe at any
point: the model's connection closes and no effect exists yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog

from agent.brief import brief_of
from agent.claude import (
    ClaudeModel,
    ModelAnswer,
    ModelRefusedError,
    ModelRequest,
    ModelSession,
    ModelUnavailableError,
    OnStage,
)
from agent.guardrails import HUMAN_RULE, MONEY_RULE, Draft, check_draft, tidied
from agent.model_budget import ModelBudget
from agent.playbook import Playbook, load_prompt
from agent.reply_format import SCHEMA, read_reply
from agent.tools import Desk, HandoffWish, Tool, Toolbox
from agent.transcript import first_message, system_blocks, tool_results
from agent.wordings import Wording, wording
from config.limits import MODEL_BUDGET, TOOL_ROUNDS_MAX
from domain.content import split_text
from domain.errors import DefectError
from domain.handoff import (
    HandoffKind,
    Priority,
    Silence,
    is_qualified,
    priority_for,
    reason_for,
    silence_for,
)
from domain.reply import (
    AgentTurn,
    GuardVerdict,
    NextAction,
    Outcome,
    Reply,
    RequestHandoff,
    ScheduleCall,
    Verdict,
)
from domain.sources import carries_money
from domain.turn_context import TurnContext

log = structlog.get_logger()

ToolboxFactory = Callable[[TurnContext], Toolbox]

REPAIRS_MAX: Final = 1
#: After this many turns in a row without a usable answer a person is called.
UNANSWERED_MAX: Final = 2


@dataclass(slots=True, kw_only=True)
class _Turn:
    """What one turn gathers while it runs."""

    context: TurnContext
    toolbox: Toolbox
    session: ModelSession
    messages: list[Mapping[str, Any]]
    verdicts: list[GuardVerdict] = field(default_factory=list)
    rounds: int = 0

    @property
    def queued(self) -> bool:
        return self.context.conversation.handoff is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    reply: Reply
    bubbles: tuple[str, ...]
    outcome: Outcome
    handoff: RequestHandoff | None
    wordings: Mapping[str, str] = field(default_factory=dict)


class Agent:
    """An agent of one playbook. Made once per process; every turn is independent of the others."""

    def __init__(
        self,
        playbook: Playbook,
        model: ClaudeModel,
        toolbox_factory: ToolboxFactory,
        *,
        tools: tuple[Tool[Any], ...],
        company: str,
        budget: timedelta = MODEL_BUDGET,
    ) -> None:
        self.playbook = playbook
        self.model = model
        self._toolbox_factory = toolbox_factory
        self._company = company
        self._budget = budget
        self._prompt = load_prompt(playbook.prompt, company=company)
        self._repair_prompt = load_prompt("repair.md", company=company)
        self._system = system_blocks(self._prompt)
        self._tools = [tool.definition() for tool in tools]
        self._tool_names = tuple(tool.name for tool in tools)

    async def close(self) -> None:
        """Closes the model's connections."""
        await self.model.close()

    async def answer(self, context: TurnContext, *, on_stage: OnStage) -> AgentTurn:
        """Answers `context.pending`. Never raises for what the model or a tool did."""
        queued = context.conversation.handoff
        if queued is not None and queued.silence is Silence.ACKNOWLEDGE:
            return self._acknowledge(context)
        turn = _Turn(
            context=context,
            toolbox=self._toolbox_factory(context),
            session=self.model.session(ModelBudget(self._budget), on_stage),
            messages=[first_message(context)],
        )
        try:
            result = await self._answer(turn, on_stage)
        except (ModelUnavailableError, ModelRefusedError) as error:
            return self._notice(turn, error)
        return self._finished(turn, result)

    # ---- the loop

    async def _answer(self, turn: _Turn, on_stage: OnStage) -> _Result:
        for attempt in range(REPAIRS_MAX + 1):
            answer = await self._converse(turn, on_stage)
            reply, broken = self._checked(turn, answer)
            if not broken:
                turn.verdicts.append(GuardVerdict(rule="all", verdict=Verdict.PASS))
                outcome = Outcome.ANSWERED if attempt == 0 else Outcome.REPAIRED
                bubbles = tuple(split_text(reply.message))
                return _Result(
                    reply=reply,
                    bubbles=bubbles,
                    outcome=outcome,
                    handoff=self._handoff(turn, reply),
                )
            if attempt == REPAIRS_MAX:
                return self._approved(turn, reply, broken)
            turn.verdicts.extend(broken)
            problems = "\n".join(f"- {verdict.detail}" for verdict in broken)
            turn.messages.append({"role": "assistant", "content": _kept(answer)})
            text = self._repair_prompt.replace("{problems}", problems)
            turn.messages.append({"role": "user", "content": [{"type": "text", "text": text}]})
        raise AssertionError

    async def _converse(self, turn: _Turn, on_stage: OnStage) -> ModelAnswer:
        while True:
            turn.rounds += 1
            answer = await turn.session.ask(
                ModelRequest(
                    system=self._system,
                    tools=self._tools,
                    messages=turn.messages,
                    schema=SCHEMA,
                    max_tokens=self.playbook.limits.max_output_tokens,
                    effort=self.playbook.effort,
                    may_use_tools=turn.rounds <= TOOL_ROUNDS_MAX,
                )
            )
            if not answer.tool_uses or turn.rounds > TOOL_ROUNDS_MAX:
                return answer
            results = []
            for use in answer.tool_uses:
                call = await turn.toolbox.call(use.name, use.input)
                on_stage("tool.called", {"name": call.name, "ok": call.ok, "ms": call.latency_ms})
                results.append((use.id, call.output, call.ok))
            turn.messages.append({"role": "assistant", "content": list(answer.content)})
            turn.messages.append(tool_results(results))

    def _checked(self, turn: _Turn, answer: ModelAnswer) -> tuple[Reply, tuple[GuardVerdict, ...]]:
        raw = read_reply(answer.text, last_score=turn.context.conversation.score or 0.0)
        message, cleaned = tidied(raw.message)
        if cleaned is not None:
            turn.verdicts.append(cleaned)
        reply = Reply(
            message=message,
            qualification_score=raw.qualification_score,
            next_action=raw.next_action,
            metadata=raw.metadata,
        )
        draft = Draft(
            message=message,
            context=turn.context,
            sources=turn.toolbox.sources,
            prompt=self._prompt,
            tool_names=self._tool_names,
            handing_over=turn.queued or self._wish(turn, reply) is not None,
            call_fixed=bool(turn.context.past.calls) or _schedules(turn.toolbox.desk),
        )
        return reply, check_draft(draft)

    # ---- hand-over

    def _wish(self, turn: _Turn, reply: Reply) -> HandoffWish | None:
        """Why this turn calls a person; None while one is awaited: the same is never raised twice."""
        if turn.queued:
            return None
        if turn.toolbox.desk.handoff is not None:
            return turn.toolbox.desk.handoff
        qualified = is_qualified(reply.qualification_score)
        if qualified and not turn.context.conversation.state.get("qualified_raised"):
            return _wish_of(HandoffKind.QUALIFIED)
        if reply.next_action is NextAction.HANDOFF:
            return _wish_of(HandoffKind.QUALIFIED if qualified else HandoffKind.COMPLEXITY)
        return None

    def _handoff(
        self, turn: _Turn, reply: Reply, *, fallback: HandoffWish | None = None
    ) -> RequestHandoff | None:
        wish = self._wish(turn, reply) or (None if turn.queued else fallback)
        if wish is None:
            return None
        return RequestHandoff(
            reason=wish.reason,
            priority=wish.priority,
            silence=silence_for(wish.kind),
            brief=brief_of(turn.context, reply, wish.kind, turn.toolbox.calls),
        )

    # ---- endings

    def _approved(self, turn: _Turn, reply: Reply, broken: tuple[GuardVerdict, ...]) -> _Result:
        rules = {verdict.rule for verdict in broken}
        turn.verdicts.extend(
            GuardVerdict(rule=v.rule, verdict=Verdict.BLOCK, detail=v.detail) for v in broken
        )
        fallback = None
        name = "could_not_answer"
        if MONEY_RULE in rules:
            name = "money_blocked_queued" if turn.queued else "money_blocked"
            fallback = _wish_of(HandoffKind.COMPLEXITY, reason="valor ou condição sem fonte")
        elif HUMAN_RULE in rules:
            name = "am_virtual"
        elif _unanswered(turn.context) + 1 >= UNANSWERED_MAX:
            fallback = _wish_of(
                HandoffKind.COMPLEXITY, reason="o assistente não conseguiu responder"
            )
        words = self._wording(name, turn.context)
        return _Result(
            reply=Reply(
                message=words.text,
                qualification_score=reply.qualification_score,
                next_action=reply.next_action,
                metadata=reply.metadata,
            ),
            bubbles=(words.text,),
            outcome=Outcome.APPROVED_WORDING,
            handoff=self._handoff(turn, reply, fallback=fallback),
            wordings={name: words.version},
        )

    def _acknowledge(self, context: TurnContext) -> AgentTurn:
        """After anger, a dispute or a wish: the message arrived, here is the place. No model."""
        queued = context.conversation.handoff
        placed = queued is not None and queued.position is not None
        name = "queue_ack" if placed else "queue_ack_unplaced"
        words = self._wording(name, context)
        return AgentTurn(
            reply=None,
            bubbles=(words.text,),
            outcome=Outcome.APPROVED_WORDING,
            state=context.conversation.state,
            wordings={name: words.version},
        )

    def _notice(self, turn: _Turn, error: Exception) -> AgentTurn:
        log.warning("turn.noticed", error=type(error).__name__)
        name = "model_unavailable_queued" if turn.queued else "model_unavailable"
        words = self._wording(name, turn.context)
        handoff = None
        if not turn.queued:
            score = turn.context.conversation.score or 0.0
            wish = turn.toolbox.desk.handoff
            handoff = RequestHandoff(
                reason="modelo indisponível",
                priority=Priority.HIGH,
                silence=Silence.NONE if wish is None else silence_for(wish.kind),
                brief=brief_of(
                    turn.context,
                    Reply(message="", qualification_score=score),
                    HandoffKind.COMPLEXITY if wish is None else wish.kind,
                    turn.toolbox.calls,
                ),
            )
        return AgentTurn(
            reply=None,
            bubbles=(words.text,),
            outcome=Outcome.NOTICE,
            # What tools asked for without an answer of the model is not done.
            effects=() if handoff is None else (handoff,),
            handoff=handoff,
            model_calls=tuple(turn.session.calls),
            tools=tuple(turn.toolbox.calls),
            guardrails=tuple(turn.verdicts),
            state=turn.context.conversation.state,
            wordings={name: words.version},
        )

    def _finished(self, turn: _Turn, result: _Result) -> AgentTurn:
        state = dict(turn.context.conversation.state)
        score = result.reply.qualification_score
        state["metadata"] = {**state.get("metadata", {}), **result.reply.metadata}
        raised_now = result.handoff is not None and is_qualified(score)
        state["qualified_raised"] = is_qualified(score) and (
            raised_now or turn.queued or bool(state.get("qualified_raised"))
        )
        blocked = result.outcome is Outcome.APPROVED_WORDING
        state["unanswered"] = _unanswered(turn.context) + 1 if blocked else 0
        effects = tuple(turn.toolbox.desk.effects)
        return AgentTurn(
            reply=result.reply,
            bubbles=result.bubbles,
            outcome=result.outcome,
            effects=effects if result.handoff is None else (*effects, result.handoff),
            handoff=result.handoff,
            model_calls=tuple(turn.session.calls),
            tools=tuple(turn.toolbox.calls),
            guardrails=tuple(turn.verdicts),
            carries_money=any(carries_money(bubble) for bubble in result.bubbles),
            state=state,
            wordings=result.wordings,
        )

    def _wording(self, name: str, context: TurnContext) -> Wording:
        queued = context.conversation.handoff
        return wording(
            name,
            company=self._company,
            hours=context.conversation.hours or self.playbook.business_hours.text,
            position="" if queued is None else queued.position,
        )


class SalesAgent(Agent):
    """The receptive seller (playbook `sales`)."""


def _kept(answer: ModelAnswer) -> list[Mapping[str, Any]]:
    """What of a rejected answer goes back: an empty one is not accepted by the protocol."""
    content = [b for b in answer.content if b.get("type") != "tool_use" and b.get("text") != ""]
    return content or [{"type": "text", "text": "(sem resposta)"}]


def _wish_of(kind: HandoffKind, *, reason: str | None = None) -> HandoffWish:
    return HandoffWish(kind=kind, reason=reason or reason_for(kind), priority=priority_for(kind))


def _schedules(desk: Desk) -> bool:
    return any(isinstance(effect, ScheduleCall) for effect in desk.effects)


def _unanswered(context: TurnContext) -> int:
    value = context.conversation.state.get("unanswered", 0)
    if not isinstance(value, int):
        raise DefectError("state.unanswered", type(value).__name__)
    return value
