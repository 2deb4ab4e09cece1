"""What follows for a row when Meta did not take it. Pure; Meta's codes are judged by their table."""

from __future__ import annotations

from typing import Final

from domain.errors import InvalidInputError, VitrineError
from domain.ids import AttemptId, OutboxId
from domain.outbox import NotAccepted, OutboxState
from integrations.whatsapp.errors import GraphError, NotSentError, UnknownOutcomeError
from integrations.whatsapp.failures import Action, SendFailure

#: A reply that would leave later than this is stale: better a person than a late surprise.
LATEST_RETRY_S: Final = 3600.0
#: Until the NumberPool has stopped the number, which ends all tries, a row waits this long.
STOPPED_RETRY_S: Final = 60.0
#: One try, and one after each of three quarantines: then a person decides whether it still makes sense.
STOPPED_TRIES: Final = 4
_NOT_SENT_MAX_S: Final = 60.0
#: With the pauses of `_not_sent_pause_s` about LATEST_RETRY_S in all.
NOT_SENT_TRIES: Final = 65


def outcome_of(
    error: VitrineError,
    *,
    attempt_id: AttemptId,
    outbox_id: OutboxId,
    attempt_n: int,
    grace_s: float,
) -> NotAccepted:
    """The row's next state after this attempt failed with `error`."""
    match error:
        case UnknownOutcomeError():
            return NotAccepted(
                attempt_id=attempt_id,
                outbox_id=outbox_id,
                outcome="unknown",
                next_state=OutboxState.UNKNOWN,
                retry_after_s=grace_s,
                reason="resultado desconhecido: aguardando status da Meta",
                http_status=error.http_status,
                code=error.code,
                detail=error.reason,
            )
        case NotSentError():
            return NotAccepted(
                attempt_id=attempt_id,
                outbox_id=outbox_id,
                outcome="not_sent",
                next_state=OutboxState.QUEUED if attempt_n < NOT_SENT_TRIES else OutboxState.PARKED,
                retry_after_s=_not_sent_pause_s(attempt_n),
                reason="sem conexão com a Meta",
                http_status=None,
                code=None,
                detail=str(error),
            )
        case GraphError():
            state, retry_after_s = after_refusal(error.failure, attempt_n)
            return NotAccepted(
                attempt_id=attempt_id,
                outbox_id=outbox_id,
                outcome="rejected",
                next_state=state,
                retry_after_s=retry_after_s,
                reason=error.failure.reason,
                http_status=error.http_status,
                code=error.code,
                detail=f"{error} trace={error.fbtrace_id}",
            )
        case _:
            reason = (
                "mensagem inválida" if isinstance(error, InvalidInputError) else "falha interna"
            )
            return NotAccepted(
                attempt_id=attempt_id,
                outbox_id=outbox_id,
                outcome="rejected",
                next_state=OutboxState.FAILED,
                retry_after_s=0,
                reason=reason,
                http_status=None,
                code=None,
                detail=str(error),
            )


def after_refusal(failure: SendFailure, attempt_n: int) -> tuple[OutboxState, float]:
    """(next state, seconds until it may be tried again) for a refusal Meta gave a code for."""
    if failure.stops_sending:
        # The number or account is the trouble, not the message: it waits until that is mended.
        if attempt_n >= STOPPED_TRIES:
            return OutboxState.PARKED, 0.0
        return OutboxState.QUEUED, STOPPED_RETRY_S
    if failure.action in {Action.RETRY, Action.WAIT}:
        pause = failure.pause_s(attempt_n)
        if pause is not None and pause <= LATEST_RETRY_S:
            return OutboxState.QUEUED, pause
    return OutboxState.FAILED, 0.0


def _not_sent_pause_s(attempt_n: int) -> float:
    return min(2.0 ** min(attempt_n - 1, 6), _NOT_SENT_MAX_S)
