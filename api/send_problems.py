"""Why a message did not leave or arrive, in the words an operator reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.answers import SendProblem
from integrations.whatsapp.failures import classify, is_known

# Our own reasons, as the claim, the settling of unknown rows and the fence write them.
_OURS: Final[Mapping[str, tuple[str, str]]] = {
    "fenced": ("Uma pessoa assumiu antes de ela sair", "A IA não envia depois de uma pessoa agir."),
    "merged": (
        "Outra conversa da mesma pessoa apareceu antes de ela sair",
        "As duas foram unidas, e a IA responde de novo sabendo das duas.",
    ),
    "loop_cap": (
        "Limite de mensagens da IA a este contato",
        "São no máximo 20 por hora e 60 por dia; uma pessoa pode continuar.",
    ),
    "window_closed": (
        "Janela de 24 h fechada",
        "O WhatsApp só aceita texto livre até 24 h depois da última mensagem do cliente.",
    ),
    "not_noticed": (
        "O aviso de atendimento por IA não saiu",
        "Sem ele a IA não escreve ao cliente; o aviso vai de novo antes da próxima resposta.",
    ),
    "unknown_outcome": (
        "Não se sabe se ela chegou",
        "A Meta não confirmou nem recusou. Confira com o cliente e decida.",
    ),
    "earlier_bubble_failed": (
        "A parte anterior da resposta não saiu",
        "O resto foi retirado para o cliente não receber meia resposta.",
    ),
    "decision_expired": (
        "A autorização de contato venceu",
        "Consentimento, horário ou limites mudaram; o governador precisa decidir de novo.",
    ),
    "replies_only": (
        "O número só pode responder",
        "A Meta restringiu o número ou a conta: respostas saem, mensagens que nós começamos não.",
    ),
    "restored": ("Retida depois de restaurar um backup", "Pode já ter saído antes do backup."),
}
_UNSAID: Final = SendProblem(title="A Meta recusou a mensagem")


def send_problem(raw: Mapping[str, Any] | None) -> SendProblem | None:
    """`messages.error` as an answer: ours by its token, Meta's by its code."""
    if not raw:
        return None
    reason, code, detail = raw.get("reason"), raw.get("code"), raw.get("detail")
    if isinstance(reason, str) and reason in _OURS:
        title, advice = _OURS[reason]
        return SendProblem(code=code if code is not None else reason, title=title, detail=advice)
    if code is not None:
        known = is_known(int(code))
        title = classify(int(code), from_status=True).reason if known else _UNSAID.title
        return SendProblem(code=int(code), title=_sentence(title), detail=detail or None)
    if not reason or reason == "failed":
        return _UNSAID.model_copy(update={"detail": detail or None})
    return SendProblem(title=_sentence(str(reason)), detail=detail or None)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
