"""Products, prices and knowledge found in tool results: the only source of figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_NAME = ("name", "nome", "title", "titulo", "product", "produto")
_TEXT = ("description", "descricao", "summary", "resumo")
_BODY = ("body", "text", "texto", "answer", "resposta", "content", "conteudo", "excerpt", "trecho")
_PRICE_TEXT = (
    "price",
    "preco",
    "price_text",
    "formatted",
    "formatted_price",
    "price_brl",
    "valor",
    "amount",
    "display_price",
)
_PRICE_MINOR = (
    "price_centavos",
    "preco_centavos",
    "centavos",
    "price_cents",
    "amount_centavos",
    "unit_price_centavos",
)
_UNIT = ("unit", "unidade", "billing", "period", "periodicidade", "cobranca")
_UNITS = {
    "monthly": "por mês",
    "yearly": "por ano",
    "once": "pagamento único",
    "mensal": "por mês",
    "anual": "por ano",
    "month": "por mês",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    name: str
    price: str
    unit: str
    description: str

    def line(self) -> str:
        price = f": {self.price}" if self.price else ""
        unit = f" {self.unit}" if self.price and self.unit else ""
        text = f" — {self.description}" if self.description else ""
        return f"• *{self.name}*{price}{unit}{text}"


def money_text(centavos: int) -> str:
    whole, rest = divmod(centavos, 100)
    return f"R$ {whole:,}".replace(",", ".") + f",{rest:02d}"


def offers_in(output: Any) -> list[Offer]:
    """Every named thing with a price, in the order found."""
    found: list[Offer] = []
    for row in _rows(output):
        name, price = _first(row, _NAME), _price_of(row)
        if name and price:
            found.append(
                Offer(
                    name=name, price=price, unit=_unit_of(row), description=_first(row, _TEXT)[:160]
                )
            )
    return list({o.name: o for o in found}.values())


def pages_in(output: Any) -> list[str]:
    r"""Knowledge as `title\\nbody`: rows with a body and no price, or a plain sentence."""
    if isinstance(output, str):
        return ["\n" + output] if len(output) > 40 and "{" not in output else []
    pages = []
    for row in _rows(output):
        body = _first(row, _BODY)
        if len(body) > 30 and not _price_of(row):
            pages.append(f"{_first(row, _NAME)}\n{body}")
    return pages


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for key, inner in value.items():
            if isinstance(inner, (list, dict)) and "floor" not in key:
                yield from _rows(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _rows(inner)


def _first(row: dict[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = row.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _price_of(row: dict[str, Any]) -> str:
    for key in _PRICE_TEXT:
        value = row.get(key)
        if isinstance(value, str) and re.search(r"R\$\s?\d", value):
            return re.sub(r"\s+", " ", value).strip()
        if isinstance(value, dict):
            inner = _price_of(value)
            if inner:
                return inner
    for key in _PRICE_MINOR:
        value = row.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return money_text(value)
    return ""


def _unit_of(row: dict[str, Any]) -> str:
    value = _first(row, _UNIT)
    if _price_has_unit(row):
        return ""
    return _UNITS.get(value.lower(), value)


def _price_has_unit(row: dict[str, Any]) -> bool:
    text = _first(row, _PRICE_TEXT)
    return bool(re.search(r"(por |/ ?|ao )(m[eê]s|ano)", text))
