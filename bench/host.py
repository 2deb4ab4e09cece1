"""A shard of the benchmarks' own: the product's residents over the product's ports, timed.

The same `Residents`, `ConversationCore` and stores as `conversations/<shard>`; only the load is
watched, to know when an activation has its state.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psutil
import ray

from actors.conversation.ports import Conversations
from actors.conversation.residents import Residents
from actors.conversation.wiring import conversation_ports
from actors.parts import open_parts
from config.settings import Settings
from domain.conversation import Conversation
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId, new_id
from domain.ownership import Host
from telemetry.tasks import start


class TimedLoads:
    """The conversation store; notes when each load ended."""

    def __init__(self, inner: Conversations) -> None:
        self._inner = inner
        self.loaded_at: dict[UUID, float] = {}

    async def load(self, conversation_id: ConversationId) -> Conversation:
        conversation = await self._inner.load(conversation_id)
        self.loaded_at[conversation_id] = time.monotonic()
        return conversation

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class BenchHost:
    """Activates what it is told to and says how long it took from the call's sending."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening = start(self._open(), name="open host")
        self._rung_at: dict[UUID, float] = {}

    async def _open(self) -> None:
        self._parts = await open_parts(self._settings, kind="shared", name="bench-host")
        # No lease: it is nobody the directory knows, and the only shard's conversations are its own.
        host = Host(name="bench-host", incarnation=new_id(), shard=0)
        ports = conversation_ports(self._parts, host)
        self._loads = TimedLoads(ports.conversations)
        timed: Any = self._loads
        self._residents = Residents(
            replace(ports, conversations=timed), idle_after=timedelta(hours=1)
        )

    @ray.method
    async def ready(self) -> int:
        await self._opening
        return psutil.Process().pid

    @ray.method
    async def ring(self, conversation_id: UUID, sent_at: float) -> None:
        """`sent_at` is the caller's `time.monotonic()`, one clock for the machine."""
        self._rung_at[conversation_id] = sent_at
        self._residents.ring(
            Ring(conversation_id=ConversationId(conversation_id), reason=RingReason.MESSAGE)
        )

    @ray.method
    async def activated(self) -> list[float]:
        """Milliseconds from the call's sending to the state loaded, of every activation."""
        for _ in range(200):
            if len(self._loads.loaded_at) >= len(self._rung_at):
                break
            await asyncio.sleep(0.05)
        loaded = self._loads.loaded_at
        return [(loaded[one] - at) * 1000 for one, at in self._rung_at.items() if one in loaded]

    @ray.method
    async def memory(self) -> tuple[int, int]:
        """Residents, and this process's private bytes (USS)."""
        gc.collect()
        return len(self._residents), psutil.Process().memory_full_info().uss
