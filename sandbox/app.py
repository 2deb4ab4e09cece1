"""One ASGI application for all twins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.config import SandboxConfig
from sandbox.control.relay import relay_router
from sandbox.control.routes import control_router
from sandbox.erp.routes import erp_router
from sandbox.graph.routes import GraphRoutes
from sandbox.model.routes import ModelRoutes
from sandbox.page import page_routes
from sandbox.product import Product
from sandbox.traffic import Traffic
from sandbox.world import World


class TransportExposed:
    """Puts the connection's transport into the scope, so that a fault can cut the line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            cycle = getattr(send, "__self__", None)
            scope["sandbox.transport"] = getattr(cycle, "transport", None)
        await self.app(scope, receive, send)


def build(config: SandboxConfig) -> tuple[FastAPI, World]:
    """The bare application and its world; `create_app` is what a server runs."""
    world = World(config)
    model = ModelRoutes(config)
    traffic = Traffic(world)
    product = Product(config, world)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await world.start()
        yield
        await traffic.stop()
        await product.close()
        await world.stop()

    app = FastAPI(
        title="Vitrine sandbox",
        description="Stand-ins for Meta's Graph API, the Anthropic Messages API and an ERP.",
        docs_url="/control/docs",
        openapi_url="/control/openapi.json",
        redoc_url=None,
        lifespan=lifespan,
    )
    app.include_router(control_router(world, model=model, traffic=traffic))
    app.include_router(relay_router(world, product, model=model))
    app.include_router(erp_router(world))
    app.router.routes.extend(GraphRoutes(world).routes())
    app.router.routes.extend(model.routes())
    app.router.routes.extend(page_routes())
    return app, world


def create_app(config: SandboxConfig) -> ASGIApp:
    return TransportExposed(build(config)[0])
