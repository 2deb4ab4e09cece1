"""Who is calling: access tokens of sessions (JWT) and API tokens, and how often they may."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import jwt
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.access import Principal
from api.address import client_address, limit_key
from api.deps import ApiParts, Parts
from api.problems import ProblemError
from domain.ids import OperatorId, new_id
from storage.api_tokens import PREFIX, find_api_token
from storage.operators import Role
from storage.rate_limits import Limit
from storage.sessions import find_session_operator
from telemetry.metrics import RATE_LIMITED

ACCESS_LIFE: Final = timedelta(hours=1)
_ISSUER: Final = "vitrine"
_ALGORITHM: Final = "HS256"
_MINUTE: Final = timedelta(minutes=1)

BY_TOKEN: Final = Limit(name="token", count=100, window=_MINUTE)
BY_ADDRESS: Final = Limit(name="address", count=100, window=_MINUTE)
SESSION_READS: Final = Limit(name="reads", count=600, window=_MINUTE)
SESSION_WRITES: Final = Limit(name="writes", count=100, window=_MINUTE)
LOGIN: Final = Limit(name="login", count=10, window=timedelta(minutes=5))

bearer: Final = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="An access token of POST /auth/login, or an API token (`vtr_…`).",
)


def issue_access_token(parts: ApiParts, operator_id: OperatorId, family_id: UUID) -> str:
    now = parts.clock.now()
    claims = {
        "iss": _ISSUER,
        "sub": str(operator_id),
        "sid": str(family_id),
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_LIFE).timestamp()),
        "jti": str(new_id()),
    }
    return jwt.encode(claims, _secret(parts), algorithm=_ALGORITHM)


async def identify(parts: ApiParts, token: str) -> Principal | None:
    """The person behind a token that is good now. A revoked session ends its access tokens too."""
    if token.startswith(PREFIX):
        found = await find_api_token(parts.pool, token)
        return None if found is None else _principal(found, token_id=found["token_id"])
    claims = _claims(parts, token)
    if claims is None:
        return None
    try:
        operator_id, family_id = UUID(claims["sub"]), UUID(claims["sid"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    row = await find_session_operator(parts.pool, OperatorId(operator_id), family_id)
    return None if row is None else _principal(row, session_id=family_id)


def address_of(request: Request) -> str:
    return client_address(request, request.app.state.proxies)


async def check_limit(parts: ApiParts, limit: Limit, key: str) -> None:
    """Raises ProblemError 429 with Retry-After."""
    verdict = await parts.limits.hit(limit, key)
    if verdict.allowed:
        return
    RATE_LIMITED.labels(limit.name).inc()
    wait = max(1, math.ceil(verdict.retry_after.total_seconds()))
    minutes = limit.window.total_seconds() / 60
    detail = f"O limite é {limit.count} em {minutes:g} min; tente de novo em {wait} s."
    raise ProblemError(429, detail, headers={"Retry-After": str(wait)})


async def limit_address(request: Request, parts: Parts) -> None:
    """For routes without a session."""
    await check_limit(parts, BY_ADDRESS, limit_key(address_of(request)))


async def current_principal(
    request: Request,
    parts: Parts,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> Principal:
    """Raises ProblemError 401, or 429 for whoever calls too often."""
    principal = await identify(parts, credentials.credentials) if credentials else None
    if principal is None:
        await limit_address(request, parts)
        detail = (
            "Falta o token de acesso, ou ele não vale mais: envie Authorization: Bearer <token>."
        )
        raise ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"})
    if request.url.path == "/events":
        return principal
    if principal.token_id is not None:
        await check_limit(parts, BY_TOKEN, str(principal.token_id))
    else:
        limit = SESSION_READS if request.method in {"GET", "HEAD"} else SESSION_WRITES
        await check_limit(parts, limit, str(principal.operator_id))
    return principal


Caller = Annotated[Principal, Depends(current_principal)]


def _claims(parts: ApiParts, token: str) -> dict[str, Any] | None:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _secret(parts),
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            # The times are compared with our own clock below.
            options={"require": ["exp", "sub", "sid"], "verify_exp": False, "verify_iat": False},
        )
        ends = datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError, OSError):
        return None
    return claims if parts.clock.now() < ends else None


def _principal(
    row: dict[str, Any], *, token_id: UUID | None = None, session_id: UUID | None = None
) -> Principal:
    return Principal(
        operator_id=OperatorId(row["id"]),
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        token_id=token_id,
        session_id=session_id,
    )


def _secret(parts: ApiParts) -> str:
    secret = parts.settings.jwt_secret
    return "" if secret is None else secret.get_secret_value()
