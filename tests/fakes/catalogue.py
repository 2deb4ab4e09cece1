"""A catalogue in memory that behaves as CatalogueStore does, for tests without PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TypeVar

from domain.catalogue import KnowledgePage, Product
from domain.errors import TransientError
from domain.plain_text import plain

T = TypeVar("T")

_STOP = frozenset(
    "a o as os e de do da dos das um uma para por com em no na que se eu voces qual".split()  # noqa: SIM905
)
_SIMILAR_FROM = 0.72


class FakeCatalogue:
    """Implements `domain.catalogue.CatalogueReader`. `away` makes every search fail."""

    def __init__(
        self, products: Sequence[Product] = (), pages: Sequence[KnowledgePage] = ()
    ) -> None:
        self._products = {p.sku: p for p in products}
        self._pages = {p.title: p for p in pages}
        self.away = False
        self.queries: list[str] = []

    async def search_products(self, query: str, limit: int = 5) -> Sequence[Product]:
        self._check(query)
        on_sale = sorted((p for p in self._products.values() if p.active), key=lambda p: p.name)
        if not query.strip():
            return on_sale[:limit]
        exact = [p for p in on_sale if p.sku.lower() == query.strip().lower()]
        texts = [
            (p, p.name, f"{p.name} {p.category} {p.description}") for p in on_sale if p not in exact
        ]
        return [*exact, *_best(query, texts)][:limit]

    async def search_knowledge(self, query: str, limit: int = 3) -> Sequence[KnowledgePage]:
        self._check(query)
        pages = sorted(self._pages.values(), key=lambda p: p.title)
        if not query.strip():
            return pages[:limit]
        return _best(query, [(p, p.title, f"{p.title} {p.body}") for p in pages])[:limit]

    async def upsert_products(self, products: Sequence[Product]) -> None:
        self._products.update({p.sku: p for p in products})

    async def upsert_knowledge(self, pages: Sequence[KnowledgePage]) -> None:
        self._pages.update({p.title: p for p in pages})

    def _check(self, query: str) -> None:
        self.queries.append(query)
        if self.away:
            raise TransientError("catalogue: away")


def _best(query: str, items: Sequence[tuple[T, str, str]]) -> list[T]:
    asked = _stems(query)
    ranked = [
        (len(asked & _stems(name)) * 10 + len(asked & _stems(text)), item)
        for item, name, text in items
    ]
    found = [item for rank, item in sorted(ranked, key=lambda r: -r[0]) if rank]
    if found:
        return found
    similar = [(_similarity(query, name), item) for item, name, _ in items]
    return [item for ratio, item in sorted(similar, key=lambda r: -r[0]) if ratio >= _SIMILAR_FROM]


def _stems(text: str) -> set[str]:
    """A poor man's Portuguese stemmer: plural and vowel endings off."""
    words = "".join(c if c.isalnum() else " " for c in plain(text)).split()
    return {
        word.rstrip("s").rstrip("aeo") if len(word) > 3 else word
        for word in words
        if word not in _STOP
    }


def _similarity(query: str, name: str) -> float:
    pairs = [
        max((SequenceMatcher(a=asked, b=word).ratio() for word in plain(name).split()), default=0.0)
        for asked in plain(query).split()
    ]
    return sum(pairs) / len(pairs) if pairs else 0.0
