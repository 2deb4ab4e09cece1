"""Meta in virtual time: takes messages in its own moods, and posts webhooks until one is answered 200."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import TypeVar
from uuid import UUID

from domain.content import Content, text_of
from domain.delivery import DeliveryStatus
from domain.ids import PhysicalNumberId
from domain.inbound import InboundItem, MetaError, StatusUpdate
from integrations.whatsapp.errors import GraphError, NotSentError, UnknownOutcomeError
from integrations.whatsapp.outbound import Recipient
from integrations.whatsapp.reports import SendResult
from tests.fakes.processes import CutOffError, Process

T = TypeVar("T")

#: A webhook is posted here; True is a 200.
Door = Callable[[Sequence[InboundItem]], Awaitable[bool]]

SEND_LIMIT_S = 10.0


@dataclass
class Mood:
    """Shares of sends and webhooks that do not go well."""

    not_sent: float = 0.0
    refused: float = 0.0
    #: Codes of refusals: throttled, pair limit, no WhatsApp, invalid parameter.
    codes: tuple[int, ...] = (130429, 131056, 131026, 131009)
    #: It took the message and its answer never came.
    silent: float = 0.0
    #: It did not take it, and its answer never came.
    deaf: float = 0.0
    #: It took the message and says later that it failed.
    fails_later: float = 0.0
    failed_codes: tuple[int, ...] = (131026, 131000, 131056)
    #: All statuses of a message, or any one of them, never come.
    mute: float = 0.0
    missing: float = 0.0
    doubled: float = 0.2
    #: Seconds until a webhook is posted: the fastest and the slowest; what overlaps arrives reordered.
    delay: tuple[float, float] = (0.02, 1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message Meta took: the contact has it."""

    attempt_id: UUID
    wamid: str
    to: str
    text: str
    at: datetime


@dataclass
class FakeMeta:
    loop: asyncio.AbstractEventLoop
    now: Callable[[], datetime]
    dice: Random
    door: Door
    mood: Mood = field(default_factory=Mood)
    posts: list[Post] = field(default_factory=list)
    #: The status of Meta's own that says most, by wamid; `failed` counts as such.
    told: dict[str, list[DeliveryStatus]] = field(default_factory=dict)
    on_post: Callable[[Post], None] = lambda post: None
    waiting: int = 0

    def __post_init__(self) -> None:
        self._serial = itertools.count(1)

    def _happens(self, share: float) -> bool:
        return share > 0 and self.dice.random() < share

    # ---- webhooks

    def post(self, items: Sequence[InboundItem]) -> None:
        """Posts one webhook, later and perhaps twice, and again until it is answered 200."""
        for _ in range(2 if self._happens(self.mood.doubled) else 1):
            self.waiting += 1
            # Outside of whichever process of ours made Meta say this: it does not die with it.
            _ = self.loop.create_task(self._deliver(items), context=Context())

    async def _deliver(self, items: Sequence[InboundItem]) -> None:
        await asyncio.sleep(self.dice.uniform(*self.mood.delay))
        while not await self.door(items):  # noqa: ASYNC110 - Meta repeats by its own clock
            await asyncio.sleep(self.dice.uniform(0.5, 4.0))
        self.waiting -= 1

    # ---- sends

    def take(self, to: str, text: str, attempt_id: UUID, *, silent: bool = False) -> str:
        """What fails to answer often fails to tell, too, or tells when nobody expects it any more."""
        wamid = f"wamid.OUT{next(self._serial)}"
        post = Post(attempt_id=attempt_id, wamid=wamid, to=to, text=text, at=self.now())
        self.posts.append(post)
        self.told[wamid] = []
        self.on_post(post)
        late = silent and self._happens(0.5)
        if late and self._happens(0.5):
            self.waiting += 1
            delay = self.dice.uniform(60, 180)
            self.loop.call_later(delay, self._tell_late, post, context=Context())
        elif not late and not self._happens(self.mood.mute):
            self._tell(post)
        return wamid

    def _tell_late(self, post: Post) -> None:
        self.waiting -= 1
        self._tell(post)

    def _tell(self, post: Post) -> None:
        states = [DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ]
        code = None
        if self._happens(self.mood.fails_later):
            states, code = [DeliveryStatus.FAILED], self.dice.choice(self.mood.failed_codes)
        for status in states:
            if self._happens(self.mood.missing):
                continue
            self.told[post.wamid].append(status)
            errors = (MetaError(code=code, title="failed"),) if code is not None else ()
            self.post(
                [
                    StatusUpdate(
                        field="messages",
                        wamid=post.wamid,
                        status=status,
                        at=self.now(),
                        recipient_wa_id=post.to,
                        callback_data=str(post.attempt_id),
                        errors=errors,
                    )
                ]
            )


class MetaChannel:
    """The Graph API as one process of ours sees it; also the directory that finds it."""

    def __init__(self, process: Process, meta: FakeMeta) -> None:
        self._process = process
        self._meta = meta

    async def of(self, phone_number_id: PhysicalNumberId) -> MetaChannel:
        return self

    async def send_message(
        self,
        phone_number_id: str,
        to: Recipient,
        content: Content,
        callback_data: str,
        reply_to: str | None = None,
    ) -> SendResult:
        meta, mood = self._meta, self._meta.mood
        name, text, attempt = to.phone or to.bsuid, text_of(content), UUID(callback_data)
        assert name is not None
        if meta._happens(mood.not_sent):
            raise NotSentError("no connection")
        if meta._happens(mood.deaf):
            await asyncio.sleep(SEND_LIMIT_S)
            raise UnknownOutcomeError("no answer in time")
        refusal = meta.dice.choice(mood.codes) if meta._happens(mood.refused) else None
        if refusal is not None:
            await self._reach(lambda: None)
            raise GraphError(400, refusal, "refused")
        silent = meta._happens(mood.silent)
        wamid = await self._reach(lambda: meta.take(name, text, attempt, silent=silent))
        if silent:
            await asyncio.sleep(SEND_LIMIT_S)
            raise UnknownOutcomeError("no answer in time")
        return SendResult(wamid=wamid, wa_id=to.phone)

    async def mark_read_and_typing(self, phone_number_id: str, wamid: str, *, typing: bool) -> None:
        """Nothing that counts happens at Meta."""

    async def _reach(self, happen: Callable[[], T]) -> T:
        try:
            return await self._process.call(happen)
        except CutOffError as error:
            raise UnknownOutcomeError("the connection broke") from error
