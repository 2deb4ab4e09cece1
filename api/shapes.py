"""Rows of storage as the API's shapes, seen with one person's eyes."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import Any, Final

from api.access import Principal, content_for, phone_for
from api.answers import (
    CaseAnswer,
    ConsentAnswer,
    ContactBrief,
    ConversationAnswer,
    ConversationItem,
    HandoffBrief,
    LastMessage,
    MessageAnswer,
    Named,
    NoteAnswer,
    ResidentActor,
    StickyNumber,
    TurnAnswer,
)
from api.send_problems import send_problem
from api.timeline import timeline_of
from domain.phone import display
from storage.conversation_page import ConversationPage

_MICROS: Final = Decimal(1_000_000)


def item_for(principal: Principal, row: dict[str, Any], brl_per_usd: Decimal) -> ConversationItem:
    return ConversationItem(**_item(principal, row, brl_per_usd))


def conversation_for(
    principal: Principal,
    row: dict[str, Any],
    page: ConversationPage,
    actor: dict[str, Any] | None,
    brl_per_usd: Decimal,
) -> ConversationAnswer:
    head = page.head
    sticky = head["sticky_number"]
    number = (
        None
        if sticky is None
        else StickyNumber(
            phone_number_id=sticky,
            display_phone=display(head["display_phone"] or "") or None,
            reason=head["sticky_reason"],
        )
    )
    case = head["case_purpose"]
    return ConversationAnswer(
        **_item(principal, row, brl_per_usd),
        epoch=row["epoch"],
        version=row["version"],
        sticky_number=number,
        origin=head["origin"],
        consent=ConsentAnswer(
            state=row["ai_consent"],
            at=head["consent_at"],
            text_version=head["consent_text_version"],
        ),
        handled_up_to=row["handled_up_to"],
        pending=page.pending,
        case=None if case is None else CaseAnswer(purpose=case, subject=head["case_subject"]),
        messages=[message_for(principal, message) for message in page.messages],
        earlier_messages=page.earlier_messages,
        turns=[_turn(turn) for turn in page.turns],
        notes=[
            NoteAnswer(id=n["id"], author=n["author"], text=n["body"], at=n["at"])
            for n in page.notes
        ],
        timeline=timeline_of(page),
        actor=None if actor is None else _resident(actor),
    )


def message_for(principal: Principal, row: dict[str, Any]) -> MessageAnswer:
    operator = row["operator_id"]
    return MessageAnswer(
        id=row["id"],
        seq=row["seq"],
        direction=row["direction"],
        author=row["author"],
        operator=None if operator is None else Named(id=operator, name=row["operator_name"] or ""),
        content=content_for(principal, row["content"]),
        text=row["body"],
        status=row["status"],
        status_at=row["status_at"],
        error=send_problem(row["error"]),
        possible_duplicate=row["possible_duplicate"],
        reply_to=row["reply_to"],
        turn_id=row["turn_id"],
        phone_number_id=row["phone_number_id"],
        at=row["sent_at"],
    )


def _item(principal: Principal, row: dict[str, Any], brl_per_usd: Decimal) -> dict[str, Any]:
    assignee, handoff, last = row["assignee_id"], row["handoff_id"], row["last_at"]
    return {
        "id": row["id"],
        "contact": ContactBrief(
            id=row["contact_id"],
            name=row["contact_name"] or None,
            phone=phone_for(principal, row["phone"]),
            username=row["username"],
        ),
        "facade": Named(id=row["facade_id"], name=row["facade_name"]),
        "mode": row["mode"],
        "assignee": None if assignee is None else Named(id=assignee, name=row["assignee_name"]),
        "handoff": None
        if handoff is None
        else HandoffBrief(
            id=handoff,
            reason=row["handoff_reason"],
            priority=row["handoff_priority"],
            state=row["handoff_state"],
            queued_at=row["handoff_queued_at"],
            position=row["handoff_position"],
        ),
        "score": row["score"],
        "last_message": None
        if last is None
        else LastMessage(
            text=row["last_text"],
            author=row["last_author"],
            direction=row["last_direction"],
            status=row["last_status"],
            at=last,
        ),
        "unread_count": row["unread_count"],
        "window_open_until": row["window_open_until"],
        "cost_brl_centavos": _centavos(row["cost_micros"], brl_per_usd),
        "cost_usd_micros": row["cost_micros"],
        "awaiting": _awaiting(row),
        "updated_at": row["updated_at"],
        "ai_paused": row["ai_paused"],
    }


def _awaiting(row: dict[str, Any]) -> str:
    """What happens next, and by whom."""
    if row["sending"]:
        return "sending"
    pending = row["pending_newest"] is not None
    if row["mode"] == "operator":
        return "operator" if pending or row["unread_count"] else "none"
    if row["mode"] != "agent":
        return "none"
    if pending and row["consent_asked"]:
        return "consent"
    if row["ai_consent"] == "refused" or (row["handoff_id"] is not None and not pending):
        return "operator"
    if not pending:
        return "none"
    return "quiet" if row["pending_is_quiet"] else "turn"


def _centavos(micros: int, brl_per_usd: Decimal) -> int:
    """Rounded up: what cost something is never shown as nothing."""
    return int((Decimal(micros) / _MICROS * brl_per_usd * 100).to_integral_value(ROUND_UP))


def _turn(row: dict[str, Any]) -> TurnAnswer:
    return TurnAnswer(
        id=row["id"],
        state=row["state"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        playbook=row["playbook"],
        inputs=row["inputs"],
        context=row["context"],
        reply=row["reply"],
        model_calls=row["model_calls"],
        tools=row["tools"],
        guardrails=row["guardrails"],
        tokens={
            "input": row["input_tokens"],
            "output": row["output_tokens"],
            "cache_read": row["cache_read_tokens"],
            "cache_write": row["cache_write_tokens"],
        },
        cost_usd_micros=row["cost_micros"],
        latency_ms=row["latency"],
        outcome=row["outcome"],
        actor=row["actor"] or None,
    )


def _resident(actor: dict[str, Any]) -> ResidentActor:
    mine = actor["resident"]
    return ResidentActor(
        name=actor["name"],
        kind=actor["kind"],
        node=actor["node"],
        pid=actor["pid"],
        mailbox=int(mine.get("mailbox") or 0),
        epoch=int(mine.get("epoch") or 0),
        last_turn_at=mine.get("last_turn_at"),
    )
