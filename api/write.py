"""One write of a person: carried out once, then rung, shown, kept under its key and audited."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from api.access import Act, Principal, check_may, row_scope
from api.deps import ApiParts, Parts
from api.identity import Caller
from api.problems import ProblemError
from domain.doorbell import Ring, RingReason
from domain.errors import InvalidInputError, VitrineError
from domain.ids import ConversationId
from storage.audit import AuditLine
from storage.human_actions import Acting
from storage.idempotency import Standing
from telemetry.failpoints import Failpoint, failpoint

_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_REPLAYED: Final = {"Idempotent-Replayed": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a committed write came to, and what has to be told about it.

    `audited`: its line was written in its own transaction.
    """

    answer: BaseModel
    target: str
    details: Mapping[str, Any] = field(default_factory=dict)
    rings: Sequence[Ring] = ()
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()
    audited: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """A write request: who, with what, under which key."""

    request: Request
    parts: ApiParts
    principal: Principal
    key: str | None

    async def run(
        self, act: Act, work: Callable[[], Awaitable[Written]], *, status: int = 200
    ) -> Response:
        """Carries `work` out, or repeats the answer it had under the same key.

        Raises what `work` raises. A refused write frees its key; one that broke in the middle keeps
        it, because nobody knows whether it happened.
        """
        check_may(self.principal, act)
        replay = await self._begin()
        if replay is not None:
            return replay
        failpoint(Failpoint.ACT_BEGUN, act.value)
        try:
            written = await work()
        except (VitrineError, ProblemError):
            if self.key is not None:
                await self.parts.keys.forget(self.principal.operator_id, self.key)
            raise
        failpoint(Failpoint.ACT_COMMITTED, act.value)
        await self.parts.doorbell.ring(written.rings)
        await self.parts.feed.publish_many(written.events)
        body = written.answer.model_dump(mode="json")
        if self.key is not None:
            await self.parts.keys.finish(self.principal.operator_id, self.key, status, body)
        if not written.audited:
            line = AuditLine(
                at=self.parts.clock.now(),
                actor=self.principal.audit_name,
                action=act.value,
                target=written.target,
                details=written.details,
            )
            await self.parts.audit.record(line)
        return JSONResponse(body, status_code=status)

    @property
    def acting(self) -> Acting:
        return Acting(
            operator_id=self.principal.operator_id,
            audit_name=self.principal.audit_name,
            row_scope=row_scope(self.principal),
            at=self.parts.clock.now(),
        )

    async def _begin(self) -> Response | None:
        if self.key is None:
            return None
        if not _KEY.fullmatch(self.key):
            raise InvalidInputError("header.Idempotency-Key", "1 to 200 visible ASCII characters")
        url = self.request.url
        said = f"{self.request.method} {url.path}?{url.query}\n".encode()
        hashed = hashlib.sha256(said + await self.request.body()).digest()
        state = await self.parts.keys.begin(self.principal.operator_id, self.key, hashed)
        match state.standing:
            case Standing.NEW:
                return None
            case Standing.DONE:
                return JSONResponse(state.response, status_code=state.status, headers=_REPLAYED)
            case Standing.OTHER_BODY:
                reason = "was used for another request; take a new key for each write"
                raise InvalidInputError("header.Idempotency-Key", reason)
            case Standing.RUNNING:
                detail = (
                    "O primeiro pedido com esta Idempotency-Key ainda não respondeu; se ele se perdeu, "
                    "confira a conversa antes de repetir com outra chave."
                )
                raise ProblemError(409, detail, headers={"Retry-After": "1"})


def _write(
    request: Request,
    parts: Parts,
    caller: Caller,
    idempotency_key: Annotated[
        str | None,
        Header(description="The same key with the same body is carried out once; kept for a day."),
    ] = None,
) -> Write:
    return Write(request, parts, caller, idempotency_key)


Writing = Annotated[Write, Depends(_write)]


def fence_ring(conversation_id: ConversationId) -> Ring:
    return Ring(conversation_id=conversation_id, reason=RingReason.FENCE)


def changed(conversation_id: UUID) -> tuple[str, Mapping[str, Any]]:
    """The feed event that the conversation's item is another now."""
    return "conversation", {"conversation_id": conversation_id}
