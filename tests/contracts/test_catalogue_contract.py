"""One suite for the real catalogue and its fake: what the agent may rely on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from domain.catalogue import Billing, CatalogueReader, KnowledgePage, Product
from domain.errors import TransientError
from domain.money import Money
from storage.catalogue import CatalogueStore
from storage.pool import open_pool
from tests.fakes.catalogue import FakeCatalogue

PRODUCTS = (
    Product(
        sku="FIB-500", name="Plano Fibra 500", category="internet",
        description="Internet por fibra óptica, instalação em até 5 dias.",
        price=Money(centavos=9_990), floor=Money(centavos=8_990), billing=Billing.MONTHLY,
    ),
    Product(
        sku="MOV-20", name="Plano Móvel 20 GB", category="celular",
        description="Chip com ligações ilimitadas.", price=Money(centavos=4_990), billing=Billing.MONTHLY,
    ),
    Product(
        sku="ROT-6", name="Roteador AX", category="equipamento",
        description="Roteador com cobertura para casas grandes.", price=Money(centavos=39_900),
    ),
    Product(
        sku="OLD-1", name="Plano Fibra Antigo", category="internet", description="Fora de venda.",
        price=Money(centavos=100), active=False,
    ),
)  # fmt: skip
PAGES = (
    KnowledgePage(title="Garantia dos roteadores", body="Doze meses contra defeito de fabricação."),
    KnowledgePage(
        title="Instalação da fibra", body="O técnico agenda a visita em até cinco dias úteis."
    ),
)


@pytest.fixture(params=["fake", pytest.param("postgres", marks=pytest.mark.postgres)])
async def catalogue(
    request: pytest.FixtureRequest,
) -> AsyncIterator[FakeCatalogue | CatalogueStore]:
    if request.param == "fake":
        fake = FakeCatalogue()
        await _fill(fake)
        yield fake
        return
    pool = await open_pool(request.getfixturevalue("database"), size=2, name="test")
    try:
        store = CatalogueStore(pool)
        await _fill(store)
        yield store
    finally:
        await pool.close()


async def _fill(catalogue: FakeCatalogue | CatalogueStore) -> None:
    await catalogue.upsert_products(PRODUCTS)
    await catalogue.upsert_knowledge(PAGES)


async def test_a_word_finds_its_product_without_accents_and_in_another_number(
    catalogue: CatalogueReader,
) -> None:
    found = await catalogue.search_products("planos de fibra optica")
    assert found[0] == PRODUCTS[0]


async def test_a_whole_sentence_may_be_the_query(catalogue: CatalogueReader) -> None:
    found = await catalogue.search_products("Oi, queria um roteador para a minha casa")
    assert found[0].sku == "ROT-6"


async def test_what_is_not_on_sale_is_never_found(catalogue: CatalogueReader) -> None:
    for query in ("Plano Fibra Antigo", "OLD-1", ""):
        assert "OLD-1" not in {p.sku for p in await catalogue.search_products(query, 10)}


async def test_a_misspelled_name_is_still_found(catalogue: CatalogueReader) -> None:
    assert "ROT-6" in {p.sku for p in await catalogue.search_products("roteadro")}


async def test_an_unknown_word_finds_nothing(catalogue: CatalogueReader) -> None:
    assert not await catalogue.search_products("helicóptero")
    assert not await catalogue.search_knowledge("helicóptero")


async def test_a_blank_query_lists_by_name_up_to_the_limit(catalogue: CatalogueReader) -> None:
    assert [p.sku for p in await catalogue.search_products("  ", 2)] == ["FIB-500", "MOV-20"]


async def test_a_sku_finds_exactly_its_product_first(catalogue: CatalogueReader) -> None:
    assert (await catalogue.search_products("mov-20"))[0].sku == "MOV-20"


async def test_knowledge_is_found_by_title_and_body(catalogue: CatalogueReader) -> None:
    assert (await catalogue.search_knowledge("garantia"))[0] == PAGES[0]
    assert (await catalogue.search_knowledge("quando o técnico visita?"))[0] == PAGES[1]


async def test_odd_characters_in_a_query_do_no_harm(catalogue: CatalogueReader) -> None:
    for query in (
        "'; DROP TABLE products; --",
        "fibra & | ! ( )",
        "\x00fibra\ud800",
        "🙂",
        "مرحبا",
        "%_\\",
    ):
        await catalogue.search_products(query)
        await catalogue.search_knowledge(query)
    assert len(await catalogue.search_products("")) == 3


async def test_a_second_upsert_changes_the_row_and_adds_none(
    catalogue: FakeCatalogue | CatalogueStore,
) -> None:
    cheaper = Product(
        sku="FIB-500",
        name="Plano Fibra 500",
        description="Internet por fibra.",
        price=Money(centavos=7_990),
    )
    await catalogue.upsert_products([cheaper])
    await catalogue.upsert_knowledge([KnowledgePage(title=PAGES[0].title, body="Seis meses.")])
    assert (await catalogue.search_products("FIB-500"))[0] == cheaper
    assert len(await catalogue.search_products("", 10)) == 3
    assert (await catalogue.search_knowledge("garantia"))[0].body == "Seis meses."


@pytest.mark.postgres
async def test_a_closed_database_is_a_transient_error(database: str) -> None:
    pool = await open_pool(database, size=1, name="test")
    await pool.close()
    with pytest.raises(TransientError):
        await CatalogueStore(pool).search_products("fibra")
