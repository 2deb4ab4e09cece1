"""A driver inside the running cluster: deploys the bench applications, activates conversations.

`python -m bench.inside` with the environment of the process that holds Ray and BENCH_GCS; one JSON
command a line, one JSON answer a line.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import psutil
import ray
from ray.exceptions import RayError

from actors.conversation.actor import OwnConversation
from actors.conversation.messages import RingConversations
from actors.directory import NAMESPACE, Directory, own_name
from bench import apps
from bench.census import census
from bench.figures import summary
from bench.host import BenchHost
from config.ray_options import actor_options
from config.settings import Settings, load_settings
from domain.doorbell import RingReason
from domain.errors import NotFoundError

COUNT_MAX: Final = 5000
_RETURNS_WITHIN_S: Final = 120.0
_RESTS_WITHIN_S: Final = 60.0
_GROUP: Final = 1000


async def deploy(_settings: Settings) -> Any:
    await asyncio.to_thread(apps.deploy, _settings)
    return {"empty": apps.EMPTY_PATH, "intake": apps.INTAKE_PATH}


async def remove(_settings: Settings) -> Any:
    await asyncio.to_thread(apps.remove)
    return {}


async def activate(settings: Settings, *, ids: list[str], rate: float) -> Any:
    """Rings each of them once, `rate` a second, in a host that holds none of them."""
    host: Any = ray.remote(BenchHost).options(**actor_options("shared")).remote(settings)
    await host.ready.remote()
    warm, *rest = [UUID(one) for one in ids[:COUNT_MAX]]
    await host.ring.remote(warm, time.monotonic())
    await asyncio.sleep(1.0)
    _, before = await host.memory.remote()
    began = time.monotonic()
    rings = []
    for n, one in enumerate(rest):
        await asyncio.sleep(max(0.0, began + n / rate - time.monotonic()))
        rings.append(host.ring.remote(one, time.monotonic()))
    await asyncio.gather(*rings)
    took = (await host.activated.remote())[1:]
    await asyncio.sleep(1.0)
    residents, after = await host.memory.remote()
    ray.kill(host, no_restart=True)
    per_resident = (after - before) / max(residents - 1, 1)
    return {"count": len(took), "residents": residents, "bytes_each": per_resident} | summary(took)


async def own(settings: Settings, *, ids: list[str]) -> Any:
    """An actor of its own for each, one after the other: time to ready, and private memory."""
    directory = Directory()
    took: list[float] = []
    private: list[int] = []
    for one in ids:
        began = time.monotonic()
        conversation_id = UUID(one)
        name = own_name(conversation_id)
        handle = await directory.create("own", name, OwnConversation, settings, conversation_id)
        place = await handle.ready.remote()
        took.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(1.0)
        private.append(psutil.Process(place["pid"]).memory_full_info().uss)
        await directory.retire(name)
    return {"count": len(ids), "bytes_each": sorted(private)[len(private) // 2]} | summary(took)


async def kill(_settings: Settings, *, name: str) -> Any:
    """SIGKILL; returns when its successor works, with `time.monotonic()` of both."""
    handle = await _found(name)
    pid = (await handle.ready.remote())["pid"]
    killed_at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    while time.monotonic() < killed_at + _RETURNS_WITHIN_S:
        if await _pid_of(handle) not in {None, pid}:
            return {"killed_at": killed_at, "back_at": time.monotonic()}
        await asyncio.sleep(0.05)
    raise TimeoutError(name)


async def _pid_of(handle: Any) -> int | None:
    """Of the process that works as this actor; None while none does."""
    try:
        return int((await handle.ready.remote())["pid"])
    except RayError:
        return None


async def _found(name: str) -> Any:
    handle = await Directory().find(name)
    if handle is None:
        raise NotFoundError("actor", name)
    return handle


async def count(_settings: Settings, *, name: str) -> Any:
    """Who lives in this shard."""
    return await (await _found(name)).__ray_call__.remote(census)


async def bring(settings: Settings, *, name: str, ids: list[str]) -> Any:
    """Rings them in groups, each when the one before has its state; who lives in the shard then."""
    handle, began = await _found(name), time.monotonic()
    for n in range(0, len(ids), _GROUP):
        rings = tuple((UUID(one), RingReason.MESSAGE.value) for one in ids[n : n + _GROUP])
        await handle.ring.remote(RingConversations(rings=rings))
        await _until_all_rest(settings, name)
    return await count(settings, name=name) | {"took_s": time.monotonic() - began}


async def _until_all_rest(settings: Settings, name: str) -> None:
    deadline = time.monotonic() + _RESTS_WITHIN_S
    while time.monotonic() < deadline:
        there = await count(settings, name=name)
        if there["idle"] == there["residents"]:
            return
        await asyncio.sleep(0.2)
    raise TimeoutError(name)


async def main() -> None:
    """Joins the cluster and carries out commands until standard input ends."""
    ray.init(
        address=os.environ["BENCH_GCS"],
        namespace=NAMESPACE,
        log_to_driver=False,
        configure_logging=False,
    )
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    settings = load_settings()
    print(json.dumps({"ready": True}), flush=True)
    commands: dict[str, Callable[..., Awaitable[Any]]] = {
        "deploy": deploy,
        "remove": remove,
        "activate": activate,
        "own": own,
        "kill": kill,
        "count": count,
        "bring": bring,
    }
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        result = await commands[command.pop("do")](settings, **command)
        print(json.dumps(result), flush=True)
    ray.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
