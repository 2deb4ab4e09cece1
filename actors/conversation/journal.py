"""What a turn read, asked, used, decided and took, kept while it runs and written down at its end.

The journal of a turn that was stopped has what it was answered until then: that much is paid.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from domain.commit import TurnRecord
from domain.conversation import Conversation, PendingEvent
from domain.ids import TurnId
from domain.reply import AgentTurn, ModelCall
from domain.turn import TurnState
from domain.turn_context import TurnContext

_CALLED: Final = "model.called"
_ANSWERED: Final = "model.answered"
_TOOL_CALLED: Final = "tool.called"


class TurnJournal:
    """The stages of one turn as they are told; `record` makes the row of them."""

    def __init__(self, turn_id: TurnId, *, load_ms: float) -> None:
        self._id = turn_id
        self._load_ms = load_ms
        self._started = time.perf_counter()
        self._stages: list[Mapping[str, Any]] = []

    def note(self, stage: str, detail: Mapping[str, object]) -> None:
        self._stages.append({"stage": stage, **detail})

    def record(
        self,
        state: TurnState,
        *,
        conversation: Conversation,
        events: Sequence[PendingEvent],
        context: TurnContext | None,
        answer: AgentTurn | None,
        place: Mapping[str, Any],
    ) -> TurnRecord:
        """The turn as it stands now; without an `answer`, of what was told until it was stopped."""
        calls = answer.model_calls if answer is not None else _answered(self._stages)
        reply = answer.reply if answer is not None else None
        return TurnRecord(
            id=self._id,
            state=state,
            playbook="sales",
            inputs=[str(e.message_id) for e in events if e.message_id],
            context=context.to_json() if context is not None else {},
            reply=None if reply is None else asdict(reply),
            model_calls=[
                *(asdict(c) for c in calls),
                *(_cut_off(self._stages) if answer is None else ()),
            ],
            tools=[asdict(t) for t in answer.tools] if answer is not None else [],
            guardrails=[asdict(g) for g in answer.guardrails] if answer is not None else [],
            input_tokens=_total(calls, "input_tokens"),
            output_tokens=_total(calls, "output_tokens"),
            cache_read_tokens=_total(calls, "cache_read_tokens"),
            cache_write_tokens=_total(calls, "cache_write_tokens"),
            cost_micros=_total(calls, "cost_micros"),
            latency=self._latency(conversation, events, calls, answer),
            outcome=answer.outcome if answer is not None else state,
            actor=dict(place),
            started_at=conversation.db_now,
        )

    def _latency(
        self,
        conversation: Conversation,
        events: Sequence[PendingEvent],
        calls: Sequence[ModelCall],
        answer: AgentTurn | None,
    ) -> dict[str, float]:
        """Milliseconds by stage; `total` is the turn without its quiet period and its commit."""
        first = min(e.received_at for e in events)
        stages = {
            "quiet": (conversation.db_now - first).total_seconds() * 1000,
            "load": self._load_ms,
            "model": sum(c.latency_ms for c in calls),
            "tools": sum(t.latency_ms for t in answer.tools) if answer else _tools_ms(self._stages),
            "total": self._load_ms + (time.perf_counter() - self._started) * 1000,
        }
        return {stage: round(ms, 1) for stage, ms in stages.items()}


def _answered(stages: Sequence[Mapping[str, Any]]) -> tuple[ModelCall, ...]:
    """What a stopped turn was answered before it was stopped: that much is paid."""
    return tuple(
        ModelCall(
            model=told["model"],
            input_tokens=told.get("input_tokens", 0),
            output_tokens=told.get("output_tokens", 0),
            cache_read_tokens=told.get("cache_read_tokens", 0),
            cache_write_tokens=told.get("cache_write_tokens", 0),
            latency_ms=told.get("ms", 0),
            stop_reason=told.get("stop_reason"),
            cost_micros=told.get("cost_micros", 0),
            priced_by=told.get("priced_by", ""),
            error=told.get("error"),
        )
        for told in stages
        if told["stage"] == _ANSWERED
    )


def _cut_off(stages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The call that was under way when the turn was stopped: nobody told what it used."""
    asked, answered = (
        sum(1 for s in stages if s["stage"] == name) for name in (_CALLED, _ANSWERED)
    )
    return [{"error": "cancelled"}] if asked > answered else []


def _tools_ms(stages: Sequence[Mapping[str, Any]]) -> float:
    return sum((float(s.get("ms", 0)) for s in stages if s["stage"] == _TOOL_CALLED), 0.0)


def _total(calls: Sequence[ModelCall], name: str) -> int:
    return sum(int(getattr(call, name)) for call in calls)
