"""Values that arrive inside JSON aggregates, back as what they are."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID


def parse_time(value: str) -> datetime:
    """PostgreSQL's JSON spelling of a timestamptz as an aware UTC datetime."""
    return datetime.fromisoformat(value).astimezone(UTC)


def parse_uuid(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)
