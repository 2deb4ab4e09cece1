"""Signing in and out. A wrong password and an unknown e-mail look and last the same."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.address import limit_key
from api.answers import Me, Tokens
from api.bodies import Login, RefreshToken
from api.deps import ApiParts, Parts
from api.identity import (
    ACCESS_LIFE,
    LOGIN,
    Caller,
    address_of,
    check_limit,
    issue_access_token,
    limit_address,
)
from api.problems import ProblemError
from domain.ids import OperatorId
from storage.audit import AuditLine
from storage.operators import find_by_password, find_operator
from storage.sessions import (
    RefreshVerdict,
    Session,
    close_session,
    open_session,
    refresh_session,
)

router: Final = APIRouter(tags=["access"])
_NOBODY: Final = "nobody"


@router.post("/auth/login", dependencies=[Depends(limit_address)])
async def login(body: Login, request: Request, parts: Parts) -> Tokens:
    """Opens a session: an access token for an hour, a refresh token for 30 days."""
    caller = f"{limit_key(address_of(request))} {body.email.lower()}"
    await check_limit(parts, LOGIN, caller)
    operator = await find_by_password(parts.pool, body.email, body.password.get_secret_value())
    if operator is None:
        await _audit(parts, _NOBODY, "auth.refused", "auth")
        raise ProblemError(401, "E-mail ou senha não conferem.")
    await parts.limits.forgive(LOGIN, caller)
    session = await open_session(parts.pool, operator.id)
    await _audit(parts, _name(operator.id), "auth.login", _name(operator.id))
    return _tokens(parts, session)


@router.post("/auth/refresh", dependencies=[Depends(limit_address)])
async def refresh(body: RefreshToken, parts: Parts) -> Tokens:
    """Trades a refresh token, once, for a new pair; a second use ends the whole session."""
    outcome = await refresh_session(parts.pool, body.refresh_token.get_secret_value())
    if outcome.verdict is RefreshVerdict.REUSED and outcome.operator_id is not None:
        name = _name(outcome.operator_id)
        await _audit(parts, _NOBODY, "auth.reuse", name)
    if outcome.session is None:
        raise ProblemError(401, "A sessão terminou; entre de novo.")
    return _tokens(parts, outcome.session)


@router.post("/auth/logout", status_code=204, dependencies=[Depends(limit_address)])
async def logout(body: RefreshToken, parts: Parts) -> Response:
    """Ends the session and its access tokens; also answers 204 when there was none."""
    who = await close_session(parts.pool, body.refresh_token.get_secret_value())
    if who is not None:
        await _audit(parts, _name(who), "auth.logout", _name(who))
    return Response(status_code=204)


@router.get("/me")
async def me(caller: Caller, parts: Parts) -> Me:
    operator = await find_operator(parts.pool, caller.operator_id)
    initial = operator is not None and operator.password_is_initial
    return Me(
        id=caller.operator_id,
        name=caller.name,
        email=caller.email,
        role=caller.role.value,
        password_is_initial=initial,
    )


def _tokens(parts: ApiParts, session: Session) -> Tokens:
    return Tokens(
        access_token=issue_access_token(parts, session.operator_id, session.family_id),
        refresh_token=session.refresh_token,
        expires_in=int(ACCESS_LIFE.total_seconds()),
    )


async def _audit(parts: ApiParts, actor: str, action: str, target: str) -> None:
    line = AuditLine(at=parts.clock.now(), actor=actor, action=action, target=target)
    await parts.audit.record(line)


def _name(operator_id: OperatorId | UUID) -> str:
    return f"operator/{operator_id}"
