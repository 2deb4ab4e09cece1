"""Thirty days of past conversations, made from templates; the same for the same seed number."""

from __future__ import annotations

import random
from typing import Any

Row = dict[str, Any]
# who of the six operators took conversations of a purpose
TAKEN_BY = {
    "sales_won": "camila@mercante.example",
    "support": "davi@mercante.example",
    "second_copy": "julia@mercante.example",
    "complaint": "helena@mercante.example",
    "cancel": "renato@mercante.example",
}
DAY_S = 24 * 3600
PAST_CONVERSATIONS = 60

# (purpose, lines); "c" customer, "a" agent (AI), "o" operator; {plan} and {price} come from the catalogue
TEMPLATES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("sales_won", (
        ("c", "Oi, vi o anúncio de vocês"), ("a", "Oi, {first}! Que tipo de comércio você tem?"),
        ("c", "Tenho {store}"), ("a", "Para isso temos o {plan}, por {price} {unit}. Fica bom para você?"),
        ("c", "Fica sim, quero começar essa semana"), ("a", "Ótimo! Vou passar você para o nosso time de vendas."),
        ("o", "Oi, {first}! Aqui é a Camila, da Mercante Demo. Vamos fechar?"), ("c", "Vamos!"),
        ("o", "Prontinho, o acesso chega no seu e-mail hoje.") )),
    ("sales_lost", (
        ("c", "quanto custa?"), ("a", "Oi, {first}! O {plan} sai por {price} {unit}. Que comércio você tem?"),
        ("c", "{store}. Achei caro, vou pensar"), ("a", "Sem problema! Fico por aqui se quiser ver algo depois."))),
    ("hours", (
        ("c", "Vocês atendem no sábado?"), ("a", "No sábado não tem plantão: atendemos de segunda a sexta, das 9h às 18h."),
        ("c", "valeu"), ("a", "Eu que agradeço!"))),
    ("support", (
        ("c", "Meu caixa não abre"), ("a", "Sinto muito pelo transtorno. Vou chamar uma pessoa do suporte."),
        ("o", "Oi, {first}, aqui é o Davi. Pode reiniciar o computador e tentar de novo?"), ("c", "Abriu! Obrigado"),
        ("o", "Perfeito, qualquer coisa estamos aqui."))),
    ("second_copy", (
        ("c", "Preciso da segunda via do boleto"), ("a", "Uma pessoa da equipe confirma o titular e cuida disso. Já estou chamando."),
        ("o", "{first}, pode me confirmar os três primeiros números do CPF?"), ("c", "{cpf3}"),
        ("o", "Obrigada! Mandei o boleto para o seu e-mail."))),
    ("complaint", (
        ("c", "Vocês me cobraram duas vezes!!!"), ("a", "Sinto muito por essa experiência. Vou chamar agora uma pessoa da equipe."),
        ("o", "{first}, aqui é a Helena. Já vi o que houve e o estorno foi pedido."), ("c", "Tá bom, fico no aguardo"))),
    ("cancel", (
        ("c", "quero cancelar"), ("a", "Entendi. Vou chamar uma pessoa da equipe para cuidar disso com você."),
        ("o", "Oi, {first}. Posso saber o motivo?"), ("c", "Fechei a loja"), ("o", "Sinto muito. Cancelamento registrado, sem multa."))),
    ("call", (
        ("c", "Queria uma demonstração"), ("a", "Claro! Que dia e horário ficam bons?"), ("c", "quinta às 15h"),
        ("a", "Combinado! Deixei a ligação registrada para quinta às 15h."))),
    ("renewal", (
        ("a", "{first}, sua assinatura do {plan} está perto do fim. Quer conversar sobre a renovação?"),
        ("c", "Quero renovar sim"), ("a", "Ótimo! Vou registrar e uma pessoa confirma com você."), ("c", "ok"))),
    ("module", (
        ("c", "vocês têm integração com delivery?"), ("a", "Temos o Módulo Delivery, por {delivery} por mês. Quer saber mais?"),
        ("c", "Agora não, obrigado"), ("a", "Sem problema!"))),
    ("english", (
        ("c", "Hi, do you work with small stores?"), ("a", "Hi, {first}! Yes, we do. What kind of store do you have?"),
        ("c", "A bakery"), ("a", "The {plan} is {price} {unit}. Would that fit?"), ("c", "Thanks, I'll think about it"))),
    ("silence", (("c", "oi"), ("a", "Oi, {first}! Me conta: que tipo de comércio você tem?"))),
)  # fmt: skip
STORES = (
    "uma padaria",
    "um mercadinho",
    "uma papelaria",
    "um pet shop",
    "uma loja de roupas",
    "uma oficina",
    "uma farmácia",
)


def money_text(centavos: int) -> str:
    whole, rest = divmod(centavos, 100)
    return f"R$ {whole:,}".replace(",", ".") + f",{rest:02d}"


def past_conversations(seed: int, customers: list[Row], products: list[Row]) -> list[Row]:
    """`started_at_offset_s` is negative: seconds before now. Offsets of messages are from the start."""
    dice = random.Random(seed * 7 + 1)
    plans = [p for p in products if p["kind"] == "plan"]
    delivery = next(p for p in products if p["sku"] == "MODULO-DELIVERY")
    rows: list[Row] = []
    for index in range(PAST_CONVERSATIONS):
        purpose, lines = TEMPLATES[index % len(TEMPLATES)]
        customer, plan = customers[(index * 3 + 5) % len(customers)], dice.choice(plans)
        parts = {
            "first": customer["name"].split()[0],
            "store": dice.choice(STORES),
            "plan": plan["name"],
            "price": money_text(plan["price_centavos"]),
            "unit": plan["unit"],
            "delivery": money_text(delivery["price_centavos"]),
            "cpf3": customer["cpf"][:3],
        }
        start = -int(30 * DAY_S * (index + 1) / (PAST_CONVERSATIONS + 2)) - dice.randrange(3600)
        rows.append(
            {
                "id": f"past-{index + 1:03d}",
                "customer": customer["id"],
                "phone": customer["phone"],
                "name": customer["name"],
                "purpose": purpose,
                "started_at_offset_s": start,
                "operator": TAKEN_BY.get(purpose),
                "messages": _messages(dice, lines, parts),
            }
        )
    return rows


def _messages(
    dice: random.Random, lines: tuple[tuple[str, str], ...], parts: dict[str, str]
) -> list[Row]:
    authors = {"c": "contact", "a": "agent", "o": "operator"}
    pause = {"c": (15, 240), "a": (3, 8), "o": (40, 600)}
    at, rows = 0, []
    for index, (who, text) in enumerate(lines):
        if index:
            at += dice.randrange(*pause[who])
        rows.append({"from": authors[who], "text": text.format(**parts), "offset_s": at})
    return rows
