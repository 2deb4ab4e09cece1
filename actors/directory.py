"""The only place that names, creates and looks up actors.

Names are `type/key`, in the namespace `vitrine`: `conversations/<shard>`, `conversation/<id>`,
`number_pool`, `sender`, `clock`. All are detached and restarted by Ray without end; what they knew is
in PostgreSQL. Looking one up blocks, so it happens in a thread; handles stay good across restarts.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias
from uuid import UUID

import ray
import structlog
from ray.exceptions import RayError

from actors.conversation.messages import RingConversations
from actors.conversation.ports import NumberChoice
from actors.number_pool.messages import ChooseNumber, ChosenNumber, NumberSignal
from config.limits import CALLS_UNANSWERED_MAX
from config.ray_options import actor_options
from domain.doorbell import Ring
from domain.ids import ConversationId, PhysicalNumberId
from integrations.whatsapp.failures import SendFailure
from routing.shards import shard_of
from telemetry.seldom import Seldom
from telemetry.tasks import spawn, start

log = structlog.get_logger()

#: A Ray actor handle; Ray types methods only for handles whose class the caller imports.
Handle: TypeAlias = Any

NAMESPACE: Final = "vitrine"
NUMBER_POOL: Final = "number_pool"
SENDER: Final = "sender"
CLOCK: Final = "clock"

_CALL_TIMEOUT_S: Final = 5.0


def shard_name(shard: int) -> str:
    return f"conversations/{shard}"


def own_name(conversation_id: UUID) -> str:
    return f"conversation/{conversation_id}"


class Directory:
    """Finds actors by name and remembers their handles until a call says they are gone."""

    def __init__(self) -> None:
        self._handles: dict[str, Handle] = {}
        self._looking: dict[str, asyncio.Task[Handle | None]] = {}
        self._unanswered: Counter[str] = Counter()
        self._spared = Seldom()

    async def find(self, name: str) -> Handle | None:
        """The actor's handle, or None when no live actor has that name.

        While Ray's head is away a lookup takes up to a minute: one for all who ask, and who may not
        wait sets a time limit.
        """
        handle = self._handles.get(name)
        if handle is not None:
            return handle
        looking = self._looking.get(name)
        if looking is None:
            looking = self._looking[name] = start(self._look_up(name), name=f"find {name}")
            looking.add_done_callback(lambda _: self._looking.pop(name, None))
        return await asyncio.shield(looking)

    async def _look_up(self, name: str) -> Handle | None:
        try:
            handle = await asyncio.to_thread(ray.get_actor, name, NAMESPACE)
        except ValueError:
            return None
        self._handles[name] = handle
        return handle

    def forget(self, name: str) -> None:
        self._handles.pop(name, None)

    async def create(self, kind: str, name: str, shell: type, *arguments: object) -> Handle:
        """Creates the named actor, or returns the one that lives; its start is not awaited."""

        def make() -> Handle:
            actor: Any = ray.remote(shell)
            options = actor_options(kind)
            named = actor.options(
                name=name, namespace=NAMESPACE, lifetime="detached", get_if_exists=True, **options
            )
            return named.remote(*arguments)

        handle = await asyncio.to_thread(make)
        self._handles[name] = handle
        return handle

    async def retire(self, name: str) -> None:
        """Ends the actor for good; what it had not committed is worked elsewhere."""
        handle = await self.find(name)
        if handle is not None:
            self.forget(name)
            await asyncio.to_thread(ray.kill, handle, no_restart=True)

    def tell(self, name: str, call: Callable[[], Awaitable[Any]]) -> bool:
        """Makes a call nobody waits for. A dead actor's handle is forgotten, nothing is raised.

        False: too many calls to this actor are unanswered, and this one was not made. What it would
        have told is stored, and found by the round that looks for it.
        """
        if not self._begin(name):
            return False
        spawn(self._watch(name, call()), name=f"tell {name}")
        return True

    async def ask(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any | None:
        """The answer; None, as if there were nothing to say, when `tell` would be False. Raises RayError."""
        if not self._begin(name):
            return None
        try:
            return await call()
        finally:
            self._end(name)

    def _begin(self, name: str) -> bool:
        if self._unanswered[name] >= CALLS_UNANSWERED_MAX:
            if (count := self._spared.count()) is not None:
                log.warning("actor.calls_spared", actor=name, count=count)
            return False
        self._unanswered[name] += 1
        return True

    def _end(self, name: str) -> None:
        self._unanswered[name] -= 1
        if not self._unanswered[name]:
            del self._unanswered[name]

    async def _watch(self, name: str, call: Awaitable[Any]) -> None:
        try:
            await call
        except RayError as error:
            # A doorbell may be lost: the sweeper rings again.
            self.forget(name)
            log.warning("actor.call_lost", actor=name, error=type(error).__name__)
        finally:
            self._end(name)


class ShardDoorbell:
    """Rings conversations: one Ray call per shard and group, whatever the number of rings.

    The table of buckets may be some seconds old. A shard hands back what is not its own, and a shard
    that is gone hands back everything: then the table is read again and these are rung once more.
    """

    def __init__(self, directory: Directory, buckets: Callable[[], Awaitable[list[int]]]) -> None:
        self._directory = directory
        self._read_buckets = buckets
        self._table: list[int] = []
        self._read_at = float("-inf")

    async def ring(self, rings: Sequence[Ring]) -> None:
        """Never raises: what rings is stored, and the sweeper finds it."""
        try:
            await self._ring(rings, again=True)
        except Exception:
            # The doorbell's outermost edge: its callers have committed and must go on.
            log.exception("doorbell.failed", count=len(rings))

    async def _ring(self, rings: Sequence[Ring], *, again: bool) -> None:
        table = await self._buckets()
        if not table:
            log.warning("doorbell.no_shards", count=len(rings))
            return
        by_shard: defaultdict[int, list[Ring]] = defaultdict(list)
        for ring in rings:
            by_shard[shard_of(ring.conversation_id, table)].append(ring)
        for shard, group in by_shard.items():
            spawn(self._deliver(shard, group, again=again), name="doorbell")

    async def _deliver(self, shard: int, group: Sequence[Ring], *, again: bool) -> None:
        strays = await self._strays(shard, group)
        left = [ring for ring in group if ring.conversation_id in strays]
        if left and again:
            await self._ring_again(left)

    async def _strays(self, shard: int, group: Sequence[Ring]) -> set[UUID]:
        """Rings the shard; what it does not host."""
        name = shard_name(shard)
        pairs = tuple((ring.conversation_id, str(ring.reason)) for ring in group)
        everything: set[UUID] = {ring.conversation_id for ring in group}
        handle = await self._directory.find(name)
        if handle is None:
            log.warning("doorbell.shard_missing", shard=shard)
            return everything
        try:
            call = partial(handle.ring.remote, RingConversations(rings=pairs))
            return set(await self._directory.ask(name, call) or ())
        except RayError as error:
            # Restarting, it finds its work itself; ended for good, somebody else has its buckets.
            self._directory.forget(name)
            log.warning("doorbell.call_lost", shard=shard, error=type(error).__name__)
            return everything

    async def _ring_again(self, rings: Sequence[Ring]) -> None:
        self._read_at = float("-inf")
        await self._ring(rings, again=False)

    async def _buckets(self) -> list[int]:
        now = asyncio.get_running_loop().time()
        if not self._table or now - self._read_at > 5.0:
            self._table = await self._read_buckets()
            self._read_at = now
        return self._table


class RemoteNumberPool:
    """The NumberPool as conversations and senders see it. Unreachable, threads keep their number."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def choose(
        self,
        conversation_id: ConversationId,
        *,
        traffic_class: str,
        written_to: PhysicalNumberId | None,
    ) -> NumberChoice | None:
        message = ChooseNumber(
            conversation_id=conversation_id, traffic_class=traffic_class, written_to=written_to
        )
        try:
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                handle = await self._directory.find(NUMBER_POOL)
                if handle is None:
                    return None
                chosen: ChosenNumber | None = await handle.choose.remote(message)
        except (RayError, TimeoutError) as error:
            self._directory.forget(NUMBER_POOL)
            log.warning("number_pool.unreachable", error=type(error).__name__)
            return None
        if chosen is None:
            return None
        return NumberChoice(
            phone_number_id=PhysicalNumberId(chosen.phone_number_id), reason=chosen.reason
        )

    def refused(
        self, phone_number_id: PhysicalNumberId, failure: SendFailure, *, code: int | None
    ) -> None:
        """Told at once: a blocked number must stop before the next message meets it."""
        signal = NumberSignal(
            phone_number_id=phone_number_id,
            code=code,
            scope=failure.scope,
            stops=failure.stops_sending,
            reason=failure.reason,
        )
        spawn(self._signal(signal), name="number signal")

    async def poke(self) -> None:
        """Webhooks about numbers came in: look at them now rather than at the next round."""
        handle = await self._directory.find(NUMBER_POOL)
        if handle is not None:
            self._directory.tell(NUMBER_POOL, handle.poke.remote)

    async def _signal(self, signal: NumberSignal) -> None:
        handle = await self._directory.find(NUMBER_POOL)
        if handle is not None:
            self._directory.tell(NUMBER_POOL, partial(handle.signal.remote, (signal,)))
