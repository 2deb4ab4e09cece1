"""The activations living in one Ray actor: brought to life by a ring, put away when idle.

A shared host holds many, a conversation's own actor exactly one; nothing else differs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from actors.conversation.core import ConversationCore
from actors.conversation.ports import Ports
from config.limits import RESIDENTS_MAX
from domain.doorbell import Ring
from domain.errors import NotFoundError
from domain.ids import ConversationId
from storage.pool import AWAY
from telemetry.metrics import UNEXPECTED_ERRORS
from telemetry.seldom import Seldom
from telemetry.tasks import spawn

log = structlog.get_logger()

#: After a failure the activation rests this long before the sweeper or the next ring revives it.
REST_AFTER_FAILURE_S: Final = 1.0


class Residents:
    """Activations by conversation. `on_active` hears of each one that came to life."""

    def __init__(
        self,
        ports: Ports,
        *,
        idle_after: timedelta,
        on_active: Callable[[ConversationId], None] | None = None,
        rest_after_failure_s: float = REST_AFTER_FAILURE_S,
        most: int = RESIDENTS_MAX,
    ) -> None:
        self._ports = ports
        self._idle_after = idle_after
        self._on_active = on_active
        self._rest_after_failure_s = rest_after_failure_s
        self._most = most
        self._lost = Seldom()
        self._cores: dict[ConversationId, ConversationCore] = {}
        self._tasks: dict[ConversationId, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._cores)

    def __contains__(self, conversation_id: ConversationId) -> bool:
        return conversation_id in self._cores

    def ring(self, ring: Ring) -> None:
        """Wakes the conversation, activating it when it is not resident.

        In a full host an idle one makes room; when all work the ring is lost, as a ring may be: the
        sweep rings again.
        """
        core = self._cores.get(ring.conversation_id)
        if core is None:
            if len(self._cores) >= self._most and not self._make_room():
                if (count := self._lost.count()) is not None:
                    log.warning("residents.full", rings_lost=count)
                return
            core = self._activate(ring.conversation_id)
        core.ring(ring.reason)

    def _make_room(self) -> bool:
        """Puts the longest resident idle one away."""
        idle = next((c.id for c in self._cores.values() if c.is_idle and c.id in self._tasks), None)
        if idle is None:
            return False
        self._tasks.pop(idle).cancel()  # taken out, so that nobody counts on its room twice
        return True

    def is_in_turn(self, conversation_id: ConversationId) -> bool:
        """Whether moving it elsewhere now would throw away model work."""
        core = self._cores.get(conversation_id)
        return core is not None and core.in_turn

    async def between_turns(self, conversation_id: ConversationId) -> None:
        """Returns when moving the conversation elsewhere throws no model work away."""
        core = self._cores.get(conversation_id)
        if core is not None:
            await core.between_turns.wait()

    async def put_away(self, conversation_id: ConversationId) -> None:
        """Stops an activation wherever it is; what it had not committed is done again elsewhere."""
        task = self._tasks.get(conversation_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        for conversation_id in list(self._tasks):
            await self.put_away(conversation_id)

    def describe(self, limit: int = 200) -> list[Mapping[str, Any]]:
        """What `vitrine actors` shows of each resident, the most recently active first."""
        cores = sorted(
            self._cores.values(),
            key=lambda c: c.last_turn_at.timestamp() if c.last_turn_at else 0.0,
            reverse=True,
        )
        return [
            {
                "id": str(core.id),
                "mailbox": core.mailbox,
                "epoch": core.epoch,
                "state": core.state,
                "last_turn_at": core.last_turn_at.isoformat() if core.last_turn_at else None,
            }
            for core in cores[:limit]
        ]

    def __iter__(self) -> Iterator[ConversationId]:
        return iter(self._cores)

    def _activate(self, conversation_id: ConversationId) -> ConversationCore:
        core = ConversationCore(conversation_id, self._ports, idle_after=self._idle_after)
        self._cores[conversation_id] = core
        spawn(self._live(core), name=f"conversation/{conversation_id}")
        if self._on_active is not None:
            self._on_active(conversation_id)
        return core

    async def _live(self, core: ConversationCore) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this runs in a task
        self._tasks[core.id] = task
        self._ports.tracer.trace("actor.activated", core.id, actor=dict(self._ports.place))
        try:
            await core.run()
        except NotFoundError:
            log.warning("conversation.unknown", conversation_id=str(core.id))
        except asyncio.CancelledError:
            log.info("conversation.put_away", conversation_id=str(core.id))
            raise
        except Exception as error:
            # The activation's outermost loop: one conversation's failure must not reach the others.
            UNEXPECTED_ERRORS.labels(type(error).__name__).inc()
            log.exception("conversation.failed", conversation_id=str(core.id))
            with contextlib.suppress(*AWAY):  # while PostgreSQL is away the failure is its own
                await self._ports.conversations.count_failure(core.id)
            await asyncio.sleep(self._rest_after_failure_s)
        finally:
            del self._cores[core.id]
            self._tasks.pop(core.id, None)
