"""Products and knowledge: Portuguese full text first, then similar spelling.

Words are joined by "or" and ranked, so that a whole sentence of a customer can be the query. Only when
no word is found the spelling is compared ("plno fbra").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, LiteralString

import asyncpg

from domain.catalogue import Billing, KnowledgePage, Product
from domain.errors import TransientError
from domain.ids import new_id
from domain.money import Money
from domain.storable import storable_text

_LIST_PRODUCTS: Final[LiteralString] = """
    SELECT sku, name, description, category, price_centavos, floor_centavos, currency, billing, active
    FROM products WHERE active ORDER BY name LIMIT $1
"""
_FIND_PRODUCTS: Final[LiteralString] = """
    WITH asked AS (
        SELECT replace(plainto_tsquery('vitrine_pt', $1)::text, ' & ', ' | ')::tsquery AS words
    )
    SELECT sku, name, description, category, price_centavos, floor_centavos, currency, billing, active
    FROM products, asked
    WHERE active AND (search @@ asked.words OR lower(sku) = lower($1))
    ORDER BY lower(sku) = lower($1) DESC,
        ts_rank(setweight(to_tsvector('vitrine_pt', name), 'A') || search, asked.words) DESC, name
    LIMIT $2
"""
_FIND_SIMILAR_PRODUCTS: Final[LiteralString] = """
    SELECT sku, name, description, category, price_centavos, floor_centavos, currency, billing, active
    FROM products
    WHERE active AND word_similarity(unaccent(lower($1)), unaccent(lower(name))) >= $3
    ORDER BY word_similarity(unaccent(lower($1)), unaccent(lower(name))) DESC, name
    LIMIT $2
"""
_LIST_KNOWLEDGE: Final[LiteralString] = "SELECT title, body FROM knowledge ORDER BY title LIMIT $1"
_FIND_KNOWLEDGE: Final[LiteralString] = """
    WITH asked AS (
        SELECT replace(plainto_tsquery('vitrine_pt', $1)::text, ' & ', ' | ')::tsquery AS words
    )
    SELECT title, body
    FROM knowledge, asked
    WHERE search @@ asked.words
    ORDER BY ts_rank(setweight(to_tsvector('vitrine_pt', title), 'A') || search, asked.words) DESC, title
    LIMIT $2
"""
_FIND_SIMILAR_KNOWLEDGE: Final[LiteralString] = """
    SELECT title, body
    FROM knowledge
    WHERE word_similarity(unaccent(lower($1)), unaccent(lower(title))) >= $3
    ORDER BY word_similarity(unaccent(lower($1)), unaccent(lower(title))) DESC, title
    LIMIT $2
"""
_UPSERT_PRODUCT: Final[LiteralString] = """
    INSERT INTO products
        (id, sku, name, description, category, price_centavos, floor_centavos, currency, billing, active)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (sku) DO UPDATE SET
        name = excluded.name, description = excluded.description, category = excluded.category,
        price_centavos = excluded.price_centavos, floor_centavos = excluded.floor_centavos,
        currency = excluded.currency, billing = excluded.billing, active = excluded.active
"""
_UPSERT_KNOWLEDGE: Final[LiteralString] = """
    INSERT INTO knowledge (id, title, body) VALUES ($1, $2, $3)
    ON CONFLICT (title) DO UPDATE SET body = excluded.body, updated_at = now()
"""

SIMILAR_FROM: Final = 0.45
"""Below it "internet" begins to look like "interno"; above it a dropped letter is missed."""

_AWAY: Final = (
    asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.QueryCanceledError,
    asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError, OSError, TimeoutError,
)  # fmt: skip


class CatalogueStore:
    """The catalogue in PostgreSQL; implements `domain.catalogue.CatalogueReader`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def search_products(self, query: str, limit: int = 5) -> Sequence[Product]:
        """The best matches on sale. Blank lists by name. Raises TransientError when away."""
        words = storable_text(query).strip()
        if not words:
            return [_product(row) for row in await self._fetch(_LIST_PRODUCTS, limit)]
        rows = await self._fetch(_FIND_PRODUCTS, words, limit)
        if not rows:
            rows = await self._fetch(_FIND_SIMILAR_PRODUCTS, words, limit, SIMILAR_FROM)
        return [_product(row) for row in rows]

    async def search_knowledge(self, query: str, limit: int = 3) -> Sequence[KnowledgePage]:
        """The best matching pages. Blank lists by title. Raises TransientError when away."""
        words = storable_text(query).strip()
        if not words:
            rows = await self._fetch(_LIST_KNOWLEDGE, limit)
        else:
            rows = await self._fetch(_FIND_KNOWLEDGE, words, limit)
            if not rows:
                rows = await self._fetch(_FIND_SIMILAR_KNOWLEDGE, words, limit, SIMILAR_FROM)
        return [KnowledgePage(title=row["title"], body=row["body"]) for row in rows]

    async def upsert_products(self, products: Sequence[Product]) -> None:
        """Makes the rows of these skus be as given; others stay."""
        rows = [
            (
                new_id(), p.sku, storable_text(p.name), storable_text(p.description),
                storable_text(p.category), p.price.centavos, None if p.floor is None else p.floor.centavos,
                p.price.currency, p.billing.value, p.active,
            )
            for p in sorted(products, key=lambda p: p.sku)  # one order: two syncs never deadlock
        ]  # fmt: skip
        await self._write(_UPSERT_PRODUCT, rows)

    async def upsert_knowledge(self, pages: Sequence[KnowledgePage]) -> None:
        """Makes the pages of these titles be as given; others stay."""
        ordered = sorted(pages, key=lambda page: page.title)
        rows = [(new_id(), storable_text(p.title), storable_text(p.body)) for p in ordered]
        await self._write(_UPSERT_KNOWLEDGE, rows)

    async def _fetch(self, sql: LiteralString, *arguments: Any) -> list[asyncpg.Record]:
        try:
            async with self._pool.acquire() as connection:
                return await connection.fetch(sql, *arguments)
        except _AWAY as error:
            raise TransientError(f"catalogue: {type(error).__name__}") from error

    async def _write(self, sql: LiteralString, rows: Sequence[tuple[Any, ...]]) -> None:
        try:
            async with self._pool.acquire() as connection:
                await connection.executemany(sql, rows)
        except _AWAY as error:
            raise TransientError(f"catalogue: {type(error).__name__}") from error


def _product(row: asyncpg.Record) -> Product:
    currency = row["currency"]
    floor = row["floor_centavos"]
    return Product(
        sku=row["sku"],
        name=row["name"],
        description=row["description"],
        category=row["category"],
        price=Money(centavos=row["price_centavos"], currency=currency),
        floor=None if floor is None else Money(centavos=floor, currency=currency),
        billing=Billing(row["billing"]),
        active=row["active"],
    )
