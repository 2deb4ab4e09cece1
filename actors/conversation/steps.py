"""The commits of a conversation that need no model: notes, consent, an answer from the phone app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from agent.queue_place import with_place
from agent.wordings import wording
from domain.commit import Commit, ConsentDraft, HandoffDraft, OutboundDraft
from domain.consent import GRANT_BUTTON, REFUSE_BUTTON, ConsentAnswer
from domain.conversation import (
    ASKED_AT_SEQ,
    ASKED_MESSAGE,
    ASKED_VERSION,
    LOOP_CAP,
    REMINDED,
    AnsweredInApp,
    AskConsent,
    Conversation,
    Mode,
    Note,
    PendingEvent,
    RecordConsent,
    RestForMoney,
)
from domain.ids import EventId, HandoffId, MessageId, OutboxId, new_id
from domain.spending import TOLD_AT

#: Why a person is told: by what kept a message here, or else by the outcome of the noted events.
_REASONS: Final = {
    "late": "mensagem antiga sem resposta",
    "send_failed": "falha de envio",
    "failed": "erro interno ao responder",
    LOOP_CAP: "limite de mensagens da IA ao contato",
    "window_closed": "janela de 24 h fechada",
}


def system_text(text: str, *, position: int = 0) -> OutboundDraft:
    """A fixed wording of the house; no person's act withdraws it."""
    return OutboundDraft(
        message_id=MessageId(new_id()),
        outbox_id=OutboxId(new_id()),
        author="system",
        content={"kind": "text", "body": text},
        text=text,
        position=position,
    )


def note(conversation: Conversation, step: Note) -> Commit:
    """Events that get no answer; what a person should see goes into their queue.

    The queue shows no closed conversation, so it is open again then.
    """
    handoff = None
    if step.tell_person:
        kept_by = str(step.events[0].payload.get("reason", ""))
        handoff = _handoff(_REASONS.get(kept_by, _REASONS[step.outcome]), priority="normal")
    return Commit(
        conversation_id=conversation.id,
        epoch=conversation.epoch,
        version=conversation.version,
        worked=_seqs(step.events),
        outcome=step.outcome,
        mode=_reopened(conversation) if step.tell_person else None,
        handoff=handoff,
    )


def ask_consent(conversation: Conversation, step: AskConsent, company: str) -> Commit:
    """One fixed wording with two buttons; the question stays pending until the tap."""
    text = wording("consent_reminder" if step.reminder else "consent", company=company)
    draft = OutboundDraft(
        message_id=MessageId(new_id()),
        outbox_id=OutboxId(new_id()),
        author="system",
        content={
            "kind": "buttons",
            "body": text.text,
            "buttons": [
                {"id": GRANT_BUTTON, "title": text.buttons[0]},
                {"id": REFUSE_BUTTON, "title": text.buttons[1]},
            ],
        },
        text=text.text,
        position=0,
    )
    newest = step.events[-1].seq
    state = {
        **conversation.state,
        ASKED_AT_SEQ: conversation.state.get(ASKED_AT_SEQ, newest) if step.reminder else newest,
        ASKED_VERSION: text.version,
        ASKED_MESSAGE: str(draft.message_id),
        REMINDED: step.reminder,
    }
    return Commit(
        conversation_id=conversation.id,
        epoch=conversation.epoch,
        version=conversation.version,
        outbound=[draft],
        state=state,
        mode=_reopened(conversation),
        consent=ConsentDraft(
            state="asked", text_version=text.version, asked_message_id=draft.message_id
        ),
    )


def record_consent(conversation: Conversation, step: RecordConsent, hours: str) -> Commit:
    """The tap is worked; after a yes the waiting question is next, after a no it is a person's."""
    asked = conversation.state.get(ASKED_MESSAGE)
    granted = step.answer is ConsentAnswer.GRANTED
    consent = ConsentDraft(
        state="granted" if granted else "refused",
        text_version=str(conversation.state.get(ASKED_VERSION, "")),
        asked_message_id=MessageId(UUID(asked)) if asked else None,
        answer_event_id=EventId(step.event.id),
    )
    outbound = []
    if not granted:
        (told,) = with_place(
            (wording("consent_refused", hours=hours).text,),
            position=conversation.next_place,
            hours=hours,
            somebody_online=conversation.operators_online > 0,
        )
        outbound = [system_text(told)]
    return Commit(
        conversation_id=conversation.id,
        epoch=conversation.epoch,
        version=conversation.version,
        worked=[step.event.seq],
        outcome=f"consent_{consent.state}",
        outbound=outbound,
        mode=_reopened(conversation),
        consent=consent,
        handoff=None if granted else _handoff("prefere falar com uma pessoa", priority="high"),
    )


def rest_for_money(conversation: Conversation, step: RestForMoney, hours: str) -> Commit:
    """The AI may not answer any more today: a person does, and the contact is told once."""
    notice = system_text(wording("over_budget", hours=hours).text)
    told = {**conversation.state, TOLD_AT: conversation.db_now.isoformat()}
    return Commit(
        conversation_id=conversation.id,
        epoch=conversation.epoch,
        version=conversation.version,
        worked=_seqs(step.events),
        outcome="over_budget",
        outbound=[notice] if step.tell_contact else [],
        state=told if step.tell_contact else None,
        mode=_reopened(conversation),
        handoff=_handoff("limite de gasto da IA", priority="normal"),
    )


def answered_in_app(conversation: Conversation, step: AnsweredInApp) -> Commit:
    """What came before a person's answer in the WhatsApp Business app is dealt with."""
    return Commit(
        conversation_id=conversation.id,
        epoch=conversation.epoch,
        version=conversation.version,
        worked=_seqs(step.events),
        outcome="answered_in_app",
    )


def _reopened(conversation: Conversation) -> Mode | None:
    return Mode.AGENT if conversation.mode is Mode.CLOSED else None


def _seqs(events: Sequence[PendingEvent]) -> list[int]:
    return [e.seq for e in events]


def _handoff(reason: str, *, priority: str) -> HandoffDraft:
    return HandoffDraft(
        id=HandoffId(new_id()),
        reason=reason,
        priority=priority,
        silence="none",
        brief={},
        raised_by="system",
    )
