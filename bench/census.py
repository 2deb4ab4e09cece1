"""What a shard of the product holds right now, counted inside its own process."""

from __future__ import annotations

import gc
from typing import Any

import psutil

from actors.conversation.actor import ConversationShard


def census(shard: ConversationShard) -> dict[str, Any]:
    """Residents, how many of them rest until somebody rings, and the process's private bytes (USS)."""
    residents = shard._residents  # noqa: SLF001 - no caller of the product needs this figure
    described = residents.describe(limit=len(residents))
    gc.collect()
    return {
        "residents": len(described),
        "idle": sum(one["state"] == "idle" for one in described),
        "bytes": psutil.Process().memory_full_info().uss,
    }
