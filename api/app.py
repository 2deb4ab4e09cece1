"""The API put together: routers, refusals, access, files. Knows no Ray."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from api import (
    audit,
    auth,
    conversation_acts,
    conversations,
    events,
    figures,
    health,
    invariants,
    scale,
    system,
    users,
)
from api.address import parse_proxies
from api.answers import Problem
from api.dashboard import mount_dashboard
from api.deps import VERSION, ApiParts
from api.edge import Edge
from api.live import LiveHub
from api.problems import MEDIA_TYPE, TITLES, install_problems
from api.reference import install_reference
from config.settings import SettingsError

_ROUTERS: Final = (
    auth,
    conversations,
    conversation_acts,
    system,
    scale,
    users,
    audit,
    events,
    figures,
    invariants,
    health,
)
_DESCRIPTION: Final = (
    "Supervisors, sellers and programs read and steer Vitrine here. Errors are RFC 9457 problem details, "
    "lists are {items, next_cursor}, ids UUIDv7, times RFC 3339 in UTC, money integer centavos or "
    "micro-dollars. Writes take an Idempotency-Key."
)


def create_api(parts: ApiParts) -> FastAPI:
    """The application. Raises SettingsError for settings it cannot serve with."""
    if parts.settings.jwt_secret is None or len(parts.settings.jwt_secret.get_secret_value()) < 32:
        raise SettingsError(("JWT_SECRET: at least 32 characters of chance sign the sessions",))
    app = FastAPI(
        title="Vitrine",
        version=VERSION,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        responses=_problem_responses(),
    )
    app.state.parts = parts
    app.state.proxies = parse_proxies(parts.settings.trusted_proxies)
    app.state.live = LiveHub(parts)
    install_problems(app)
    for module in _ROUTERS:
        app.include_router(module.router)
    install_reference(app)
    mount_dashboard(app, parts.dashboard_dist)
    # Behind a declared proxy, or with TLS in front, browsers are told to come by TLS only.
    https = parts.settings.tls_terminated or bool(parts.settings.trusted_proxies)
    app.add_middleware(Edge, https=https)
    return app


def _problem_responses() -> dict[int | str, dict[str, Any]]:
    schema = Problem.model_json_schema()
    return {
        status: {
            "description": TITLES[status],
            "content": {
                MEDIA_TYPE: {
                    "schema": schema,
                    "example": {
                        "type": "about:blank",
                        "title": TITLES[status],
                        "status": status,
                        "detail": "…",
                        "request_id": "0198d6a2-7c1e-7d7b-9d0e-3a0d5c1f2b11",
                    },
                }
            },
        }
        for status in (401, 403, 404, 409, 422, 429, 500, 503)
    }
