"""What the benchmarks deploy into the running cluster: an empty handler, and intake by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Response
from ray import serve
from starlette.applications import Starlette

from actors.parts import open_parts
from actors.sender.keeper import StatusKeeper
from api.webhook import WebhookParts, create_webhook
from config.ray_options import REPLICAS
from config.settings import Settings
from domain.clock import SystemClock
from domain.doorbell import Ring
from storage.intake import Intake
from storage.lines import Lines
from storage.statuses import StatusStore

EMPTY_PATH = "/bench-empty"
INTAKE_PATH = "/bench-intake/whatsapp"


class NoDoorbell:
    """Rings nobody: what intake costs by itself."""

    async def ring(self, rings: Sequence[Ring]) -> None:
        """Nothing is lost: what is stored stays stored."""


@serve.ingress()
class Empty:
    """A FastAPI handler that does nothing, with the flags of the webhook's replica."""

    def __init__(self) -> None:
        app = FastAPI(openapi_url=None)

        @app.post("/")
        async def nothing() -> Response:
            return Response(status_code=200)

        self._app = app

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._app


@serve.ingress()
class IntakeAlone:
    """The product's webhook with every part of it but the doorbell."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc] # Serve awaits it
        parts = await open_parts(settings, kind="webhook", name="bench-intake")
        doorbell = NoDoorbell()
        self._app = create_webhook(
            WebhookParts(
                store=Intake(parts.pool, Lines(parts.numbers)),
                secrets=parts.accounts,
                doorbell=doorbell,
                statuses=StatusKeeper(
                    statuses=StatusStore(parts.pool),
                    doorbell=doorbell,
                    reports=parts.number_pool,
                    tracer=parts.live,
                ),
                number_pool=parts.number_pool,
                tracer=parts.live,
                clock=SystemClock(),
            )
        )

    def __serve_build_asgi_app__(self) -> Starlette:
        return self._app


def deploy(settings: Settings) -> None:
    """Both applications, as the product deploys its own."""
    _run(Empty, "bench-empty", EMPTY_PATH)
    _run(IntakeAlone, "bench-intake", INTAKE_PATH.rsplit("/", 1)[0], settings)


def remove() -> None:
    serve.delete("bench-empty")
    serve.delete("bench-intake")


def _run(replica: type, name: str, prefix: str, *arguments: Any) -> None:
    deployment: serve.Deployment = serve.deployment(
        name=replica.__name__,
        num_replicas=1,
        max_ongoing_requests=400,
        graceful_shutdown_timeout_s=2,
        ray_actor_options=REPLICAS["webhook"],
    )(replica)
    serve.run(deployment.bind(*arguments), name=name, route_prefix=prefix, blocking=False)
