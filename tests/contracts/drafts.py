"""Commits as a turn would make them."""

from __future__ import annotations

from typing import Any

from domain.commit import Commit, OutboundDraft, TurnRecord
from domain.conversation import Conversation
from domain.ids import MessageId, OutboxId, TurnId, new_id
from domain.turn import TurnState


def drafts(*texts: str, author: str = "agent", **more: Any) -> list[OutboundDraft]:
    return [
        OutboundDraft(
            message_id=MessageId(new_id()),
            outbox_id=OutboxId(new_id()),
            author=author,
            content={"kind": "text", "body": text},
            text=text,
            position=place,
            **more,
        )
        for place, text in enumerate(texts)
    ]


def a_turn(conversation: Conversation, state: TurnState = TurnState.COMMITTED) -> TurnRecord:
    return TurnRecord(
        id=TurnId(new_id()), state=state, playbook="sales",
        inputs=[str(e.message_id) for e in conversation.pending], context={}, reply=None,
        model_calls=[], tools=[], guardrails=[], input_tokens=10, output_tokens=5,
        cache_read_tokens=0, cache_write_tokens=0, cost_micros=7, latency={}, outcome="answered",
        actor={}, started_at=conversation.db_now,
    )  # fmt: skip


def a_commit(conversation: Conversation, *outbound: OutboundDraft, **more: Any) -> Commit:
    """Everything pending, answered by one turn."""
    values: dict[str, Any] = {
        "conversation_id": conversation.id,
        "epoch": conversation.epoch,
        "version": conversation.version,
        "worked": [e.seq for e in conversation.pending],
        "outcome": "answered",
        "turn": a_turn(conversation),
        "outbound": outbound,
    }
    return Commit(**(values | more))
