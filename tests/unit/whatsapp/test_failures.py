from __future__ import annotations

import pickle

import pytest

from domain.errors import RejectedError, TransientError
from integrations.whatsapp.errors import (
    ForeignMediaHostError,
    GraphError,
    GraphUnavailableError,
    MediaUnusableError,
    NotSentError,
    UnknownOutcomeError,
    WhatsAppError,
)
from integrations.whatsapp.failures import (
    TABLE,
    UNKNOWN_CODE,
    UNKNOWN_OUTCOME_CODES,
    Action,
    Scope,
    classify,
    classify_http,
    is_known,
)


@pytest.mark.parametrize(
    ("code", "action", "scope"),
    [
        (0, Action.STOP, Scope.ACCOUNT),
        (4, Action.RETRY, Scope.ACCOUNT),
        (33, Action.STOP, Scope.NUMBER),
        (100, Action.FIX, Scope.MESSAGE),
        (190, Action.STOP, Scope.ACCOUNT),
        (200, Action.STOP, Scope.ACCOUNT),
        (230, Action.STOP, Scope.ACCOUNT),
        (368, Action.STOP, Scope.ACCOUNT),
        (130403, Action.PERMANENT, Scope.PAIR),
        (130429, Action.RETRY, Scope.NUMBER),
        (130472, Action.PERMANENT, Scope.PAIR),
        (131026, Action.PERMANENT, Scope.PAIR),
        (131031, Action.STOP, Scope.ACCOUNT),
        (131042, Action.STOP, Scope.ACCOUNT),
        (131047, Action.PERMANENT, Scope.PAIR),
        (131048, Action.STOP, Scope.NUMBER),
        (131049, Action.WAIT, Scope.PAIR),
        (131050, Action.PERMANENT, Scope.PAIR),
        (131056, Action.RETRY, Scope.PAIR),
        (131057, Action.RETRY, Scope.NUMBER),
        (132000, Action.FIX, Scope.TEMPLATE),
        (132015, Action.STOP, Scope.TEMPLATE),
        (133010, Action.STOP, Scope.NUMBER),
        (138024, Action.PERMANENT, Scope.MESSAGE),
        (2388040, Action.FIX, Scope.TEMPLATE),
        (999999, Action.PERMANENT, Scope.MESSAGE),
        (None, Action.PERMANENT, Scope.MESSAGE),
    ],
)
def test_a_code_says_what_to_do_and_how_far_it_reaches(code, action, scope):
    failure = classify(code)
    assert (failure.action, failure.scope) == (action, scope)


@pytest.mark.parametrize("code", sorted(UNKNOWN_OUTCOME_CODES))
def test_trouble_of_metas_own_is_unknown_as_an_answer_and_a_failure_as_a_status(code):
    assert classify(code).action is Action.UNKNOWN
    assert classify(code, from_status=True).action is Action.RETRY


@pytest.mark.parametrize("code", [131026, 131047, 131050, 130472, 130403, 132000, 132012, 190])
def test_what_must_never_be_repeated_names_no_pause(code):
    assert classify(code).pause_s(1) is None


def test_the_pair_limit_is_waited_out_in_powers_of_four():
    failure = classify(131056)
    assert [failure.pause_s(n) for n in range(1, 7)] == [1, 4, 16, 64, 256, None]


def test_the_marketing_cap_waits_at_least_a_day_and_once():
    failure = classify(131049)
    assert failure.pause_s(1) == 24 * 3600
    assert failure.pause_s(2) is None


def test_every_failure_that_may_be_repeated_has_a_pause_and_every_other_none():
    for code in TABLE:
        failure = classify(code, from_status=True)
        may_repeat = failure.action in {Action.RETRY, Action.WAIT}
        assert (failure.pause_s(1) is not None) == may_repeat, code
        assert failure.reason


def test_a_code_we_do_not_know_is_never_repeated_and_is_told():
    assert classify(424242) is UNKNOWN_CODE
    assert not is_known(424242)
    assert is_known(131026)
    assert is_known(1)


@pytest.mark.parametrize(
    ("status", "action"),
    [(401, Action.STOP), (403, Action.STOP), (404, Action.STOP), (302, Action.STOP),
     (429, Action.RETRY), (400, Action.PERMANENT), (413, Action.PERMANENT)],
)  # fmt: skip
def test_an_answer_without_a_graph_error_is_judged_by_its_http_status(status, action):
    assert classify_http(status).action is action
    assert GraphError(status, None).failure.action is action


ERRORS = [
    GraphError(400, 131026, "undeliverable", "details", "trace", 7),
    UnknownOutcomeError("no answer in time", 500, 131000, "trace"),
    GraphUnavailableError("down", 3.0),
    NotSentError("not sent"),
    ForeignMediaHostError("evil.example"),
    MediaUnusableError("too large"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_survives_the_trip_between_processes(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert isinstance(again, WhatsAppError)


def test_only_what_may_safely_be_repeated_is_transient():
    assert issubclass(NotSentError, TransientError)
    assert not issubclass(UnknownOutcomeError, TransientError | RejectedError)
    assert not issubclass(GraphError, TransientError)
