"""Simulated customers who write, tap, wait and read, at a light or a full pace."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any, Literal

from sandbox.people import Customer
from sandbox.world import World

Pace = Literal["off", "light", "full"]
# seconds between two new conversations
BETWEEN_S: dict[str, tuple[float, float]] = {"light": (6.0, 14.0), "full": (0.3, 1.0)}
ANSWER_WITHIN_S = 90.0
SCRIPTS: tuple[tuple[str, ...], ...] = (
    ("Oi, quero saber do plano", "Tenho uma padaria e preciso controlar o estoque", "Até uns 200 reais por mês tá ok",
     "Quero começar essa semana", "amanhã às 15h"),
    ("bom dia|vocês têm sistema pra mercadinho?|com nota fiscal", "meu mercado tem 2 caixas", "gostei do preço", "semana que vem"),
    ("qual o horário de vocês?", "valeu!"),
    ("quanto custa o módulo delivery?", "ok, obrigado"),
    ("preciso da 2ª via do boleto",),
    ("quero cancelar minha assinatura",),
    ("meu sistema travou na hora de fechar o caixa",),
    ("vocês são uma empresa de verdade?", "quero falar com uma pessoa"),
    ("oi|tudo bem?|queria uma informação", "integra com ifood?", "tem teste grátis?", "não, obrigado"),
    ("Hi, how much are the plans?", "I have a small store", "thanks"),
    ("quem ganhou o jogo ontem?", "kkk ok. aceita pix?"),
    ("👍",),
)  # fmt: skip


class Traffic:
    def __init__(self, world: World) -> None:
        self.world = world
        self.pace: Pace = "off"
        self.active = 0
        self.finished = 0
        self.unanswered = 0
        self._task: asyncio.Task[None] | None = None
        self._talks: set[asyncio.Task[None]] = set()

    def state(self) -> dict[str, Any]:
        return {
            "pace": self.pace,
            "active": self.active,
            "finished": self.finished,
            "unanswered": self.unanswered,
        }

    async def set_pace(self, pace: Pace) -> None:
        self.pace = pace
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if pace != "off":
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        await self.set_pace("off")
        for talk in list(self._talks):
            talk.cancel()
        if self._talks:
            await asyncio.gather(*self._talks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            quiet = [c for c in self.world.people.by_id.values() if _free(c)]
            if quiet:
                customer = random.choice(quiet)
                customer.simulated = True
                talk = asyncio.create_task(self._talk(customer, random.choice(SCRIPTS)))
                self._talks.add(talk)
                talk.add_done_callback(self._talks.discard)
            await asyncio.sleep(random.uniform(*BETWEEN_S[self.pace]))

    async def _talk(self, customer: Customer, script: Sequence[str]) -> None:
        self.active += 1
        try:
            for line in script:
                if not await self.exchange(customer, line.split("|")):
                    self.unanswered += 1
                    return
                await asyncio.sleep(random.uniform(1.0, 5.0))
            self.finished += 1
        finally:
            self.active -= 1
            customer.simulated = False

    async def exchange(self, customer: Customer, texts: Sequence[str]) -> bool:
        """Write these messages in a row and wait for an answer; taps consent buttons like a person."""
        number = self.world.number(None)
        for index, text in enumerate(texts):
            if index:
                await asyncio.sleep(random.uniform(0.6, 1.8))
            self.world.inbound.say(customer, number, {"kind": "text", "body": text})
        answer = await self._answer(customer, after=self._last_seq(customer))
        if answer is not None and (choice := _first_button(answer["content"])) is not None:
            await asyncio.sleep(random.uniform(0.5, 1.5))
            after = self._last_seq(customer)
            self.world.inbound.tap(customer, number, wamid=answer["wamid"], choice=choice)
            answer = await self._answer(customer, after=after)
        return answer is not None

    def _last_seq(self, customer: Customer) -> int:
        chat = self.world.ledger.chat(customer.id, limit=1)
        return int(chat[-1]["seq"]) if chat else 0

    async def _answer(self, customer: Customer, *, after: int) -> dict[str, Any] | None:
        until = time.monotonic() + ANSWER_WITHIN_S
        while time.monotonic() < until:
            for row in self.world.ledger.entries(
                after=after, customer=customer.id, direction="out"
            ):
                if row["type"] != "reaction":
                    return row
            await asyncio.sleep(0.3)
        return None


def _free(customer: Customer) -> bool:
    return customer.on_whatsapp and not customer.simulated and not customer.pinned


def _first_button(content: dict[str, Any]) -> str | None:
    buttons = ((content.get("interactive") or {}).get("action") or {}).get("buttons") or []
    return str(buttons[0]["reply"]["id"]) if buttons else None
