"""The demo's five scenes. Each says what was sent, what came of it, and whether that is right."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cli.demo_stage import LOOK_EVERY_S, Customer, Row, Stage, text_of, wait_for
from cli.steps import seconds
from domain.handoff import is_qualified

QUESTION: Final = "Quanto custa o plano inicial?"
LEAD: Final = (
    "Oi, quero saber dos planos de vocês",
    "Tenho uma padaria e preciso controlar o estoque e o caixa",
    "Meu orçamento é até R$ 300 por mês e quero começar esta semana",
)
QUICK: Final = ("então", "eu tenho", "uma padaria", "e queria saber", "o preço do plano inicial?")
PERSON: Final = "Oi! Aqui é a Helena, da equipe. Vi o seu caso: posso te ligar hoje às 15h?"
THINKING_MS: Final = 3000
COPIES: Final = 5
#: A second answer to a repeated or recovered message would come within this time.
SECOND_ANSWER_S: Final = 4.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One row of the final table. `wrong` is empty when all is as promised."""

    what: str
    sent: str
    turns: str
    answers: str
    times: str
    wrong: Sequence[str]


class Checks:
    """Collects what is not as promised."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)


def lead_to_person(customer: Customer, say: Say) -> Scene:
    """A lead qualifies itself; a person finds it in the queue, takes it over and answers."""
    checks, stage, times = Checks(), customer.stage, []
    before = committed(customer)
    for text in LEAD:
        count, began = len(customer.answers()), time.monotonic()
        say(f"{customer.name}: {text}")
        customer.say(text)
        answer = text_of(customer.wait_for_answers(count + 1)[-1])
        times.append(time.monotonic() - began)
        say(f"  Vitrine ({seconds(times[-1])}): {shortened(answer)}")
    shown = customer.wait_until_quiet()
    score, handoff = shown["score"] or 0.0, shown["handoff"] or {}
    turns, count = committed(customer) - before, len(customer.answers())
    say(f"  nota {score:.2f}; na fila: {handoff.get('reason', 'não')}")
    checks.expect(is_qualified(score), f"nota {score:.2f}, esperada acima de 0,8")
    checks.expect(handoff.get("state") == "queued", "não entrou na fila de pessoas")
    card = asyncio.run(stage.card(customer.conversation_id))
    checks.expect(bool(card), "sem ficha para quem atende")
    say(f"  ficha: {shortened(card_text(card))}")
    fence = take_over(customer)
    customer.stage.api.post(
        "/conversation", {"conversation_id": customer.conversation_id, "text": PERSON}
    )
    say(f"  uma pessoa assumiu (época {fence['epoch']}) e respondeu")
    received = [text_of(one) for one in customer.wait_for_answers(count + 1)]
    checks.expect(received[-1] == PERSON, "a resposta da pessoa não chegou")
    checks.expect(len(received) == count + 1, "a IA respondeu depois da pessoa")
    return Scene(
        what="lead → qualificado → pessoa",
        sent=f"{len(LEAD)} mensagens",
        turns=str(turns),
        answers=f"{len(LEAD)} da IA, 1 da pessoa",
        times=f"nota {score:.2f}; resposta em {seconds(sorted(times)[len(times) // 2])}",
        wrong=checks.wrong,
    )


def five_quick(customer: Customer, say: Say) -> Scene:
    """Somebody writes in five pieces and gets one answer."""
    checks, before, count = Checks(), customer.conversation()["turns"], len(customer.answers())
    for text in QUICK:
        say(f"{customer.name}: {text}")
        customer.say(text)
    began = time.monotonic()
    customer.wait_for_answers(count + 1)
    took = time.monotonic() - began
    shown = customer.wait_until_quiet()
    new = [t for t in shown["turns"][len(before) :] if t["state"] == "committed"]
    inputs = sum(len(turn["inputs"]) for turn in new)
    answers = len(customer.answers()) - count
    say(f"  {len(new)} turno com {inputs} mensagens, {answers} resposta")
    checks.expect(len(new) == 1, f"{len(new)} turnos, esperado 1")
    checks.expect(inputs == len(QUICK), f"o turno leu {inputs} mensagens, esperadas {len(QUICK)}")
    checks.expect(answers == 1, f"{answers} respostas, esperada 1")
    return Scene(
        what="cinco mensagens seguidas",
        sent=f"{len(QUICK)} mensagens",
        turns=str(len(new)),
        answers=str(answers),
        times=f"{seconds(took)} depois da última",
        wrong=checks.wrong,
    )


def takeover_while_thinking(customer: Customer, say: Say) -> Scene:
    """A person takes over during a model call: nothing of the AI leaves."""
    checks, count = Checks(), len(customer.answers())
    with customer.stage.slow_model(THINKING_MS):
        say(f"{customer.name}: {QUESTION}")
        customer.say(QUESTION)
        customer.wait_for_turn()
        began = time.monotonic()
        fence = take_over(customer)
        took = time.monotonic() - began
        say(f"  pessoa assumiu com o modelo pensando; a caminho: {fence['in_flight'] or 'nada'}")
        fenced = wait_for(
            "turno cortado no diário",
            lambda: [t for t in customer.conversation()["turns"] if t["state"] == "fenced"],
            within=20,
            every=LOOK_EVERY_S,
        )
        time.sleep(THINKING_MS / 1000 + 0.5)  # the answer would have come by then
    leaked = len(customer.answers()) - count
    checks.expect(leaked == 0, f"{leaked} mensagens da IA saíram depois")
    checks.expect(not fence["in_flight"], "havia mensagem a caminho")
    return Scene(
        what="pessoa assume durante o modelo",
        sent="1 mensagem",
        turns=f"{len(fenced)} cortado",
        answers=f"{leaked} da IA; a caminho: {len(fence['in_flight'])}",
        times=f"assumida em {seconds(took)}",
        wrong=checks.wrong,
    )


def actor_killed(customer: Customer, say: Say) -> Scene:
    """The conversation's Ray actor dies by SIGKILL mid-turn; the message is answered once."""
    checks, count, before = Checks(), len(customer.answers()), committed(customer)
    name, process = customer.stage.process_of(customer.conversation_id)
    with customer.stage.slow_model(THINKING_MS):
        say(f"{customer.name}: {QUESTION}")
        customer.say(QUESTION)
        customer.wait_for_turn()
        process.kill()
        began = time.monotonic()
        say(f"  SIGKILL em {name} (processo {process.pid}) no meio do turno")
        customer.wait_for_answers(count + 1, within=90)
        took = time.monotonic() - began
    customer.wait_until_quiet(within=90)
    time.sleep(SECOND_ANSWER_S)
    answers, turns = len(customer.answers()) - count, committed(customer) - before
    say(f"  respondida {answers} vez, {seconds(took)} depois da morte")
    checks.expect(answers == 1, f"{answers} respostas, esperada 1")
    checks.expect(turns == 1, f"{turns} turnos valeram, esperado 1")
    return Scene(
        what="ator morto no meio do turno",
        sent="1 mensagem, 1 SIGKILL",
        turns=str(turns),
        answers=str(answers),
        times=f"de volta em {seconds(took)}",
        wrong=checks.wrong,
    )


def same_webhook(customer: Customer, say: Say) -> Scene:
    """Meta delivers the same webhook five times; it is worked once."""
    checks, count, before = Checks(), len(customer.answers()), committed(customer)
    inbound = contact_messages(customer)
    say(f"{customer.name}: {QUESTION}  (o mesmo webhook {COPIES} vezes)")
    began = time.monotonic()
    customer.say(QUESTION, copies=COPIES)
    customer.wait_for_answers(count + 1)
    took = time.monotonic() - began
    customer.wait_until_quiet()
    time.sleep(SECOND_ANSWER_S)
    answers, turns = len(customer.answers()) - count, committed(customer) - before
    stored = contact_messages(customer) - inbound
    say(f"  guardada {stored} vez, respondida {answers} vez")
    checks.expect(answers == 1, f"{answers} respostas, esperada 1")
    checks.expect(stored == 1, f"guardada {stored} vezes, esperada 1")
    return Scene(
        what="o mesmo webhook cinco vezes",
        sent=f"{COPIES} entregas",
        turns=str(turns),
        answers=str(answers),
        times=f"respondida em {seconds(took)}",
        wrong=checks.wrong,
    )


def take_over(customer: Customer) -> Any:
    return customer.stage.api.post(f"/conversations/{customer.conversation_id}/takeover", {})


def committed(customer: Customer) -> int:
    """How many turns of this conversation counted."""
    return sum(turn["state"] == "committed" for turn in customer.conversation()["turns"])


def contact_messages(customer: Customer) -> int:
    return sum(m["author"] == "contact" for m in customer.conversation()["messages"])


def card_text(card: Row) -> str:
    """The card's fields in one line, whichever there are."""
    parts = [f"{key}: {value}" for key, value in card.items() if isinstance(value, str) and value]
    return "; ".join(parts)


def shortened(text: str, width: int = 100) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= width else one_line[: width - 1] + "…"


#: Who plays what, in order.
SCENES: Final[tuple[tuple[str, str, Callable[[Customer, Say], Scene]], ...]] = (
    ("Paula Nunes", "1. Um lead se qualifica e uma pessoa assume", lead_to_person),
    ("Caio Prado", "2. Cinco mensagens seguidas são um turno só", five_quick),
    ("Rita Lemos", "3. Uma pessoa assume enquanto o modelo pensa", takeover_while_thinking),
    ("Davi Rocha", "4. O ator da conversa morre no meio do turno", actor_killed),
    ("Lia Torres", "5. A Meta entrega o mesmo webhook cinco vezes", same_webhook),
)


def play(stage: Stage, say: Say, announce: Callable[[str], None]) -> list[Scene]:
    """All scenes in order. `announce` hears the title of each. Raises TooLateError."""
    customers = stage.customers([name for name, _, _ in SCENES])
    played = []
    for customer, (_, title, scene) in zip(customers, SCENES, strict=True):
        announce(title)
        played.append(scene(customer, say))
    return played
