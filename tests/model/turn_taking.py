"""Measures turn-taking on the synthetic rhythms, through the real cores in virtual time.

python -P -m tests.model.turn_taking
"""

from __future__ import annotations

import logging
import statistics
import sys
from dataclasses import dataclass
from typing import Final

import structlog
from typing_extensions import override

from config import limits
from domain.content import Text
from domain.ids import ConversationId
from domain.inbound import InboundMessage, Sender
from domain.turn import QuietRule
from tests.fakes.meta import Mood
from tests.model.agent import Mind
from tests.model.rhythms import PACE_S, WEBHOOK_S, Burst, bursts
from tests.model.world import FACADE, World

#: Seconds a whole model call takes, as real ones do.
MODEL_S: Final = (1.5, 4.0)
RULE: Final = QuietRule(base=limits.QUIET_PERIOD, cap=limits.QUIET_CAP)
_EVERY_S: Final = 0.25
BURSTS: Final = 1000
SEED: Final = 20261123


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    bursts: int
    answered_once: float
    #: Seconds from the arrival of the last fragment to the start of the turn that answers it.
    wait_p50: float
    wait_p95: float
    wasted_tokens: float
    #: Seconds from the arrival of the last fragment to the message Meta took.
    answer_p50: float
    answer_p95: float

    @override
    def __str__(self) -> str:
        return (
            f"{self.bursts} synthetic bursts: {self.answered_once:.1%} answered once; added wait "
            f"p50 {self.wait_p50:.2f} s, p95 {self.wait_p95:.2f} s; answer p50 {self.answer_p50:.1f} s, "
            f"p95 {self.answer_p95:.1f} s; {self.wasted_tokens:.1%} of tokens wasted on superseded calls"
        )


def measure(
    count: int = BURSTS, *, rule: QuietRule = RULE, pace_s: float = PACE_S, seed: int = SEED
) -> Figures:
    """Each burst is a contact of its own; four begin each second."""
    world = World(seed, quiet=rule)
    world.network.trouble.way = (0.001, 0.005)
    world.agent.mind = Mind(seconds=MODEL_S, two_bubbles=0, money=0, hands_off=0)
    world.meta.mood = Mood(doubled=0.2, delay=WEBHOOK_S)
    drawn = bursts(count, seed=seed, pace_s=pace_s)
    rows = [_plays(world, n, burst) for n, burst in enumerate(drawn)]
    world.loop.advance(count * _EVERY_S + 60)
    figures = _figures(world, rows)
    world.end()
    return figures


def _plays(world: World, n: int, burst: Burst) -> ConversationId:
    wa_id = f"55319{n:08d}"
    row = world.db.add_contact(wa_id, name="Ana", ai_consent="granted")

    def says(place: int, text: str) -> None:
        message = InboundMessage(
            field="messages", wamid=f"wamid.{n}.{place}", sender=Sender(wa_id=wa_id),
            sent_at=world.loop.datetime(), content=Text(body=text), phone_number_id=FACADE,
        )  # fmt: skip
        world.meta.post([message])

    for place, (at, text) in enumerate(burst.fragments):
        world.loop.call_later(n * _EVERY_S + at, says, place, text)
    return row.id


def _figures(world: World, rows: list[ConversationId]) -> Figures:
    once, waits, answers = 0, [], []
    sent = {world.db.attempts[p.attempt_id].outbox_id: p.at for p in world.meta.posts}
    for row in rows:
        events = [e for e in world.db.events[row] if e.kind == "message"]
        turns = {e.turn_id for e in events}
        assert None not in turns, "a fragment was not answered"
        once += len(turns) == 1
        last = max(events, key=lambda e: e.received_at)
        assert last.turn_id is not None
        waited = world.db.turns[last.turn_id].started_at - last.received_at
        waits.append(waited.total_seconds())
        answer = next(r for r in world.db.outbox_of[row] if r.turn_id == last.turn_id)
        answers.append((sent[answer.id] - last.received_at).total_seconds())
    return Figures(
        bursts=len(rows),
        answered_once=once / len(rows),
        wait_p50=statistics.median(waits),
        wait_p95=statistics.quantiles(waits, n=20)[-1],
        wasted_tokens=world.agent.wasted / world.agent.tokens,
        answer_p50=statistics.median(answers),
        answer_p95=statistics.quantiles(answers, n=20)[-1],
    )


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    lines = [str(measure())]
    lines += [f"pace {p} s, not asserted: {measure(pace_s=p)}" for p in (1.4, 2.6, 3.5)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
