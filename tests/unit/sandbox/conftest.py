"""A sandbox and a tiny product, each on its own free port."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sandbox.app import TransportExposed, build
from sandbox.config import FACADE_PNID, SandboxConfig
from sandbox.world import World
from tests.unit.sandbox.fake_product import FakeProduct
from tests.unit.sandbox.servers import listening_socket, no_tls, serving

MARIA = "5531988887777"


@dataclass
class Stage:
    world: World
    product: FakeProduct
    client: httpx.AsyncClient
    base: str

    async def send(
        self, content: dict[str, Any], *, to: str = "+" + MARIA, **more: Any
    ) -> httpx.Response:
        address = {"recipient": to} if to.startswith("BR.") else {"to": to}
        body = {"messaging_product": "whatsapp", **address, **content, **more}
        return await self.post(f"{FACADE_PNID}/messages", body)

    async def text(
        self, body: str = "Olá", *, to: str = "+" + MARIA, **more: Any
    ) -> httpx.Response:
        return await self.send({"type": "text", "text": {"body": body}}, to=to, **more)

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.world.config.access_token}"}
        return await self.client.post(f"/graph/v26.0/{path}", json=body, headers=headers)

    async def get(self, path: str, **query: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.world.config.access_token}"}
        return await self.client.get(f"/graph/v26.0/{path}", params=query, headers=headers)

    async def control(self, path: str, body: Any = None) -> Any:
        answer = await self.client.post(f"/control/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def say(self, text: str = "Oi", customer: str = MARIA, **more: Any) -> str:
        return str(
            (await self.control("say", {"customer": customer, "text": text, **more}))["wamid"]
        )

    def open_window(self, customer: str = MARIA) -> None:
        self.world.customer(customer).windows[FACADE_PNID] = time.time()


@contextlib.asynccontextmanager
async def staged(*, answer: bool = False, **settings: Any) -> AsyncIterator[Stage]:
    twin, away = listening_socket(), listening_socket()
    port, product_port = twin.getsockname()[1], away.getsockname()[1]
    product_url = f"http://127.0.0.1:{product_port}"
    config = SandboxConfig(
        port=port,
        webhook_url=f"{product_url}/webhook/whatsapp",
        product_url=product_url,
        operator_email="helena@mercante.example",
        operator_password="right",
        model_latency_ms=(0, 0),
        status_scale=0.05,
        **settings,
    )
    app, world = build(config)
    product = FakeProduct(world.env(), answer=answer)
    async with (
        serving((TransportExposed(app), twin), (product.app, away)) as (base, _),
        httpx.AsyncClient(base_url=base, timeout=10, verify=no_tls()) as client,
    ):
        try:
            yield Stage(world=world, product=product, client=client, base=base)
        finally:
            await product.close()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world without a server: what is posted is accepted or refused, and webhooks go nowhere."""
    away = listening_socket()
    port = away.getsockname()[1]
    away.close()
    made = World(SandboxConfig(port=1, webhook_url=f"http://127.0.0.1:{port}/webhook"))
    made.faults.statuses = False
    yield made
    await made.stop()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """The product only listens."""
    async with staged() as running:
        yield running


@pytest.fixture
async def talking() -> AsyncIterator[Stage]:
    """The product answers through the model twin and the Graph twin."""
    async with staged(answer=True) as running:
        yield running
