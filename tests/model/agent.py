"""An agent of controllable duration whose answers name the messages they answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from domain.reply import AgentTurn, ModelCall, Outcome, Reply, RequestHandoff
from domain.turn_context import TurnContext

TOKEN = re.compile(r"\bc\d+m\d+\b")
_INPUT_TOKENS = 1500
_OUTPUT_TOKENS = 120
_WHOLE = 1.0


@dataclass
class Mind:
    """How the model answers in this run; times in seconds, the rest are shares of turns."""

    seconds: tuple[float, float] = (0.2, 2.0)
    two_bubbles: float = 0.2
    money: float = 0.1
    hands_off: float = 0.05
    fails: float = 0.0


@dataclass
class NamingAgent:
    """One model for all processes; `calls` counts them and `wasted` those that were cut off."""

    dice: Random
    mind: Mind = field(default_factory=Mind)
    thinking: int = 0
    calls: int = 0
    cancelled: int = 0
    tokens: float = 0.0
    wasted: float = 0.0
    #: Texts that were asked about, call by call.
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def answer(
        self, context: TurnContext, *, on_stage: Callable[[str, Mapping[str, object]], None]
    ) -> AgentTurn:
        on_stage("model.called", {"model": "naming"})
        self.asked.append(tuple(p.text for p in context.pending))
        self.calls += 1
        takes = self.dice.uniform(*self.mind.seconds)
        await self._think(takes)
        if self.dice.random() < self.mind.fails:
            raise DefectiveModelError
        tokens = [t for p in context.pending for t in TOKEN.findall(p.text)]
        bubbles: tuple[str, ...] = (f"respondo {' '.join(tokens)}",)
        if self.dice.random() < self.mind.two_bubbles:
            bubbles = (*bubbles, f"e mais {' '.join(tokens)}")
        handoff = None
        if self.dice.random() < self.mind.hands_off:
            handoff = RequestHandoff(reason="quer uma pessoa")
        return AgentTurn(
            reply=Reply(message=bubbles[0], qualification_score=0.5),
            bubbles=bubbles,
            outcome=Outcome.ANSWERED,
            handoff=handoff,
            model_calls=(
                ModelCall(model="naming", input_tokens=_INPUT_TOKENS, output_tokens=_OUTPUT_TOKENS),
            ),
            carries_money=self.dice.random() < self.mind.money,
        )

    async def _think(self, seconds: float) -> None:
        """A call that is cut off has cost its input and what was written of its output."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        self.thinking += 1
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            share = (loop.time() - started) / seconds if seconds else _WHOLE
            cost = _INPUT_TOKENS + _OUTPUT_TOKENS * share
            self.tokens += cost
            self.wasted += cost
            raise
        finally:
            self.thinking -= 1
        self.tokens += _INPUT_TOKENS + _OUTPUT_TOKENS


class DefectiveModelError(Exception):
    """A defect of ours inside the turn, as far as the core can tell."""
