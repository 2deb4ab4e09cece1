"""Ray's side of sending: works what no conversation works, and settles what crashes left."""

from __future__ import annotations

from typing import Final

import ray

from actors.beating import keep_beating
from actors.directory import SENDER
from actors.opening import open_beside
from actors.parts import open_parts
from actors.rounds import every
from actors.sender.keeper import OutboxKeeper, StatusKeeper
from config.settings import Settings
from domain.ids import ConversationId
from storage.outbox import Outbox
from storage.statuses import StatusStore
from telemetry.tasks import spawn

_SEND_EVERY_S: Final = 0.5
_SETTLE_EVERY_S: Final = 1.0


class Sender:
    """`sender`: rows that are due and unowned, lost claims, ended graces, late statuses."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening = open_beside(self._open(), name=SENDER)

    async def _open(self) -> None:
        self._parts = await open_parts(self._settings, kind="sender", name=SENDER)
        self._core = self._parts.sender()
        statuses = StatusKeeper(
            statuses=StatusStore(self._parts.pool),
            doorbell=self._parts.doorbell,
            reports=self._parts.number_pool,
            tracer=self._parts.live,
        )
        self._keeper = OutboxKeeper(
            outbox=Outbox(self._parts.pool),
            dispatcher=self._core,
            statuses=statuses,
            health=self._parts.actor_rows,
            tracer=self._parts.live,
        )
        spawn(keep_beating(self._parts, kind="sender"), name="beat")
        spawn(every(_SEND_EVERY_S, self._keeper.send_due, name="send due"), name="send due")
        spawn(every(_SETTLE_EVERY_S, self._keeper.settle, name="settle"), name="settle")

    @ray.method
    async def ring(self, conversation_ids: tuple[ConversationId, ...]) -> None:
        """Rows of these conversations wait: send them now instead of at the next round."""
        await self._opening
        for conversation_id in conversation_ids:
            spawn(self._core.dispatch(conversation_id), name="dispatch")

    @ray.method
    async def ready(self) -> dict[str, object]:
        await self._opening
        return dict(self._parts.place)
