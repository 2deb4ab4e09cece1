"""What must always be true in production: the sentences the tests assume, asked of the database.

Each has one query in `storage/invariants.py`; the clock asks them every minute, `vitrine doctor` by
hand. The words are for the person who reads a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Severity(StrEnum):
    #: A promise to a contact or to a person of ours is broken.
    CRITICAL = "critical"
    #: Something stands still or is out of the ordinary; a promise will break if nobody looks.
    WARNING = "warning"


class InvariantName(StrEnum):
    """Also the label of the metric and the key of the stored finding."""

    INBOUND_OVERDUE = "inbound_overdue"
    UNRESOLVED_OVERDUE = "unresolved_overdue"
    ANSWERED_TWICE = "answered_twice"
    SENT_TWICE = "sent_twice"
    CROSSED = "crossed"
    SENT_AFTER_TAKEOVER = "sent_after_takeover"
    SENT_WHILE_PAUSED = "sent_while_paused"
    OVER_CAP = "over_cap"
    UNGOVERNED = "ungoverned"
    CLAIM_OVERDUE = "claim_overdue"
    QUEUED_OVERDUE = "queued_overdue"
    UNKNOWN_OVERDUE = "unknown_overdue"
    STATUS_BACKWARDS = "status_backwards"
    HANDOFF_DOUBLED = "handoff_doubled"
    OPERATOR_UNASSIGNED = "operator_unassigned"
    TIMER_OVERDUE = "timer_overdue"
    ACTOR_SILENT = "actor_silent"
    OWNED_TWICE = "owned_twice"
    UNPARSED = "unparsed"
    SIGNATURE_REFUSED = "signature_refused"
    SILENCE = "silence"
    AUDIT_BROKEN = "audit_broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """`holds`: the sentence that is true. `remedy`: what a person does when it is not."""

    name: InvariantName
    severity: Severity
    #: What the ids of a finding are.
    of: str
    holds: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look found. `ids` are at most 20 of `violations`, which stops counting at 1,000.

    `unchecked`: why it could not be judged (the figures are then zero and mean nothing).
    """

    name: InvariantName
    violations: int = 0
    ids: tuple[str, ...] = ()
    unchecked: str | None = None


def _critical(name: InvariantName, of: str, holds: str, remedy: str) -> Invariant:
    return Invariant(name=name, severity=Severity.CRITICAL, of=of, holds=holds, remedy=remedy)


def _warning(name: InvariantName, of: str, holds: str, remedy: str) -> Invariant:
    return Invariant(name=name, severity=Severity.WARNING, of=of, holds=holds, remedy=remedy)


_N = InvariantName
_ALL: Final = (
    _critical(
        _N.INBOUND_OVERDUE,
        "eventos",
        "Toda mensagem recebida é tratada em 5 minutos, a não ser que espere por uma pessoa, pelo "
        "consentimento ou pelo fim da pausa.",
        "Abra as conversas e responda. Veja em `vitrine actors` se os atores das conversas vivem e, "
        "nos logs, `conversation.failed` e `doorbell.failed`.",
    ),
    _warning(
        _N.UNRESOLVED_OVERDUE,
        "eventos",
        "Todo aviso da Meta encontra em 10 minutos a sua conversa ou o seu número.",
        "O número que recebeu não está cadastrado, ou o ator number_pool parou: confira "
        "WHATSAPP_PHONE_NUMBER_IDS e `vitrine actors`.",
    ),
    _critical(
        _N.ANSWERED_TWICE,
        "mensagens recebidas",
        "Nenhuma mensagem recebida é respondida por dois turnos.",
        "Leia as conversas e desculpe-se se for o caso. É um defeito: guarde os turnos dessas "
        "mensagens e avise quem cuida do Vitrine.",
    ),
    _critical(
        _N.SENT_TWICE,
        "linhas de envio",
        "Nenhuma mensagem é aceita duas vezes pela Meta sem estar marcada como possível repetição.",
        "Veja na conversa se o cliente a recebeu em dobro. É um defeito: guarde as tentativas de "
        "envio dessas linhas.",
    ),
    _critical(
        _N.CROSSED,
        "linhas de envio",
        "Toda mensagem vai para o contato da sua conversa, por um número da mesma fachada.",
        "Pause a IA agora (`vitrine pause`) e verifique quem recebeu o quê: uma mensagem pode ter "
        "chegado à pessoa errada.",
    ),
    _critical(
        _N.SENT_AFTER_TAKEOVER,
        "linhas de envio",
        "Depois que uma pessoa assume, nada que a IA escreveu antes sai.",
        "Pause a IA e leia as conversas: a IA falou por cima de uma pessoa. É um defeito.",
    ),
    _critical(
        _N.SENT_WHILE_PAUSED,
        "linhas de envio",
        "Com a IA pausada, nenhuma mensagem dela sai, a partir de um segundo depois do botão.",
        "O freio não freou: pare o Vitrine (Ctrl-C no `make run`) e avise quem cuida dele.",
    ),
    _critical(
        _N.OVER_CAP,
        "contatos",
        "Nenhum contato recebe da IA mais de 20 mensagens por hora nem 60 por dia.",
        "Assuma a conversa: pode ser outro robô do outro lado. O limite está em config/limits.py e é "
        "imposto ao enviar; passar dele é um defeito.",
    ),
    _critical(
        _N.UNGOVERNED,
        "linhas de envio",
        "Nenhuma mensagem por iniciativa da empresa sai sem uma decisão válida que a permita.",
        "Pause a IA e não reenvie: pode haver contato sem base legal. Verifique de onde vieram as "
        "linhas.",
    ),
    _warning(
        _N.CLAIM_OVERDUE,
        "linhas de envio",
        "Um envio começado termina, com ou sem resposta da Meta, em um minuto.",
        "O ator sender não está fechando envios perdidos: veja se ele vive em `vitrine actors`.",
    ),
    _critical(
        _N.QUEUED_OVERDUE,
        "linhas de envio",
        "Nenhuma mensagem pronta espera mais de 5 minutos sem um motivo conhecido (pausa, número "
        "parado, hora marcada, envio anterior em aberto).",
        "Veja se o ator sender vive, se a Meta responde e se o Redis está no ar; depois responda à "
        "mão o que for urgente.",
    ),
    _warning(
        _N.UNKNOWN_OVERDUE,
        "linhas de envio",
        "Um envio de resultado desconhecido é resolvido 2 minutos depois do prazo, com os webhooks "
        "chegando.",
        "O ator sender não está resolvendo: veja se ele vive. Confirme as mensagens na conversa.",
    ),
    _warning(
        _N.STATUS_BACKWARDS,
        "mensagens",
        "O estado de entrega de uma mensagem só anda para a frente.",
        "Os tiques na tela mentem para essas mensagens. É um defeito; nada precisa ser reenviado.",
    ),
    _warning(
        _N.HANDOFF_DOUBLED,
        "conversas",
        "Cada conversa tem no máximo um pedido de atendimento humano aberto.",
        "Feche um dos dois na fila; duas pessoas podem estar respondendo ao mesmo cliente.",
    ),
    _warning(
        _N.OPERATOR_UNASSIGNED,
        "conversas",
        "Nenhuma conversa fica com pessoas por mais de 4 horas sem ser de ninguém.",
        "Atribua a alguém ou devolva à IA: o cliente pode estar esperando por ninguém.",
    ),
    _warning(
        _N.TIMER_OVERDUE,
        "agendamentos",
        "Todo agendamento vencido dispara em um minuto.",
        "O ator clock parou ou está atrasado: veja `vitrine actors`.",
    ),
    _critical(
        _N.ACTOR_SILENT,
        "atores",
        "Todos os atores da casa dão sinal de vida a cada poucos segundos.",
        "O Ray os reinicia sozinho; se continuarem calados, reinicie o Vitrine. Nada se perde.",
    ),
    _warning(
        _N.OWNED_TWICE,
        "conversas",
        "Nenhuma conversa é trabalhada por dois atores ao mesmo tempo.",
        "Por alguns segundos é normal (uma mudança de ator); por minutos paga-se o modelo em dobro. "
        "Reinicie o Vitrine se durar. Nada sai em dobro: só um dos dois grava.",
    ),
    _warning(
        _N.UNPARSED,
        "eventos",
        "Todo elemento de um webhook da última hora foi entendido.",
        "A Meta mandou algo que não conhecemos. Está guardado inteiro; avise quem cuida do Vitrine "
        "para que seja lido.",
    ),
    _warning(
        _N.SIGNATURE_REFUSED,
        "requisições",
        "Nos últimos 15 minutos, menos de 5 requisições ao webhook tinham assinatura errada.",
        "Se as mensagens pararam de chegar, WHATSAPP_APP_SECRET não é o do aplicativo. Senão, "
        "alguém está batendo à porta; nada do que mandou foi guardado.",
    ),
    _warning(
        _N.SILENCE,
        "mensagens",
        "Nas últimas 3 horas chegou alguma mensagem, se neste dia e hora costumam chegar.",
        "Confira no painel da Meta se o webhook está assinado e responde, e se os números estão "
        "ativos: a casa pode estar surda.",
    ),
    _critical(
        _N.AUDIT_BROKEN,
        "linhas",
        "Nenhuma linha da auditoria foi alterada ou removida.",
        "Alguém mexeu no banco por fora. Guarde uma cópia agora e compare com o último backup.",
    ),
)

INVARIANTS: Final = MappingProxyType({one.name: one for one in _ALL})
