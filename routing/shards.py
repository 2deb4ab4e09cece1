"""Which shard a conversation lives in: bucket = crc32(id) % 1024, bucket -> shard by a table."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from zlib import crc32

BUCKETS = 1024


def bucket_of(conversation_id: UUID) -> int:
    return crc32(conversation_id.bytes) % BUCKETS


def spread(shards: int) -> list[int]:
    """The shard of each bucket when `shards` shards share them evenly."""
    return [bucket % shards for bucket in range(BUCKETS)]


def shard_of(conversation_id: UUID, table: Sequence[int]) -> int:
    """The shard this conversation rings, by a table of 1024 entries."""
    return table[bucket_of(conversation_id)]
