"""Ray's side of a conversation: the shared host of many, and the own actor of one.

Both are the same residents over the same core; a shard also decides which of its conversations get
an actor of their own, and passes their rings on.
"""

from __future__ import annotations

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
from actors.parts import Parts, open_parts
from actors.rounds import every
from config.limits import PASSIVATE_AFTER
from config.settings import Settings
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId
from routing.shards import bucket_of
from storage.conversations import ConversationStore
from telemetry.tasks import spawn, start

log = structlog.get_logger()

_RETIRE_EVERY_S: Final = 15.0


class ConversationShard:
    """`conversations/<shard>`: hosts every conversation of its buckets that has no own actor."""

    def __init__(self, settings: Settings, shard: int) -> None:
        self._settings = settings
        self._shard = shard
        self._buckets: set[int] = set()
        self._opening = start(self._open(), name="open shard")

    async def _open(self) -> None:
        self._parts = await open_parts(self._settings, kind="shared", name=shard_name(self._shard))
        self._residents = Residents(
            conversation_ports(self._parts), idle_after=PASSIVATE_AFTER, on_active=self._active
        )
        self._own = OwnActors(
            self._parts,
            shard=self._shard,
            shell=OwnConversation,
            maximum=self._settings.dedicated_actors_max,
        )
        await self._own.readopt()
        await self._read_buckets()
        spawn(
            keep_beating(self._parts, kind="shared", residents=self._residents.describe),
            name="beat",
        )
        spawn(every(_RETIRE_EVERY_S, self._own.retire_idle, name="retire"), name="own actors")
        await self._wake_unworked()

    async def _read_buckets(self) -> None:
        table = await self._parts.actor_rows.list_buckets()
        self._buckets = {bucket for bucket, shard in enumerate(table) if shard == self._shard}

    async def _wake_unworked(self) -> None:
        """After a restart, what was being worked is found in the inbox, not remembered."""
        store = ConversationStore(self._parts.pool)
        waiting = await store.list_unworked(older_than_s=0, buckets=sorted(self._buckets))
        for conversation_id in waiting:
            await self._pass(Ring(conversation_id=conversation_id, reason=RingReason.MESSAGE))

    @ray.method
    async def ring(self, message: RingConversations) -> None:
        """Doorbells for conversations of this shard; one of another shard is dropped."""
        await self._opening
        for conversation_id, reason in message.rings:
            ring = Ring(conversation_id=ConversationId(conversation_id), reason=RingReason(reason))
            if bucket_of(conversation_id) not in self._buckets:
                await self._read_buckets()
                if bucket_of(conversation_id) not in self._buckets:
                    log.info("doorbell.wrong_shard", conversation_id=str(conversation_id))
                    continue
            await self._pass(ring)

    @ray.method
    async def ready(self) -> dict[str, Any]:
        """Returns when the shard works rings."""
        await self._opening
        return dict(self._parts.place)

    async def _pass(self, ring: Ring) -> None:
        if not await self._own.pass_on(ring):
            self._residents.ring(ring)

    def _active(self, conversation_id: ConversationId) -> None:
        if self._settings.dedicated_actors_max > 0:
            spawn(self._promote(conversation_id), name="promote")

    async def _promote(self, conversation_id: ConversationId) -> None:
        """Gives the conversation its own actor while this host serves it; then hands it over."""
        if not await self._own.start(conversation_id):
            return
        await self._residents.between_turns(conversation_id)
        self._own.open_for(conversation_id)
        await self._residents.put_away(conversation_id)
        await self._own.pass_on(Ring(conversation_id=conversation_id, reason=RingReason.MESSAGE))


class OwnConversation:
    """`conversation/<id>`: exactly one conversation's state and agent."""

    def __init__(self, settings: Settings, conversation_id: UUID) -> None:
        self._settings = settings
        self._id = ConversationId(conversation_id)
        self._opening = start(self._open(), name="open conversation")

    async def _open(self) -> None:
        self._parts: Parts = await open_parts(self._settings, kind="own", name=own_name(self._id))
        # It never passivates itself: its shard retires it when it has been idle long enough.
        self._residents = Residents(conversation_ports(self._parts), idle_after=timedelta(days=1))
        spawn(
            keep_beating(self._parts, kind="own", residents=self._residents.describe), name="beat"
        )
        self._residents.ring(Ring(conversation_id=self._id, reason=RingReason.MESSAGE))

    @ray.method
    async def ring(self, message: RingConversations) -> None:
        await self._opening
        for conversation_id, reason in message.rings:
            if conversation_id == self._id:
                self._residents.ring(Ring(conversation_id=self._id, reason=RingReason(reason)))

    @ray.method
    async def ready(self) -> dict[str, Any]:
        """Returns when the conversation is resident."""
        await self._opening
        return dict(self._parts.place)

    @ray.method
    async def may_retire(self) -> bool:
        """Whether nothing would be thrown away by ending this actor now."""
        await self._opening
        return not self._residents.is_in_turn(self._id)
