"""A desk of the house: the API in this process, people who sign in to it, and customers who write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from redis.asyncio import Redis

from api.app import create_api
from api.deps import ApiParts
from api.identity import issue_access_token
from config.settings import Settings
from domain.doorbell import Ring
from domain.ids import OperatorId, new_id
from storage.house import HouseReads
from storage.human_actions import HumanActions
from storage.numbers_page import StoredNumbersControl
from storage.sessions import open_session
from tests.house import inbound, store

PASSWORD = "uma frase comprida"
SECRET = "x" * 40


class Bell:
    def __init__(self) -> None:
        self.rings: list[Ring] = []

    async def ring(self, rings: Sequence[Ring]) -> None:
        self.rings += rings

    @property
    def reasons(self) -> list[str]:
        return [ring.reason.value for ring in self.rings]


class HandClock:
    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        self._ahead += by


@dataclass
class Person:
    id: UUID
    email: str
    client: httpx.AsyncClient
    tokens: dict[str, Any]


@dataclass
class Desk:
    app: FastAPI
    parts: ApiParts
    pool: asyncpg.Pool
    bell: Bell
    clock: HandClock
    anyone: httpx.AsyncClient
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def ana(self) -> httpx.AsyncClient:
        """The supervisor."""
        return self.people["ana"].client

    @property
    def bia(self) -> httpx.AsyncClient:
        """A vendor."""
        return self.people["bia"].client

    @property
    def caio(self) -> httpx.AsyncClient:
        """An agent."""
        return self.people["caio"].client

    def client(self, token: str | None = None, address: str = "127.0.0.1") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(
            self.app, client=(address, 4000), raise_app_exceptions=False
        )
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def conversation(
        self, text: str = "Oi", *, wa_id: str = "553188887777", name: str = "Ana Souza",
        to: str | None = None,
    ) -> UUID:  # fmt: skip
        """A customer writes; `to`: whose conversation it is."""
        receipt = await store(self.pool, inbound(text, wa_id=wa_id, name=name))
        conversation_id = receipt.events[0].conversation_id
        assert conversation_id is not None
        if to is not None:
            await self.pool.execute(
                "UPDATE conversations SET assignee_id = $2 WHERE id = $1",
                conversation_id,
                self.people[to].id,
            )
        return UUID(str(conversation_id))

    async def close(self) -> None:
        for client in (self.anyone, *(person.client for person in self.people.values())):
            await client.aclose()


@cache
def password_hash() -> str:
    return PasswordHasher().hash(PASSWORD)


async def a_desk(
    pool: asyncpg.Pool, redis: Redis | None, settings: dict[str, Any] | None = None, **given: Any
) -> Desk:
    bell, clock = Bell(), HandClock()
    chosen = {"sandbox": "on", "jwt_secret": SECRET, "sandbox_url": "http://127.0.0.1:9/sandbox"}
    parts = ApiParts(
        **{
            "settings": Settings(_env_file=None, **(chosen | (settings or {}))),
            "pool": pool,
            "redis": redis,
            "doorbell": bell,
            "human_actions": HumanActions(pool),
            "actors": HouseReads(pool),
            "numbers": StoredNumbersControl(pool),
            "clock": clock,
            "feed_life": timedelta(seconds=1),
            "dashboard_dist": Path("/nonexistent"),
            **given,
        }
    )
    desk = Desk(
        app=(app := create_api(parts)), parts=parts, pool=pool, bell=bell, clock=clock,
        anyone=httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test"
        ),
    )  # fmt: skip
    for name, role in (("ana", "supervisor"), ("bia", "vendor"), ("caio", "agent")):
        email = f"{name}@loja.example"
        person_id = new_id()
        await pool.execute(
            "INSERT INTO operators (id, email, name, role, password_hash) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT DO NOTHING",
            person_id, email, name.title(), role, password_hash(),
        )  # fmt: skip
        person_id = await pool.fetchval("SELECT id FROM operators WHERE email = $1", email)
        session = await open_session(pool, OperatorId(person_id))
        tokens = {
            "access_token": issue_access_token(parts, session.operator_id, session.family_id),
            "refresh_token": session.refresh_token,
        }
        desk.people[name] = Person(person_id, email, desk.client(tokens["access_token"]), tokens)
    return desk
