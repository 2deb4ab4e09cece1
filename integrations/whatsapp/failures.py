"""Meta's error codes as one table: what happened, whom it concerns, and what the sender must do.

The same code may come as the answer to a send or later in a `failed` status. Decide on the code, never on
the HTTP status or the title, and keep the details: several codes have unrelated causes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Action(StrEnum):
    RETRY = "retry"  # the same message again after a growing pause, a few times
    WAIT = "wait"  # not before the stated time, then perhaps once
    FIX = "fix"  # the request or the template is wrong: never again unchanged
    PERMANENT = "permanent"  # this recipient or message will never work
    STOP = "stop"  # stop that number, account or template and tell a person
    UNKNOWN = "unknown"  # it may have been sent: wait for a status before deciding


class Scope(StrEnum):
    """How far the trouble reaches: what else would fail in the same way."""

    MESSAGE = "message"
    PAIR = "pair"  # this contact by this number
    NUMBER = "number"
    ACCOUNT = "account"  # the WABA, its portfolio, the token or the app
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFailure:
    """What a code means for the sender. `reason` is for the operator, in Portuguese.

    `retry_after_s` is the first pause (None: nobody named one), `tries` how many more tries make sense,
    `grows` the factor between pauses.
    """

    action: Action
    scope: Scope
    reason: str
    retry_after_s: float | None = None
    tries: int = 0
    grows: float = 2.0

    @property
    def stops_sending(self) -> bool:
        """Whether the number or the whole account is the trouble, and not this message."""
        return self.action is Action.STOP and self.scope in {Scope.NUMBER, Scope.ACCOUNT}

    def pause_s(self, try_number: int) -> float | None:
        """Seconds before try `try_number` (1 is the first repetition), without jitter; None: do not try."""
        if self.retry_after_s is None or try_number > self.tries:
            return None
        return float(self.retry_after_s * self.grows ** (try_number - 1))


UNKNOWN_OUTCOME_CODES: Final = frozenset({1, 2, 131000, 131016})
"""Answered by Meta's own trouble: as the answer to a send they do not say whether it was sent."""

_MIN: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR


def _retry(
    scope: Scope, reason: str, after_s: float, tries: int, grows: float = 2.0
) -> SendFailure:
    return SendFailure(
        action=Action.RETRY, scope=scope, reason=reason, retry_after_s=after_s, tries=tries,
        grows=grows,
    )  # fmt: skip


def _wait(scope: Scope, reason: str, after_s: float | None) -> SendFailure:
    return SendFailure(
        action=Action.WAIT, scope=scope, reason=reason, retry_after_s=after_s, tries=1
    )


def _fix(scope: Scope, reason: str) -> SendFailure:
    return SendFailure(action=Action.FIX, scope=scope, reason=reason)


def _permanent(scope: Scope, reason: str) -> SendFailure:
    return SendFailure(action=Action.PERMANENT, scope=scope, reason=reason)


def _stop(scope: Scope, reason: str, after_s: float | None = None) -> SendFailure:
    return SendFailure(
        action=Action.STOP, scope=scope, reason=reason, retry_after_s=after_s, tries=0
    )


_M, _PAIR, _N, _A, _T = Scope.MESSAGE, Scope.PAIR, Scope.NUMBER, Scope.ACCOUNT, Scope.TEMPLATE

TABLE: Final = MappingProxyType(
    {
        # The platform, the token and the app
        0: _stop(_A, "token de acesso inválido ou expirado"),
        1: _retry(_M, "erro desconhecido da API", 5, 2),
        2: _retry(_M, "serviço da Meta fora do ar", 5, 4),
        3: _stop(_A, "o aplicativo não tem permissão para este método"),
        4: _retry(_A, "limite de chamadas do aplicativo", _MIN, 3),
        10: _stop(_A, "permissão ausente ou removida"),
        33: _stop(_N, "número comercial excluído ou id errado"),
        100: _fix(_M, "parâmetro inválido ou longo demais"),
        190: _stop(_A, "token de acesso expirado ou inválido"),
        368: _stop(_A, "conta bloqueada temporariamente por violar políticas"),
        613: _wait(_PAIR, "limite de pedidos de ligação", _DAY),
        803: _stop(_N, "o número ou a conta não existe ou não está visível para o token"),
        80007: _retry(_A, "limite de chamadas da conta", _MIN, 3),
        # Sending
        130403: _permanent(_PAIR, "esta pessoa foi bloqueada pela empresa"),
        130429: _retry(_N, "limite de mensagens por segundo do número", 1, 6),
        130472: _permanent(_PAIR, "a pessoa está em um experimento da Meta"),
        130497: _permanent(_PAIR, "a categoria da empresa não pode escrever para este país"),
        131000: _retry(_M, "erro desconhecido", 5, 3),
        131005: _stop(_A, "acesso negado"),
        131008: _fix(_M, "falta um parâmetro obrigatório"),
        131009: _fix(_M, "valor de parâmetro inválido"),
        131016: _retry(_M, "serviço indisponível", 5, 4),
        131020: _permanent(_M, "grupo ou participante indisponível"),
        131021: _permanent(_PAIR, "destinatário e remetente são o mesmo número"),
        131026: _permanent(_PAIR, "não foi possível entregar: o número pode não ter WhatsApp"),
        131030: _stop(_N, "número de teste: destinatário fora da lista permitida"),
        131031: _stop(_A, "conta bloqueada ou dados que não conferem"),
        131037: _stop(_N, "nome de exibição ainda não aprovado"),
        131041: _stop(_N, "número ou conta não pode ser usado para isto"),
        131042: _stop(_A, "problema de pagamento na conta da Meta"),
        131044: _stop(_A, "problema de pagamento de ligações"),
        131045: _stop(_N, "o número precisa ser registrado de novo"),
        131047: _permanent(_PAIR, "passaram 24 h da última mensagem da pessoa: só modelo aprovado"),
        131048: _stop(_N, "muitos bloqueios ou denúncias: envios limitados", 6 * _HOUR),
        131049: _wait(_PAIR, "a Meta não entregou para proteger a pessoa de excesso", _DAY),
        131050: _permanent(_PAIR, "a pessoa pediu para não receber marketing"),
        131051: _fix(_M, "tipo de mensagem não suportado"),
        131052: _fix(_M, "não foi possível baixar o arquivo"),
        131053: _fix(_M, "não foi possível processar o arquivo"),
        131055: _fix(_M, "método não permitido"),
        131056: _retry(_PAIR, "mensagens demais para a mesma pessoa", 1, 5, 4.0),
        131057: _retry(_N, "conta em manutenção", 2 * _MIN, 5),
        131059: _fix(_M, "cursor de paginação inválido"),
        131060: _permanent(_M, "mensagem indisponível"),
        131062: _fix(_M, "este modelo exige o telefone da pessoa"),
        131063: _stop(_A, "marketing desativado nesta API para a conta"),
        131064: _stop(_A, "limite por classificação errada de modelos"),
        # Templates and flows
        132000: _fix(_T, "número de parâmetros do modelo não confere"),
        132001: _stop(_T, "modelo ou idioma não existe ou não foi aprovado"),
        132005: _fix(_M, "texto final do modelo longo demais"),
        132007: _fix(_T, "conteúdo do modelo viola a política"),
        132008: _fix(_T, "parâmetros não combinam com o modelo"),
        132012: _fix(_T, "formato de parâmetro do modelo não confere"),
        132015: _stop(_T, "modelo pausado pela Meta"),
        132016: _stop(_T, "modelo desativado pela Meta"),
        132018: _fix(_T, "parâmetros do modelo com quebras de linha ou espaços"),
        132068: _stop(_T, "formulário bloqueado"),
        132069: _wait(_T, "formulário limitado a 10 envios por hora", _HOUR),
        # Registration of numbers
        133000: _stop(_N, "cancelamento de registro incompleto"),
        133004: _retry(_N, "servidor temporariamente indisponível", 10, 4),
        133005: _stop(_N, "PIN de duas etapas errado"),
        133006: _stop(_N, "o número precisa ser verificado de novo"),
        133008: _wait(_N, "muitas tentativas de PIN", _HOUR),
        133009: _wait(_N, "tentativas de PIN rápidas demais", _HOUR),
        133010: _stop(_N, "número não registrado"),
        133015: _wait(_N, "número excluído há pouco", 5 * _MIN),
        133016: _wait(_N, "registros demais em 72 h", 72 * _HOUR),
        # Payments, marketing messages API, the rest
        2040: _permanent(_PAIR, "o aparelho da pessoa não recebe pedidos de pagamento"),
        2046: _fix(_M, "mudança de estado do pedido não permitida"),
        2047: _fix(_M, "pedido não pode ser cancelado"),
        134011: _stop(_A, "termos de pagamento do WhatsApp não aceitos"),
        134100: _fix(_T, "só modelos de marketing são aceitos"),
        134101: _wait(_T, "modelo ainda sincronizando", 10 * _MIN),
        134102: _stop(_T, "modelo indisponível"),
        135000: _fix(_M, "erro genérico nos parâmetros"),
        136024: _permanent(_M, "número já verificado"),
        137000: _stop(_PAIR, "a identidade da pessoa mudou: confirmar antes de escrever"),
        141002: _stop(_T, "modelo não aprovado"),
        1752041: _permanent(_M, "pedido de adesão repetido"),
        2494100: _retry(_N, "conta em manutenção", 2 * _MIN, 5),
    }
)

_FAMILIES: Final = (
    (range(201, 300), _stop(_A, "permissão ausente ou removida")),
    (range(200, 201), _stop(_A, "token não enviado ou sem acesso ao recurso")),
    (range(131200, 131300), _permanent(_M, "erro de grupos")),
    (range(138000, 139000), _permanent(_M, "erro de ligações")),
    (range(139000, 139103), _permanent(_M, "erro de formulários ou de bloqueios")),
    (range(147001, 147006), _permanent(_M, "erro de nome de usuário")),
    (range(200005, 200008), _permanent(_M, "estatísticas de modelos não ativadas")),
    (range(2388000, 2389000), _fix(_T, "erro na criação do modelo ou na migração do número")),
    (range(2593107, 2593110), _permanent(_N, "sincronização do histórico não permitida")),
)
UNKNOWN_CODE: Final = _permanent(Scope.MESSAGE, "erro que ainda não conhecemos")


def classify(code: int | None, *, from_status: bool = False) -> SendFailure:
    """What to do about a code. `from_status` says it came in a `failed` status: then nothing was delivered.

    A code not in the table is permanent for the message: no automatic repetition, and a person is told.
    """
    if code is None:
        return UNKNOWN_CODE
    known = TABLE.get(code)
    if known is None:
        return next((failure for codes, failure in _FAMILIES if code in codes), UNKNOWN_CODE)
    if code in UNKNOWN_OUTCOME_CODES and not from_status:
        return SendFailure(action=Action.UNKNOWN, scope=known.scope, reason=known.reason)
    return known


def is_known(code: int | None) -> bool:
    """Whether the table or a family of codes names it; an unknown one deserves an alert."""
    return classify(code, from_status=True) is not UNKNOWN_CODE


def classify_http(status: int) -> SendFailure:
    """What an answer without a Graph error says: a proxy, an edge or another server spoke."""
    if status in {401, 403}:
        return _stop(_A, f"acesso recusado (HTTP {status})")
    if status == 429:
        return _retry(_N, "limite de chamadas (HTTP 429)", 5, 5)
    if status == 404 or 300 <= status < 400:
        return _stop(_A, f"endereço da API do WhatsApp errado (HTTP {status})")
    return _permanent(_M, f"resposta inesperada (HTTP {status})")
