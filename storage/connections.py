"""Whether PostgreSQL has room for every process's pool, before the first of them opens one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, LiteralString

import asyncpg

from config.ray_options import POOL_SIZES
from config.settings import Settings, SettingsError
from domain.scale import Part

ROOM: Final[LiteralString] = """
SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
"""
#: For migrations, backups and a person with psql.
_SPARE: Final = 5


def needed_connections(settings: Settings, counts: Mapping[Part, int]) -> int:
    """The most connections this deployment opens at once, a rolling update of the replicas included."""
    actors = counts[Part.SHARDS] * POOL_SIZES["shared"]
    actors += settings.dedicated_actors_max * POOL_SIZES["own"]
    actors += sum(POOL_SIZES[kind] for kind in ("number_pool", "sender", "clock", "scaling"))
    replicas = sum(counts[part] * POOL_SIZES[part] for part in (Part.WEBHOOK, Part.API))
    return actors + 2 * replicas + _SPARE


async def count_connections(
    pool: asyncpg.Pool, settings: Settings, counts: Mapping[Part, int]
) -> tuple[int, int]:
    """(what these counts may need at once, what the server has)."""
    return needed_connections(settings, counts), await pool.fetchval(ROOM)


async def check_connections(
    pool: asyncpg.Pool, settings: Settings, counts: Mapping[Part, int]
) -> None:
    """Raises SettingsError saying which settings to lower, or what the server needs."""
    needed, room = await count_connections(pool, settings, counts)
    if needed > room:
        problem = (
            f"DATABASE_URL: o servidor aceita {room} conexões e este Vitrine pode abrir {needed}: "
            "aumente max_connections, ou diminua DEDICATED_ACTORS_MAX ou CONVERSATION_SHARDS "
            "(depois da primeira partida: `vitrine scale shards`)"
        )
        raise SettingsError((problem,))
