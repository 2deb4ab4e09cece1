"""The sender's round: one conversation's trouble is its own."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from actors.sender.keeper import OutboxKeeper
from domain.ids import ConversationId, new_id
from domain.outbox import Lane

FIRST, SECOND = ConversationId(new_id()), ConversationId(new_id())


class Due:
    async def list_due(self, *, business_initiated: bool, **_: object) -> list[ConversationId]:
        return [] if business_initiated else [FIRST, SECOND]


class Dispatcher:
    """Fails for the first conversation while the second one is on its way to Meta."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.sent: list[ConversationId] = []

    async def dispatch(self, conversation_id: ConversationId, lane: Lane | None = None) -> bool:
        if conversation_id == FIRST:
            raise self.error
        await asyncio.sleep(0)
        self.sent.append(conversation_id)
        return False

    def is_sending(self) -> bool:
        return False


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), KeyError("x")], ids=["database away", "defect"]
)
async def test_a_conversation_that_fails_stops_neither_the_others_nor_the_rounds(error):
    dispatcher = Dispatcher(error)
    keeper = OutboxKeeper(
        outbox=cast(Any, Due()),
        dispatcher=dispatcher,
        statuses=cast(Any, None),
        health=cast(Any, None),
        tracer=cast(Any, None),
    )
    assert await keeper.send_due() == 2
    assert dispatcher.sent == [SECOND]
