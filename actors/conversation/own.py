"""The own actors of one shard's conversations: granted by PostgreSQL, made, passed rings, retired.

The first `maximum` active conversations of the whole deployment get one; when all are taken, the one
idle longest makes room. Making one takes about two seconds, and nobody waits for it: the shard serves
until the conversation is entrusted to it.
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
from actors.rounds import every
from config.limits import PASSIVATE_AFTER
from domain.doorbell import Ring
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
        """After a restart of the shard its own actors are still alive; all others are ended."""
        for conversation_id, serving in (
            await self._parts.actor_rows.list_own(self._shard)
        ).items():
            alive = await self._parts.directory.find(own_name(conversation_id)) is not None
            if alive and serving:
                self._open.add(conversation_id)
            else:
                await self._retire(conversation_id)

    async def reread(self) -> None:
        """Buckets moved: which own actors are this shard's now."""
        rows = await self._parts.actor_rows.list_own(self._shard)
        self._open = {conversation_id for conversation_id, serving in rows.items() if serving}

    def adopt(self, conversation_id: ConversationId) -> None:
        """The conversation's own actor serves it, whoever made it."""
        self._open.add(conversation_id)

    async def pass_on(self, ring: Ring) -> bool:
        """Rings the conversation's own actor; False when it has none (any more)."""
        conversation_id = ring.conversation_id
        if conversation_id not in self._open:
            return False
        if not await self._parts.actor_rows.touch_own(conversation_id):
            self._open.discard(conversation_id)  # another shard retired it to make room
            return False
        name = own_name(conversation_id)
        handle = await self._parts.directory.find(name)
        if handle is None:
            await self._retire(conversation_id)
            return False
        message = RingConversations(rings=((conversation_id, ring.reason),))
        self._parts.directory.tell(name, partial(handle.ring.remote, message))
        return True

    async def start(self, conversation_id: ConversationId) -> bool:
        """Makes the conversation's own actor and entrusts it, if one is granted."""
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
            if await self._parts.actor_rows.entrust(conversation_id):
                self._open.add(conversation_id)
                return True
            log.info("own_actor.grant_gone", conversation_id=str(conversation_id))
        except (RayError, TimeoutError) as error:
            log.warning(
                "own_actor.not_started",
                conversation_id=str(conversation_id),
                error=type(error).__name__,
            )
        finally:
            self._starting.discard(conversation_id)
        await self._retire(conversation_id)
        return False

    async def keep(self) -> None:
        """Retires own actors that are idle, until cancelled."""
        await every(_KEEP_EVERY_S, self._retire_idle, name="own actors")

    async def _retire_idle(self) -> None:
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
                    if not await handle.may_end.remote():
                        return False
            except (RayError, TimeoutError) as error:
                log.info("own_actor.silent", error=type(error).__name__)
        await self._retire(conversation_id)
        return True

    async def _retire(self, conversation_id: ConversationId) -> None:
        """The grant first: from then on the shard serves, and no ring goes to what is about to end."""
        name = own_name(conversation_id)
        self._open.discard(conversation_id)
        await self._parts.actor_rows.release_own(conversation_id)
        await self._parts.directory.retire(name)
        await self._parts.actor_rows.forget(name)
