"""The own actors of one shard's conversations: granted by PostgreSQL, made, passed rings, retired.

The first `maximum` active conversations of the whole deployment get one; when all are taken, the one
idle longest makes room. Making one takes about two seconds, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from ray.exceptions import RayError

from actors.conversation.messages import RingConversations
from actors.directory import own_name
from actors.parts import Parts
from config.limits import PASSIVATE_AFTER
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId

log = structlog.get_logger()

#: An own actor idle at least this long may have to make room for a newly active conversation.
_MAKES_ROOM_AFTER: Final = timedelta(seconds=45)
_KEEP_EVERY_S: Final = 15.0
_START_TIMEOUT_S: Final = 60.0


class OwnActors:
    """Which conversations of this shard live in their own Ray actor."""

    def __init__(self, parts: Parts, *, shard: int, shell: type, maximum: int) -> None:
        self._parts = parts
        self._shard = shard
        self._shell = shell
        self._maximum = maximum
        self._open: set[ConversationId] = set()
        self._starting: set[ConversationId] = set()

    async def readopt(self) -> None:
        """After a restart of the shard its own actors are still alive; dead ones are released."""
        for conversation_id, shard in (await self._parts.actor_rows.list_own()).items():
            if shard != self._shard:
                continue
            if await self._parts.directory.find(own_name(conversation_id)) is None:
                await self._forget(conversation_id)
            else:
                self._open.add(conversation_id)

    async def pass_on(self, ring: Ring) -> bool:
        """Rings the conversation's own actor; False when it has none (any more)."""
        if ring.conversation_id not in self._open:
            return False
        name = own_name(ring.conversation_id)
        handle = await self._parts.directory.find(name)
        if handle is None:
            await self._forget(ring.conversation_id)
            return False
        message = RingConversations(rings=((ring.conversation_id, ring.reason),))
        self._parts.directory.tell(name, partial(handle.ring.remote, message))
        if ring.reason is not RingReason.OUTBOX:
            await self._parts.actor_rows.touch_own(ring.conversation_id)
        return True

    async def start(self, conversation_id: ConversationId) -> bool:
        """Makes the conversation's own actor if one is granted; True when it is ready."""
        if conversation_id in self._open or conversation_id in self._starting:
            return False
        self._starting.add(conversation_id)
        try:
            if not await self._granted(conversation_id):
                return False
            handle = await self._parts.directory.create(
                "own",
                own_name(conversation_id),
                self._shell,
                self._parts.settings,
                conversation_id,
            )
            async with asyncio.timeout(_START_TIMEOUT_S):
                await handle.ready.remote()
        except (RayError, TimeoutError) as error:
            log.warning(
                "own_actor.not_started",
                conversation_id=str(conversation_id),
                error=type(error).__name__,
            )
            await self._retire(conversation_id)
            return False
        finally:
            self._starting.discard(conversation_id)
        return True

    def open_for(self, conversation_id: ConversationId) -> None:
        """From now on rings are passed on."""
        self._open.add(conversation_id)

    async def keep(self) -> None:
        """Retires own actors that are idle, until cancelled."""
        while True:
            await asyncio.sleep(_KEEP_EVERY_S)
            idle = await self._parts.actor_rows.list_idle_own(self._shard, PASSIVATE_AFTER)
            for conversation_id in idle:
                await self._retire_if_idle(conversation_id)

    async def _granted(self, conversation_id: ConversationId) -> bool:
        rows = self._parts.actor_rows
        if await rows.grant_own(conversation_id, self._shard, self._maximum):
            return True
        idle = await rows.longest_idle(_MAKES_ROOM_AFTER)
        if idle is None or not await self._retire_if_idle(idle):
            return False
        return await rows.grant_own(conversation_id, self._shard, self._maximum)

    async def _retire_if_idle(self, conversation_id: ConversationId) -> bool:
        handle = await self._parts.directory.find(own_name(conversation_id))
        if handle is not None:
            try:
                async with asyncio.timeout(5):
                    if not await handle.may_retire.remote():
                        return False
            except (RayError, TimeoutError) as error:
                log.info("own_actor.silent", error=type(error).__name__)
        await self._retire(conversation_id)
        return True

    async def _retire(self, conversation_id: ConversationId) -> None:
        self._open.discard(conversation_id)
        await self._parts.directory.retire(own_name(conversation_id))
        await self._forget(conversation_id)

    async def _forget(self, conversation_id: ConversationId) -> None:
        self._open.discard(conversation_id)
        await self._parts.actor_rows.release_own(conversation_id)
        await self._parts.actor_rows.forget(own_name(conversation_id))
