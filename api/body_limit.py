"""Request bodies up to a limit: what is longer is not read, whether its length was declared or not."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Message, Receive


async def read_at_most(request: Request, limit: int) -> bytes | None:
    """The whole body; None as soon as it is known to be longer than `limit` bytes.

    Raises ClientDisconnect.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        return None
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives `body` first and afterwards whatever `receive` brings."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
