"""What the AI may quote: products with their prices, and pages of knowledge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.money import Money


class Billing(StrEnum):
    ONCE = "once"
    MONTHLY = "monthly"
    YEARLY = "yearly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """`floor` is the lowest price code may ever quote; it is never shown to the model."""

    sku: str
    name: str
    description: str
    price: Money
    category: str = ""
    floor: Money | None = None
    billing: Billing = Billing.ONCE
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgePage:
    title: str
    body: str


class CatalogueReader(Protocol):
    """Best match first. An unknown word finds nothing rather than everything; a blank query lists.

    Raises TransientError when the catalogue cannot be reached.
    """

    async def search_products(self, query: str, limit: int = 5) -> Sequence[Product]: ...

    async def search_knowledge(self, query: str, limit: int = 3) -> Sequence[KnowledgePage]: ...
