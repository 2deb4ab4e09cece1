"""What follows for a row when Meta did not take it."""

from __future__ import annotations

import pytest

from actors.sender.outcome import LATEST_RETRY_S, NOT_SENT_TRIES, STOPPED_TRIES, outcome_of
from domain.errors import InvalidInputError
from domain.ids import AttemptId, OutboxId, new_id
from domain.outbox import OutboxState
from integrations.whatsapp.errors import GraphError, NotSentError, UnknownOutcomeError
from integrations.whatsapp.failures import TABLE


def after(error, attempt_n=1):
    return outcome_of(
        error, attempt_id=AttemptId(new_id()), outbox_id=OutboxId(new_id()), attempt_n=attempt_n,
        grace_s=90,
    )  # fmt: skip


def test_an_unknown_outcome_is_never_queued_again_by_itself():
    result = after(UnknownOutcomeError("no answer in time"))
    assert (result.outcome, result.next_state, result.retry_after_s) == (
        "unknown", OutboxState.UNKNOWN, 90,
    )  # fmt: skip


def test_what_never_reached_meta_is_tried_again_ever_more_slowly():
    pauses = [after(NotSentError("x"), n).retry_after_s for n in (1, 2, 3, 10)]
    assert pauses == [1, 2, 4, 60]


@pytest.mark.parametrize("code", [131026, 131047, 130472, 131050, 130403, 132000, 100])
def test_what_can_never_work_is_given_up_at_once(code):
    assert after(GraphError(400, code)).next_state is OutboxState.FAILED


def test_the_pair_rate_waits_four_to_the_power_of_n():
    assert [after(GraphError(400, 131056), n).retry_after_s for n in (1, 2, 3)] == [1, 4, 16]


@pytest.mark.parametrize("code", [190, 131031, 368, 131042, 33])
def test_a_stopped_number_or_account_keeps_the_row_and_then_asks_a_person(code):
    states = [after(GraphError(400, code), n).next_state for n in range(1, STOPPED_TRIES + 1)]
    assert states == [OutboxState.QUEUED] * (STOPPED_TRIES - 1) + [OutboxState.PARKED]


def test_without_a_connection_a_row_is_tried_for_about_an_hour():
    results = [after(NotSentError("x"), n) for n in range(1, NOT_SENT_TRIES + 1)]
    assert [r.next_state for r in results[-2:]] == [OutboxState.QUEUED, OutboxState.PARKED]
    assert sum(r.retry_after_s for r in results[:-1]) == pytest.approx(LATEST_RETRY_S, rel=0.1)


def test_a_reply_is_not_kept_for_tomorrow():
    assert after(GraphError(400, 131049)).next_state is OutboxState.FAILED


def test_an_invalid_message_fails_with_words_a_person_understands():
    result = after(InvalidInputError("text", "empty"))
    assert (result.next_state, result.reason) == (OutboxState.FAILED, "mensagem inválida")


@pytest.mark.parametrize("code", sorted(TABLE))
def test_every_code_ends_somewhere_and_no_row_is_tried_for_ever(code):
    results = [after(GraphError(400, code), n) for n in range(1, 12)]
    assert all(r.retry_after_s <= max(LATEST_RETRY_S, 90) for r in results)
    assert results[-1].next_state is not OutboxState.QUEUED
