"""Running ASGI applications on free loopback ports, for tests that need real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import uvicorn


def no_tls() -> ssl.SSLContext:
    """For clients of plain http: loading the machine's certificates costs 100 ms a client."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def listening_socket() -> socket.socket:
    """A bound socket on a port the system chose."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", 0))
    return found


@contextlib.asynccontextmanager
async def serving(*apps: tuple[Any, socket.socket]) -> AsyncIterator[list[str]]:
    """Serve each application on its socket until the block ends; yields their base addresses."""
    servers = [
        uvicorn.Server(
            uvicorn.Config(
                app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=1
            )
        )
        for app, _ in apps
    ]
    tasks = [
        asyncio.create_task(server.serve(sockets=[bound]))
        for server, (_, bound) in zip(servers, apps, strict=True)
    ]
    async with asyncio.timeout(10):
        while not all(server.started for server in servers):  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    try:
        yield [f"http://127.0.0.1:{bound.getsockname()[1]}" for _, bound in apps]
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
        for _, bound in apps:
            bound.close()


async def until(check: Any, *, within_s: float = 8.0) -> Any:
    """Wait for a true value of `check()`; the last value is in the failure."""
    value = None
    try:
        async with asyncio.timeout(within_s):
            while True:
                value = check()
                if asyncio.iscoroutine(value):
                    value = await value
                if value:
                    return value
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"still {value!r} after {within_s} s") from None
