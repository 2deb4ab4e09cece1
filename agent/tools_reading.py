"""Tools that only read: catalogue, knowledge, and what is known of this contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from agent.tools import Desk, Tool, ToolArguments
from domain.catalogue import Billing, KnowledgePage, Product

_BILLING: Final = {
    Billing.ONCE: "pagamento único",
    Billing.MONTHLY: "por mês",
    Billing.YEARLY: "por ano",
}


class SearchCatalogue(ToolArguments):
    query: Annotated[
        str,
        Field(
            max_length=200, description="Palavras do que o cliente procura; vazio lista o catálogo."
        ),
    ]


class SearchKnowledge(ToolArguments):
    query: Annotated[
        str, Field(min_length=1, max_length=200, description="O assunto, em poucas palavras.")
    ]


class LookupContact(ToolArguments):
    """No argument: always the contact of this conversation."""


async def _search_catalogue(desk: Desk, arguments: SearchCatalogue) -> Mapping[str, Any]:
    limit = desk.playbook.limits.products_per_search
    found = await desk.catalogue.search_products(arguments.query, limit)
    if not found:
        return {
            "products": [],
            "hint": "Nada encontrado. Tente outra palavra ou diga que não encontrou.",
        }
    return {"products": [_product(product) for product in found]}


async def _search_knowledge(desk: Desk, arguments: SearchKnowledge) -> Mapping[str, Any]:
    limits = desk.playbook.limits
    found = await desk.catalogue.search_knowledge(arguments.query, limits.pages_per_search)
    if not found:
        return {
            "pages": [],
            "hint": "Nada encontrado. Diga que não sabe e ofereça uma pessoa da equipe.",
        }
    return {"pages": [_page(page, limits.page_chars) for page in found]}


async def _lookup_contact(desk: Desk, _arguments: LookupContact) -> Mapping[str, Any]:
    document = desk.context.to_json()
    return {"contact": document["contact"], "past": document["past"]}


def _product(product: Product) -> dict[str, Any]:
    """Without the floor: what the model does not know it cannot give away."""
    return {
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "description": product.description,
        "price_centavos": product.price.centavos,
        "price": product.price.formatted(),
        "currency": product.price.currency,
        "billing": _BILLING[product.billing],
    }


def _page(page: KnowledgePage, chars: int) -> dict[str, Any]:
    return {"title": page.title, "text": page.body[:chars], "cut": len(page.body) > chars}


SEARCH_CATALOGUE: Final = Tool(
    name="search_catalogue",
    description=(
        "Busca produtos no catálogo, com preço. É a única fonte de preços: copie o campo `price` "
        "exatamente. Use antes de citar qualquer produto ou valor."
    ),
    arguments=SearchCatalogue,
    run=_search_catalogue,
    quotable=True,
)
SEARCH_KNOWLEDGE: Final = Tool(
    name="search_knowledge",
    description=(
        "Busca nas páginas da empresa: funcionamento, prazos, garantia, pagamento, entrega, suporte, "
        "cancelamento, políticas. Use antes de explicar qualquer regra."
    ),
    arguments=SearchKnowledge,
    run=_search_knowledge,
    quotable=True,
)
LOOKUP_CONTACT: Final = Tool(
    name="lookup_contact",
    description=(
        "Mostra o que o CRM sabe do contato desta conversa: cadastro, notas, ligações marcadas e casos. "
        "Não recebe argumentos. Valores anotados ali não podem ser repetidos como preço."
    ),
    arguments=LookupContact,
    run=_lookup_contact,
)
