"""Resharding: makes the shards that run and the table of buckets those that are wanted.

Nothing waits for it. New shards start first; then every bucket moves in one transaction, and from its
commit on each conversation's next load names its new shard. The old one finishes the turn it is in,
and only then the new one looks for what nobody works: else the same answer would be paid for twice.
Every step may be repeated: after a crash the next round does what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import structlog
from ray.exceptions import RayError

from actors.conversation.actor import ConversationShard
from actors.directory import Directory, own_name, shard_name
from config.settings import Settings
from storage.actor_rows import ActorRows

log = structlog.get_logger()

_READY_TIMEOUT_S: Final = 120.0
#: Longer than a turn may take (config/limits.py MODEL_BUDGET), so that none is cut.
_EMPTY_TIMEOUT_S: Final = 100.0
_CALL_TIMEOUT_S: Final = 15.0
#: A host nobody names that started so recently may be one whose grant was released this moment.
_STRAY_AFTER: Final = timedelta(seconds=90)


class Shards:
    """The shards of one deployment, as the process that keeps the scale sees them."""

    def __init__(self, settings: Settings, rows: ActorRows, directory: Directory) -> None:
        self._settings = settings
        self._rows = rows
        self._directory = directory
        #: A shard that was started and has no bucket yet is no stray.
        self._moving = asyncio.Lock()

    async def settle(self, wanted: int) -> None:
        """Returns when exactly `wanted` shards hold all buckets and no other runs.

        Raises RayError or TimeoutError when something did not answer; what was done stays done.
        """
        async with self._moving:
            before = set(await self._rows.list_buckets())
            await self.start(range(wanted))
            moved = await self._rows.spread_buckets(wanted)
            log.info("shards.spread", wanted=wanted, buckets_moved=moved)
            await self._tell(before | set(range(wanted)), "let_go", within_s=_EMPTY_TIMEOUT_S)
            await self._tell(range(wanted), "take_up", within_s=_CALL_TIMEOUT_S)
            for shard in before - set(range(wanted)):
                await self._end(shard_name(shard), within_s=_EMPTY_TIMEOUT_S)

    async def start(self, shards: Iterable[int]) -> None:
        """Starts what does not run; returns when all of them work rings."""
        handles = [
            await self._directory.create(
                "shared", shard_name(shard), ConversationShard, self._settings, shard
            )
            for shard in shards
        ]
        async with asyncio.timeout(_READY_TIMEOUT_S):
            await asyncio.gather(*(handle.ready.remote() for handle in handles))

    async def end_strays(self) -> None:
        """Ends hosts that neither the table nor a grant names: a crash came between two steps."""
        async with self._moving:
            named = {shard_name(shard) for shard in await self._rows.list_buckets()}
            named |= {own_name(one) for one in await self._rows.list_all_own()}
            for name in sorted(await self._rows.list_hosts(older_than=_STRAY_AFTER) - named):
                log.info("host.stray", actor=name)
                await self._end(name, within_s=_CALL_TIMEOUT_S)

    async def _tell(self, shards: Iterable[int], method: str, *, within_s: float) -> None:
        """Calls `method` of all of them at once. One that misses it finds out at its next loads."""
        await asyncio.gather(*(self._call(shard, method, within_s) for shard in shards))

    async def _call(self, shard: int, method: str, within_s: float) -> None:
        name = shard_name(shard)
        handle = await self._directory.find(name)
        if handle is None:
            return
        try:
            async with asyncio.timeout(within_s):
                await getattr(handle, method).remote()
        except (RayError, TimeoutError) as error:
            self._directory.forget(name)
            log.warning("shard.not_told", shard=shard, what=method, error=type(error).__name__)

    async def _end(self, name: str, *, within_s: float) -> None:
        """Ends a host nobody rings any more once its last turn and its last send are over.

        Raises TimeoutError when they are not over in time; the host goes on.
        """
        handle = await self._directory.find(name)
        try:
            async with asyncio.timeout(within_s):
                while handle is not None and not await handle.may_end.remote():  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        except RayError as error:
            log.warning("host.silent", actor=name, error=type(error).__name__)
        await self._directory.retire(name)
        await self._rows.forget(name)
