"""The head, and the GCS with it, is killed and comes back; prints what the shard did meanwhile.

    python -m tests.chaos.gcs_outage     (DATABASE_URL and REDIS_URL given)

The GCS keeps its tables in the Valkey of REDIS_URL. The shard and whoever rings it are on the second
node, which rides the outage out.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.chaos.nodes import LOOPBACK, Nodes, Outside, alive, listens, point_settings_at, until
from tests.house import inbound, store

SECOND = "127.0.0.2"


async def main() -> dict[str, Any]:
    outside = Outside()
    outside.release.set()
    outside.serve()
    folder = Path(tempfile.mkdtemp(prefix="vt-", dir="/tmp"))
    nodes = Nodes(folder)
    try:
        return await play(nodes, outside)
    finally:
        nodes.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def play(nodes: Nodes, outside: Outside) -> dict[str, Any]:
    await point_settings_at(outside, LOOPBACK)
    redis_url = os.environ["REDIS_URL"]
    head = nodes.head(LOOPBACK, gcs_redis=redis_url)
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
    pool = await open_pool(settings.database_url.get_secret_value(), size=4, name="gcs outage")
    host, _, port = nodes.address.partition(":")

    async def gcs_listens() -> bool:
        return await asyncio.to_thread(listens, host, int(port))

    async def second_node() -> bool:
        return len(await asyncio.to_thread(alive, ray)) == 2

    async def sent(count: int) -> bool:
        return len(outside.sent) >= count

    async def ask(bell: ShardDoorbell, text: str) -> None:
        receipt = await store(pool, inbound(text))
        await pool.execute("UPDATE contacts SET ai_consent = 'granted'")
        conversation = receipt.events[0].conversation_id
        assert conversation is not None
        await bell.ring([Ring(conversation_id=conversation, reason=RingReason.MESSAGE)])

    await until("the head", gcs_listens)
    nodes.worker(SECOND)
    await asyncio.to_thread(_join, ray, nodes.address)
    await until("the second node", second_node)
    rows = ActorRows(pool)
    await Shards(settings, rows, directory := Directory()).start([0])
    first_start = await pool.fetchrow("SELECT incarnation FROM owner_leases")
    bell = ShardDoorbell(directory, rows.list_buckets)
    await ask(bell, "Antes da queda?")
    await until("an answer before the outage", lambda: sent(1))

    nodes.kill(head)
    await ask(bell, "Durante a queda?")
    await until("an answer without a GCS", lambda: sent(2))
    without_gcs = not await gcs_listens()

    nodes.head(LOOPBACK, gcs_redis=redis_url)
    await until("the GCS again", gcs_listens)
    fresh = ShardDoorbell(Directory(), rows.list_buckets)  # looks the shard up by its name
    await ask(fresh, "Depois da queda?")
    await until("an answer after the outage", lambda: sent(3))
    return {
        "sent": outside.sent,
        "answered_without_gcs": without_gcs,
        "same_start": await pool.fetchrow("SELECT incarnation FROM owner_leases") == first_start,
        "turns": [row["state"] for row in await pool.fetch("SELECT state FROM turns ORDER BY id")],
    }


def _join(ray: Any, address: str) -> None:
    """As a driver of the second node: one of the head's would end with it."""
    ray.init(address=address, namespace="vitrine", log_to_driver=False, _node_ip_address=SECOND)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main())) + "\n")
