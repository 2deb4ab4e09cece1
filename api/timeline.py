"""What happened in a conversation, in the words a person of the house reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from api.answers import TimelineEntry
from storage.conversation_page import ConversationPage

_ACTIONS: Final[Mapping[str, str]] = {
    "conversation.takeover": "assumiu a conversa",
    "conversation.handback": "devolveu a conversa à IA",
    "conversation.reply": "respondeu ao cliente",
    "conversation.close": "encerrou a conversa",
    "conversation.mute": "silenciou a conversa",
    "conversation.resend": "mandou enviar de novo uma mensagem parada",
    "conversation.arrived": "confirmou que uma mensagem chegou",
    "conversation.note": "anotou",
    "conversation.whisper": "orientou a IA em particular",
    "conversation.assign": "passou a conversa a outra pessoa",
    "conversation.qualify": "qualificou o contato",
    "conversation.schedule": "agendou um contato",
    "conversation.escalate": "pôs a conversa na fila de atendimento",
}
#: What the house did by itself, with nobody's name before it.
_HOUSE: Final[Mapping[str, str]] = {
    "conversation.merge": "Outra conversa da mesma pessoa foi unida a esta",
    "conversation.give": "O contato desta conversa foi unido a outro: é a mesma pessoa",
}
_CONSENTS: Final[Mapping[str, str]] = {
    "asked": "Perguntamos se a IA pode atender",
    "granted": "O cliente aceitou ser atendido pela IA",
    "refused": "O cliente preferiu uma pessoa",
    "noticed": "O cliente foi avisado de que a IA atende",
    "revoked": "O cliente retirou o aceite",
}
_TURNS: Final[Mapping[str, str]] = {
    "superseded": "Rascunho da IA descartado: chegou mensagem ou orientação nova",
    "fenced": "Rascunho da IA barrado: uma pessoa assumiu",
    "failed": "A IA não conseguiu responder",
}
_STATUSES: Final[Mapping[str, str]] = {
    "failed": "Uma mensagem não foi entregue",
    "parked": "Uma mensagem espera a decisão de uma pessoa",
    "withdrawn": "Uma mensagem foi retirada antes de sair",
    "unknown": "Não se sabe se uma mensagem chegou",
}


def timeline_of(page: ConversationPage) -> list[TimelineEntry]:
    """Oldest first."""
    entries = [*_opened(page), *_queue(page), *_people(page), *_machine(page)]
    return sorted(entries, key=lambda entry: entry.at)


def _opened(page: ConversationPage) -> Iterator[TimelineEntry]:
    kind = (page.head["origin"] or {}).get("kind", "direct")
    came = {"ad": "por um anúncio", "link": "por um link"}.get(kind, "direto pelo WhatsApp")
    yield TimelineEntry(at=page.head["created_at"], kind="opened", text=f"O contato chegou {came}")


def _queue(page: ConversationPage) -> Iterator[TimelineEntry]:
    for one in page.handoffs:
        text = f"Na fila de atendimento: {one['reason']}"
        yield TimelineEntry(
            at=one["queued_at"], kind="handoff.queued", text=text, actor=one["raised_by"]
        )
        if one["accepted_at"] is not None:
            yield TimelineEntry(
                at=one["accepted_at"], kind="handoff.accepted", text="Atendimento aceito",
                actor=one["accepted_by"],
            )  # fmt: skip
        if one["ended_at"] is not None:
            text = "Devolvida à IA" if one["state"] == "returned" else "Atendimento encerrado"
            yield TimelineEntry(at=one["ended_at"], kind=f"handoff.{one['state']}", text=text)


def _people(page: ConversationPage) -> Iterator[TimelineEntry]:
    for one in page.actions:
        if (happened := _HOUSE.get(one["action"])) is not None:
            yield TimelineEntry(at=one["at"], kind=one["action"], text=happened)
            continue
        done = _ACTIONS.get(one["action"])
        if done is None:
            continue
        in_app = (one["details"] or {}).get("by") == "echo"
        who = one["operator_name"] or ("Alguém, pelo celular," if in_app else "Um programa")
        yield TimelineEntry(at=one["at"], kind=one["action"], text=f"{who} {done}", actor=who)


def _machine(page: ConversationPage) -> Iterator[TimelineEntry]:
    for one in page.consents:
        text = _CONSENTS.get(one["state"], one["state"])
        yield TimelineEntry(at=one["at"], kind=f"consent.{one['state']}", text=text)
    for one in page.calls:
        text = f"Contato agendado: {one['subject']}"
        yield TimelineEntry(at=one["created_at"], kind="call.scheduled", text=text)
    for one in page.turns:
        if one["state"] in _TURNS:
            yield TimelineEntry(
                at=one["finished_at"],
                kind=f"turn.{one['state']}",
                text=_TURNS[one["state"]],
                actor="IA",
            )
    for one in page.messages:
        if one["status"] in _STATUSES:
            yield TimelineEntry(
                at=one["status_at"], kind=f"message.{one['status']}", text=_STATUSES[one["status"]]
            )
