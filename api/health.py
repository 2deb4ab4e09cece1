"""Whether this process lives, and whether Vitrine can do its work."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg
from fastapi import APIRouter
from redis.exceptions import RedisError
from starlette.responses import JSONResponse, Response

from api.answers import Readiness
from api.deps import ApiParts, Parts

router: Final = APIRouter(tags=["house"])
_TIMEOUT_S: Final = 2.0


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """This process answers; it says nothing of the others."""
    return {"status": "ok"}


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
async def readyz(parts: Parts) -> Response:
    """503 until a customer's message would be answered. Redis away only degrades."""
    checks = {"redis": await _redis(parts)}
    checks["database"], checks["shards"] = await _database(parts)
    ready = checks["database"] == "ok" and checks["shards"] == "ok"
    answer = Readiness(ready=ready, checks=checks)
    return JSONResponse(answer.model_dump(), status_code=200 if ready else 503)


async def _database(parts: ApiParts) -> tuple[str, str]:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            wanted, beating = await parts.actors.count_shards()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return f"away ({type(error).__name__})", "unknown"
    if wanted and beating >= wanted:
        return "ok", "ok"
    return "ok", f"{beating} of {wanted} report"


async def _redis(parts: ApiParts) -> str:
    if parts.redis is None:
        return "degraded (not configured)"
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await parts.redis.ping()
    except (RedisError, OSError, TimeoutError) as error:
        return f"degraded ({type(error).__name__})"
    return "ok"
