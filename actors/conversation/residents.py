"""The activations living in one Ray actor: brought to life by a ring, put away when idle.

A shared host holds many, a conversation's own actor exactly one; nothing else differs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from actors.conversation.core import ConversationCore
from actors.conversation.ports import Ports
from config.limits import RESIDENTS_MAX
from domain.doorbell import Ring
from domain.errors import NotFoundError
from domain.ids import ConversationId
from domain.ownership import Ownership, Standing
from storage.pool import AWAY
from telemetry.failpoints import Failpoint, failpoint
from telemetry.metrics import UNEXPECTED_ERRORS
from telemetry.seldom import Seldom
from telemetry.tasks import spawn

log = structlog.get_logger()

#: After a failure the activation rests this long before the sweeper or the next ring revives it.
REST_AFTER_FAILURE_S: Final = 1.0
#: From so many turns in a row on that PostgreSQL cut off, each counts as the conversation's failure: a
#: commit that never ends in time would pay the model without end.
CUT_TURNS_MAX: Final = 3


class Residents:
    """Activations by conversation.

    `on_active` hears of each one that came to life, `on_moved` of each that another host serves now.
    """

    def __init__(
        self,
        ports: Ports,
        *,
        idle_after: timedelta,
        on_active: Callable[[ConversationId], None] | None = None,
        on_moved: Callable[[ConversationId, Ownership], None] | None = None,
        rest_after_failure_s: float = REST_AFTER_FAILURE_S,
        most: int = RESIDENTS_MAX,
    ) -> None:
        self._ports = ports
        self._idle_after = idle_after
        self._on_active = on_active
        self._on_moved = on_moved
        self._rest_after_failure_s = rest_after_failure_s
        self._most = most
        self._lost = Seldom()
        self._cores: dict[ConversationId, ConversationCore] = {}
        self._one_left = asyncio.Event()
        self._cut_turns: Counter[ConversationId] = Counter()

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

    def may_end(self) -> bool:
        """Whether ending this process now would throw nothing away and cut no send."""
        working = any(core.in_turn for core in self._cores.values())
        return not working and not self._ports.dispatcher.is_sending()

    async def wait_gone(self, conversations: Collection[ConversationId]) -> None:
        """Returns when none of them lives here: each was put away, or left after its turn."""
        while any(one in self._cores for one in conversations):
            self._one_left.clear()
            await self._one_left.wait()

    def _make_room(self) -> bool:
        """Puts the longest resident idle one away."""
        idle = next((core for core in self._cores.values() if core.is_idle), None)
        if idle is None:
            return False
        del self._cores[idle.id]  # taken out, so that nobody counts on its room twice
        idle.leave()
        return True

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
        standing = Standing.OWNER
        self._ports.tracer.trace("actor.activated", core.id, actor=dict(self._ports.place))
        try:
            failpoint(Failpoint.ACTIVATED)
            standing = await core.run()
            del self._cut_turns[core.id]
        except NotFoundError:
            log.warning("conversation.unknown", conversation_id=str(core.id))
        except asyncio.CancelledError:
            log.info("conversation.put_away", conversation_id=str(core.id))
            raise
        except AWAY as error:
            # PostgreSQL's failure, not the conversation's: it is worked again.
            log.warning(
                "conversation.cut_off", conversation_id=str(core.id), error=type(error).__name__
            )
            if core.in_turn:
                await self._count_cut(core)
            await asyncio.sleep(self._rest_after_failure_s)
        except Exception as error:
            # The activation's outermost loop: one conversation's failure must not reach the others.
            UNEXPECTED_ERRORS.labels(type(error).__name__).inc()
            log.exception("conversation.failed", conversation_id=str(core.id))
            await self._count_failure(core.id)
            await asyncio.sleep(self._rest_after_failure_s)
        finally:
            if self._cores.get(core.id) is core:  # else it made room for another
                del self._cores[core.id]
            self._one_left.set()
        if standing is not Standing.OWNER:
            log.info("conversation.left", conversation_id=str(core.id), standing=standing)
        if standing is Standing.MOVED and self._on_moved is not None:
            self._on_moved(core.id, core.ownership)

    async def _count_cut(self, core: ConversationCore) -> None:
        if core.last_turn_at is not None:  # one ended well since it came to life
            del self._cut_turns[core.id]
        self._cut_turns[core.id] += 1
        if self._cut_turns[core.id] >= CUT_TURNS_MAX:
            await self._count_failure(core.id)

    async def _count_failure(self, conversation_id: ConversationId) -> None:
        with contextlib.suppress(*AWAY):
            await self._ports.conversations.count_failure(conversation_id)
