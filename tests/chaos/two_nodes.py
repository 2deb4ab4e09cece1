"""One shard on a second Ray node that is lost in the middle of a model call; prints what came of it.

    python -m tests.chaos.two_nodes killed|cut_off     (DATABASE_URL and REDIS_URL given)

`killed`: the node's raylet gets SIGKILL, and its workers end with it. `cut_off`: the node lives in a
network namespace with two links, one for Ray and one for PostgreSQL, Meta and the model; the first goes
down. Ray then starts the shard elsewhere while the old one works on: two owners of one conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from tests.chaos.nodes import (
    LOOPBACK,
    NAMESPACE,
    OTHER_NET,
    RAY_NET,
    Nodes,
    Outside,
    alive,
    descendants,
    link_names,
    listens,
    point_settings_at,
    run,
    two_links,
    until,
)
from tests.house import inbound, store

QUESTIONS = ("Quanto custa o plano inicial?", "E o plano maior?")


async def main(scenario: str) -> dict[str, Any]:
    outside = Outside()
    outside.serve()
    folder = Path(tempfile.mkdtemp(prefix="vt-", dir="/tmp"))
    nodes = Nodes(folder)
    cut_off = scenario == "cut_off"
    try:
        with two_links() if cut_off else contextlib.nullcontext():
            return await play(nodes, outside, cut_off=cut_off)
    finally:
        nodes.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def play(nodes: Nodes, outside: Outside, *, cut_off: bool) -> dict[str, Any]:
    ray_ip, other_ip = (f"{RAY_NET}.1", f"{OTHER_NET}.1") if cut_off else (LOOPBACK, LOOPBACK)
    await point_settings_at(outside, other_ip)
    nodes.head(ray_ip)
    import ray  # noqa: PLC0415 - reads the environment set above

    from actors.directory import Directory, ShardDoorbell  # noqa: PLC0415
    from actors.scaling.shards import Shards  # noqa: PLC0415
    from config.settings import load_settings  # noqa: PLC0415
    from domain.doorbell import Ring, RingReason  # noqa: PLC0415
    from jobs.seed import seed_house  # noqa: PLC0415
    from storage.actor_rows import ActorRows  # noqa: PLC0415
    from storage.pool import open_pool  # noqa: PLC0415

    settings = load_settings()
    assert settings.database_url is not None
    await seed_house(settings)
    pool = await open_pool(settings.database_url.get_secret_value(), size=4, name="two nodes")
    host, _, port = nodes.address.partition(":")
    await until("the head", lambda: asyncio.to_thread(listens, host, int(port)))
    second = nodes.worker(
        f"{RAY_NET}.2" if cut_off else LOOPBACK, within=NAMESPACE if cut_off else ""
    )
    ray.init(address=nodes.address, namespace="vitrine", log_to_driver=False)
    rows, directory = ActorRows(pool), Directory()
    await Shards(settings, rows, directory).start([0])
    first_start = await pool.fetchrow("SELECT incarnation FROM owner_leases")
    shard = await directory.find("conversations/0")
    assert shard is not None
    first_pid = int((await shard.ready.remote())["pid"])
    nodes.worker(ray_ip)  # where Ray can start it again
    await until("a third node", lambda: asyncio.to_thread(lambda: len(alive(ray)) == 3))

    bell = ShardDoorbell(directory, rows.list_buckets)

    async def ask(text: str) -> None:
        receipt = await store(pool, inbound(text))
        await pool.execute("UPDATE contacts SET ai_consent = 'granted'")
        conversation = receipt.events[0].conversation_id
        assert conversation is not None
        await bell.ring([Ring(conversation_id=conversation, reason=RingReason.MESSAGE)])

    async def sent(count: int) -> bool:
        return len(outside.sent) >= count

    async def replaced() -> bool:
        return await pool.fetchrow("SELECT incarnation FROM owner_leases") != first_start

    async def has_left() -> bool:
        """Whether the old start reported that nothing is resident in it any more."""
        beat = "SELECT 1 FROM actor_beats WHERE pid = $1 AND residents = '[]'"
        return await pool.fetchval(beat, first_pid) is not None

    async def called() -> bool:
        return outside.calls == 1

    await ask(QUESTIONS[0])
    await until("the model called", called)
    if cut_off:
        run(f"ip link set {link_names('vray')[0]} down")
    else:
        raylet = next(p for p in descendants(second.pid) if p.name() == "raylet")
        raylet.kill()
    await until("the shard started elsewhere", replaced)
    await until("an answer", lambda: sent(1))
    outlived = psutil.pid_exists(first_pid)
    outside.release.set()
    if outlived:
        await until("the old start to leave the conversation", has_left)
    calls_after_first = outside.calls
    await ask(QUESTIONS[1])
    await until("a second answer", lambda: sent(2))
    await until(
        "nothing unworked",
        lambda: pool.fetchval("SELECT count(*) = 0 FROM inbound_events WHERE worked_at IS NULL"),
    )
    turns = await pool.fetch("SELECT state, actor ->> 'pid' AS pid FROM turns ORDER BY id")
    return {
        "sent": outside.sent,
        "old_start_outlived_its_node": outlived,
        "model_calls_for_first_question": calls_after_first,
        "model_calls": outside.calls,
        "turns": sorted(row["state"] for row in turns),
        "answered_by_old_start": [
            row["pid"] == str(first_pid) for row in turns if row["state"] == "committed"
        ],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(sys.argv[1]))) + "\n")
