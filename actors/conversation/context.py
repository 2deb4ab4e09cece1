"""A conversation as loaded, told to the agent: the typed context document of a turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from actors.conversation.ports import House
from domain.conversation import WHISPER, Conversation, PendingEvent
from domain.handoff import Silence
from domain.phone import mask
from domain.turn_context import (
    Author,
    CaseFacts,
    ContactFacts,
    ConversationFacts,
    CrmCall,
    CrmNote,
    HistoryEntry,
    PastInteractions,
    PendingMessage,
    QueuedHandoff,
    TurnContext,
    trimmed,
)


def context_of(
    conversation: Conversation, events: Sequence[PendingEvent], house: House
) -> TurnContext:
    """Everything the agent is told. Whispers are guidance by people, so they come as history."""
    zone = ZoneInfo(house.timezone)
    quoted = {m.wamid: m.text for m in conversation.history if m.wamid}
    history = [
        HistoryEntry(author=Author(m.author), text=m.text, at=m.at.astimezone(zone))
        for m in conversation.history
    ]
    entries, older = trimmed(history)
    whispers = tuple(
        CrmNote(author="supervisor", text=str(e.payload.get("text", "")), at=e.sent_at)
        for e in events
        if e.kind == WHISPER
    )
    return TurnContext(
        company=house.company,
        now=conversation.db_now.astimezone(zone),
        contact=_contact(conversation),
        conversation=_facts(conversation, house),
        history=entries,
        older_count=older,
        pending=tuple(_pending(e, quoted, zone) for e in events if e.kind == "message"),
        past=PastInteractions(
            notes=(
                *(CrmNote(author=a, text=t, at=at) for a, t, at in conversation.notes),
                *whispers,
            ),
            calls=tuple(CrmCall(subject=s, at=at.astimezone(zone)) for s, at in conversation.calls),
        ),
    )


def _contact(conversation: Conversation) -> ContactFacts:
    return ContactFacts(
        name=conversation.contact_name,
        company=conversation.contact_company,
        phone=mask(conversation.contact_phone) if conversation.contact_phone else "",
        profile=conversation.contact_profile,
        consent=conversation.consent,
        right_party=conversation.right_party_confirmed,
    )


def _facts(conversation: Conversation, house: House) -> ConversationFacts:
    handoff = conversation.handoff
    case = None
    if conversation.case_purpose is not None:
        case = CaseFacts(purpose=conversation.case_purpose, subject=conversation.case_subject or "")
    return ConversationFacts(
        mode=conversation.mode,
        score=conversation.score,
        state=conversation.state.get("agent", {}),
        origin=conversation.origin,
        case=case,
        handoff=None
        if handoff is None
        else QueuedHandoff(
            reason=handoff.reason, silence=Silence(handoff.silence), position=handoff.position
        ),
        hours=house.hours,
        operators_online=conversation.operators_online,
    )


def _pending(event: PendingEvent, quoted: Mapping[str, str], zone: ZoneInfo) -> PendingMessage:
    reply_to = event.payload.get("reply_to_wamid")
    at: datetime = event.sent_at.astimezone(zone)
    return PendingMessage(
        text=event.text,
        at=at,
        kind=event.content_kind or "text",
        quoted=quoted.get(reply_to) if reply_to else None,
    )
