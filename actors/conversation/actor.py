"""Ray's side of a conversation: the shared host of many, and the own actor of one.

Both are the same residents over the same core; a shard also decides which of its conversations get
an actor of their own, and passes their rings on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import ray
import structlog

from actors.beating import keep_beating
from actors.conversation.messages import RingConversations
from actors.conversation.own import OwnActors
from actors.conversation.residents import Residents
from actors.conversation.wiring import conversation_ports
from actors.directory import own_name, shard_name
from actors.opening import open_beside
from actors.parts import Parts, open_parts
from config.limits import PASSIVATE_AFTER
from config.settings import Settings
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId
from domain.ownership import Ownership
from routing.shards import bucket_of
from storage.conversations import ConversationStore
from telemetry.tasks import spawn

log = structlog.get_logger()

_RETIRE_EVERY_S: Final = 15.0


class ConversationShard:
    """`conversations/<shard>`: hosts every conversation of its buckets that has no own actor."""

    def __init__(self, settings: Settings, shard: int) -> None:
        self._settings = settings
        self._shard = shard
        self._buckets: set[int] = set()
        self._opening = open_beside(self._open(), name=shard_name(shard))

    async def _open(self) -> None:
        name = shard_name(self._shard)
        self._parts = await open_parts(self._settings, kind="shared", name=name)
        host = await self._parts.actor_rows.take_lease(name, shard=self._shard)
        self._residents = Residents(
            conversation_ports(self._parts, host),
            idle_after=PASSIVATE_AFTER,
            on_active=self._active,
            on_moved=self._moved,
        )
        self._own = OwnActors(
            self._parts,
            shard=self._shard,
            shell=OwnConversation,
            maximum=self._settings.dedicated_actors_max,
        )
        await self._own.readopt()
        await self._read_buckets()
        spawn(keep_beating(self._parts, kind="shared", hosted=self._residents), name="beat")
        spawn(self._own.keep(), name="own actors")
        await self._wake_unworked(self._buckets)

    async def _read_buckets(self) -> None:
        table = await self._parts.actor_rows.list_buckets()
        self._buckets = {bucket for bucket, shard in enumerate(table) if shard == self._shard}

    async def _wake_unworked(self, buckets: Iterable[int]) -> None:
        """What was being worked before is found in the inbox, not remembered."""
        store = ConversationStore(self._parts.pool)
        waiting = await store.list_unworked(older_than_s=0, buckets=sorted(buckets))
        for conversation_id in waiting:
            await self._pass(Ring(conversation_id=conversation_id, reason=RingReason.MESSAGE))

    @ray.method
    async def ring(self, message: RingConversations) -> tuple[UUID, ...]:
        """Doorbells for conversations of this shard; those of another are dropped and returned."""
        await self._opening
        strays: list[UUID] = []
        for conversation_id, reason in message.rings:
            ring = Ring(conversation_id=ConversationId(conversation_id), reason=RingReason(reason))
            if await self._hosts(ring.conversation_id):
                await self._pass(ring)
            else:
                strays.append(conversation_id)
        if strays:
            log.info("doorbell.wrong_shard", count=len(strays))
        return tuple(strays)

    async def _hosts(self, conversation_id: ConversationId) -> bool:
        """Whether a ring belongs here: by its bucket, or because it is still working here."""
        bucket = bucket_of(conversation_id)
        if bucket in self._buckets or conversation_id in self._residents:
            return True
        await self._read_buckets()
        return bucket in self._buckets

    @ray.method
    async def let_go(self) -> None:
        """Buckets moved: returns when no conversation of theirs lives here, each after its turn."""
        await self._opening
        await self._read_buckets()
        await self._own.reread()
        moved = [one for one in self._residents if bucket_of(one) not in self._buckets]
        for conversation_id in moved:  # its next load tells it that it moved
            self._residents.ring(Ring(conversation_id=conversation_id, reason=RingReason.MESSAGE))
        await self._residents.wait_gone(moved)

    @ray.method
    async def take_up(self) -> None:
        """Buckets moved, and who had them let go: what waits in ours and nobody works wakes."""
        await self._opening
        await self._read_buckets()
        await self._wake_unworked(self._buckets)

    @ray.method
    async def ready(self) -> dict[str, Any]:
        """Returns when the shard works rings."""
        await self._opening
        return dict(self._parts.place)

    @ray.method
    async def may_end(self) -> bool:
        """Whether the shard has neither buckets nor conversations and nothing of it is on its way."""
        await self._opening
        await self._read_buckets()
        return not self._buckets and not len(self._residents) and self._residents.may_end()

    async def _pass(self, ring: Ring) -> None:
        """To where the conversation lives; one that is leaving this shard passes its rings on itself."""
        if ring.conversation_id in self._residents or not await self._own.pass_on(ring):
            self._residents.ring(ring)

    def _active(self, conversation_id: ConversationId) -> None:
        if self._settings.dedicated_actors_max > 0:
            spawn(self._promote(conversation_id), name="promote")

    async def _promote(self, conversation_id: ConversationId) -> None:
        """Gives the conversation its own actor while this host serves it, and lets it find out."""
        if await self._own.start(conversation_id):
            await self._pass(Ring(conversation_id=conversation_id, reason=RingReason.MESSAGE))

    def _moved(self, conversation_id: ConversationId, ownership: Ownership) -> None:
        spawn(self._pass_to_owner(conversation_id, ownership), name="pass to owner")

    async def _pass_to_owner(self, conversation_id: ConversationId, ownership: Ownership) -> None:
        ring = Ring(conversation_id=conversation_id, reason=RingReason.MESSAGE)
        if ownership.own_serves:
            self._own.adopt(conversation_id)
            await self._pass(ring)
        else:
            # What the load saw is newer than our buckets: with them the ring would come back here.
            await self._read_buckets()
            await self._parts.doorbell.ring([ring])


class OwnConversation:
    """`conversation/<id>`: exactly one conversation's state and agent."""

    def __init__(self, settings: Settings, conversation_id: UUID) -> None:
        self._settings = settings
        self._id = ConversationId(conversation_id)
        self._opening = open_beside(self._open(), name=own_name(self._id))

    async def _open(self) -> None:
        name = own_name(self._id)
        self._parts: Parts = await open_parts(self._settings, kind="own", name=name)
        host = await self._parts.actor_rows.take_lease(name, shard=None)
        # It never passivates itself: its shard retires it when it has been idle long enough.
        self._residents = Residents(
            conversation_ports(self._parts, host),
            idle_after=timedelta(days=1),
            on_moved=self._moved,
        )
        spawn(keep_beating(self._parts, kind="own", hosted=self._residents), name="beat")
        if await self._parts.actor_rows.own_serves(self._id):  # started again by Ray
            self._residents.ring(Ring(conversation_id=self._id, reason=RingReason.MESSAGE))

    @ray.method
    async def ring(self, message: RingConversations) -> None:
        await self._opening
        for conversation_id, reason in message.rings:
            if conversation_id == self._id:
                self._residents.ring(Ring(conversation_id=self._id, reason=RingReason(reason)))

    @ray.method
    async def ready(self) -> dict[str, Any]:
        """Returns when the conversation may be entrusted to it."""
        await self._opening
        return dict(self._parts.place)

    @ray.method
    async def may_end(self) -> bool:
        """Whether nothing would be thrown away by ending this actor now."""
        await self._opening
        return self._residents.may_end()

    def _moved(self, conversation_id: ConversationId, _: Ownership) -> None:
        """Its shard serves it (again)."""
        ring = Ring(conversation_id=conversation_id, reason=RingReason.MESSAGE)
        spawn(self._parts.doorbell.ring([ring]), name="pass to owner")
