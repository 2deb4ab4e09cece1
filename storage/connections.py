"""Whether PostgreSQL has room for every process's pool, before the first of them opens one."""

from __future__ import annotations

from typing import Final, LiteralString

import asyncpg

from config.ray_options import POOL_SIZES
from config.settings import Settings, SettingsError

ROOM: Final[LiteralString] = """
SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
"""
#: For migrations, backups and a person with psql.
_SPARE: Final = 5


def needed_connections(settings: Settings) -> int:
    """The most connections this deployment opens at once, a rolling update of the replicas included."""
    actors = settings.conversation_shards * POOL_SIZES["shared"]
    actors += settings.dedicated_actors_max * POOL_SIZES["own"]
    actors += sum(POOL_SIZES[kind] for kind in ("number_pool", "sender", "clock"))
    return actors + 2 * (POOL_SIZES["webhook"] + POOL_SIZES["api"]) + _SPARE


async def check_connections(pool: asyncpg.Pool, settings: Settings) -> None:
    """Raises SettingsError saying which settings to lower, or what the server needs."""
    room = await pool.fetchval(ROOM)
    needed = needed_connections(settings)
    if needed > room:
        problem = (
            f"DATABASE_URL: o servidor aceita {room} conexões e este Vitrine pode abrir {needed}: "
            "aumente max_connections, ou diminua DEDICATED_ACTORS_MAX ou CONVERSATION_SHARDS"
        )
        raise SettingsError((problem,))
