"""What sending needs from the world."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from domain.content import Content
from domain.ids import AttemptId, ConversationId, PhysicalNumberId
from domain.outbox import Accepted, Claim, Lane, NotAccepted
from integrations.whatsapp.failures import SendFailure
from integrations.whatsapp.outbound import Recipient
from integrations.whatsapp.reports import SendResult


class OutboxPort(Protocol):
    async def claim_next(
        self,
        conversation_id: ConversationId,
        attempt_id: AttemptId,
        *,
        lane: Lane | None,
        sender: str,
    ) -> Claim: ...
    async def record_accepted(self, accepted: Accepted) -> bool: ...
    async def record_not_accepted(self, result: NotAccepted) -> None: ...


class PacePort(Protocol):
    async def wait_for(
        self,
        *,
        phone_number_id: str,
        contact: str,
        messages_per_second: int,
        business_initiated: bool,
    ) -> timedelta: ...


class Channel(Protocol):
    """The Graph API of one account; see GraphClient for what each call raises."""

    async def send_message(
        self,
        phone_number_id: str,
        to: Recipient,
        content: Content,
        callback_data: str,
        reply_to: str | None = None,
    ) -> SendResult: ...
    async def mark_read_and_typing(
        self, phone_number_id: str, wamid: str, *, typing: bool
    ) -> None: ...


class Channels(Protocol):
    """The channel that speaks for a number. Raises TransientError while the number is not known."""

    async def of(self, phone_number_id: PhysicalNumberId) -> Channel: ...


class NumberReports(Protocol):
    """Tells the NumberPool how a number fares; never raises, never waits."""

    def refused(
        self, phone_number_id: PhysicalNumberId, failure: SendFailure, *, code: int | None
    ) -> None: ...
