from __future__ import annotations

from uuid import uuid4

import pytest
from starlette.requests import Request

from api.access import (
    ALLOWED,
    Act,
    Principal,
    check_may,
    content_for,
    may_see_row,
    phone_for,
    row_scope,
)
from api.address import check_exposure, client_address, limit_key, parse_proxies
from api.cursor import read_cursor, write_cursor
from api.problems import ProblemError, to_problem
from config.settings import Settings, SettingsError
from domain.clock import SystemClock
from domain.errors import InvalidInputError, NotFoundError, RejectedError, TransientError
from domain.ids import OperatorId
from storage.inbox_page import InboxCursor
from storage.operators import Role


def person(role: Role) -> Principal:
    return Principal(operator_id=OperatorId(uuid4()), email="x@y.example", name="X", role=role)


def settings(**given: object) -> Settings:
    return Settings(_env_file=None, **given)  # type: ignore[arg-type]


def test_every_act_says_who_may():
    assert set(ALLOWED) == set(Act)
    assert all(Role.SUPERVISOR in roles for roles in ALLOWED.values())


@pytest.mark.parametrize("role", [Role.VENDOR, Role.AGENT])
def test_sellers_and_support_see_own_rows_and_masked_fields(role: Role):
    me = person(role)
    assert row_scope(me) == me.operator_id
    assert may_see_row(me, me.operator_id)
    assert not may_see_row(me, None)
    assert not may_see_row(me, uuid4())
    assert phone_for(me, "5531988887777") == "+55 31 •••••-7777"
    assert phone_for(me, None) is None
    assert "98888" not in str(content_for(me, {"kind": "system", "wa_id": "5531988887777"}))
    with pytest.raises(ProblemError) as refused:
        check_may(me, Act.PAUSE)
    assert refused.value.status == 403


def test_a_supervisor_sees_every_row_and_whole_phones():
    boss = person(Role.SUPERVISOR)
    assert row_scope(boss) is None
    assert may_see_row(boss, uuid4())
    assert phone_for(boss, "5531988887777") == "+55 31 98888-7777"


@pytest.mark.parametrize(
    "given",
    [
        {"http_host": "127.0.0.1"},
        {"http_host": "localhost"},
        {"http_host": "::1"},
        {"http_host": "0.0.0.0", "tls_terminated": True},  # noqa: S104
        {"http_host": "0.0.0.0", "trusted_proxies": "10.0.0.1"},  # noqa: S104
    ],
    ids=str,
)
def test_served_inside_or_behind_tls(given: dict[str, object]):
    check_exposure(settings(**given))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.5", "::", "vitrine.example"])  # noqa: S104
def test_never_served_to_a_network_in_the_clear(host: str):
    with pytest.raises(SettingsError, match="HTTP_HOST"):
        check_exposure(settings(http_host=host))


def test_a_wrong_proxy_is_named():
    with pytest.raises(SettingsError, match="minha-rede"):
        parse_proxies(["10.0.0.0/8", "minha-rede"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", "1.2.3.4", "203.0.113.7"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, 10.9.9.9", "203.0.113.7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_callers_address(peer: str, forwarded: str, address: str):
    scope = {
        "type": "http",
        "client": (peer, 1),
        "headers": [(b"x-forwarded-for", forwarded.encode())],
    }
    assert client_address(Request(scope), parse_proxies(["10.0.0.0/8"])) == address


def test_an_ipv6_caller_is_its_network():
    assert limit_key("2001:db8::1") == limit_key("2001:db8::ffff") != limit_key("2001:db8:0:1::1")
    assert limit_key("203.0.113.7") == "203.0.113.7"


def test_a_cursor_comes_back_as_it_went():
    cursor = InboxCursor(updated_at=SystemClock().now(), id=uuid4())
    assert read_cursor(write_cursor(cursor)) == cursor
    assert read_cursor(None) is None
    for wrong in ("x", "MjAyNg", "====", "é"):
        with pytest.raises(InvalidInputError):
            read_cursor(wrong)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("conversation", "x"), 404),
        (InvalidInputError("f", "r"), 422),
        (RejectedError("no"), 409),
        (TransientError("later", 2.5), 503),
        (ValueError("segredo"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_family_of_errors_has_its_answer(error: Exception, status: int):
    problem = to_problem(error)
    assert problem.status == status
    assert "segredo" not in problem.detail
    if status == 503:
        assert problem.headers["Retry-After"] == "3"
