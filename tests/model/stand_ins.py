"""What the cores are given in the model's world in the place of neighbours that are not under test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from actors.conversation.ports import NumberChoice
from domain.doorbell import Ring
from domain.ids import ConversationId, PhysicalNumberId
from integrations.whatsapp.failures import SendFailure
from storage.receipts import Receipt, Received
from tests.fakes.intake import FakeIntake
from tests.fakes.processes import Process


class NoTracer:
    def trace(self, stage: str, conversation_id: object, **detail: object) -> None: ...
    def message(self, conversation_id: object, message_id: object) -> None: ...
    def conversation(self, conversation_id: object) -> None: ...


class Doorbell:
    """Rings of one process: none leave it once it is dead."""

    def __init__(self, process: Process, bell: Callable[[Ring], None]) -> None:
        self._process = process
        self._bell = bell

    async def ring(self, rings: Sequence[Ring]) -> None:
        for ring in rings:
            if self._process.alive:
                self._bell(ring)


class CrossingIntake:
    """Arrival numbers are drawn, then the transaction commits: two of them may cross."""

    def __init__(self, process: Process, intake: FakeIntake) -> None:
        self._process = process
        self._intake = intake

    async def store(self, requests: Sequence[Received]) -> Receipt:
        drawn = await self._process.call(lambda: self._intake.begin(requests))
        return await self._process.call(lambda: self._intake.commit(drawn))


class Pace:
    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds

    async def wait_for(
        self,
        *,
        phone_number_id: str,
        contact: str,
        messages_per_second: int,
        business_initiated: bool,
    ) -> timedelta:
        return timedelta(seconds=self._seconds())


class NumberPool:
    async def choose(
        self,
        conversation_id: ConversationId,
        *,
        traffic_class: str,
        written_to: PhysicalNumberId | None,
    ) -> NumberChoice | None:
        if written_to is None:
            return None
        return NumberChoice(phone_number_id=written_to, reason="o cliente escreveu para ele")

    def refused(
        self, phone_number_id: PhysicalNumberId, failure: SendFailure, *, code: int | None
    ) -> None: ...
