"""A person acts at any instant of an answer's way: loading, thinking, commit, claim, POST.

Once at every quarter of a millisecond of one fixed way, then at instants drawn with everything else
(latencies, order of ready tasks, what Meta does) by as many seeds as the profile names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, Final, cast

import pytest
from hypothesis import settings

from domain.content import Text
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId, MessageId
from domain.inbound import InboundMessage, Sender
from domain.outbox import OutboxState
from domain.turn import QuietRule
from storage.human_actions import Fence, OperatorReply
from storage.receipts import Received
from tests.fakes.human_actions import FakeHumanActions
from tests.fakes.intake import FakeIntake
from tests.fakes.meta import Mood
from tests.fakes.processes import in_one_step
from tests.model.agent import Mind
from tests.model.journal import Journal
from tests.model.oracle import Oracle
from tests.model.world import FACADE, OWNERS, World

NIGHTLY: Final = settings.get_current_profile_name() == "nightly"
SEEDS: Final = 1_000_000 if NIGHTLY else 1000
#: As many to a test, so that the hour of the nightly size shows how far it is.
AT_ONCE: Final = 10_000
ACTS: Final = ("takeover", "reply", "hand_back", "close", "mute")
WA_ID: Final = "5531988880001"
#: After the ring is through, a model call of before the act may not go on.
CANCELLED_WITHIN_S: Final = 0.03
NO_WAIT: Final = QuietRule(base=timedelta(0), cap=timedelta(seconds=15))

pytestmark = pytest.mark.timeout(0 if NIGHTLY else 120)


@dataclass
class Scene:
    """One contact who has written, one owner who is about to answer."""

    world: World
    oracle: Oracle
    row: ConversationId

    @classmethod
    def of(cls, seed: int, *, shuffled: bool = True) -> Scene:
        world = World(seed, shuffled=shuffled, quiet=NO_WAIT, processes=OWNERS)
        oracle = Oracle(world)
        row = world.db.add_contact(WA_ID, name="Ana", ai_consent="granted").id
        world.owners_of[row] = [OWNERS[0]]
        world.agent.mind = Mind(seconds=(0.0, 0.01), money=0.0, hands_off=0.0)
        # No webhook runs here: statuses would be posted in vain all the time, and a tenth of it is that.
        world.meta.mood = Mood(mute=1.0)
        return cls(world, oracle, row)

    def writes(self, n: int = 1) -> None:
        """A message is stored and its ring is on its way."""
        message = InboundMessage(
            field="messages", wamid=f"wamid.IN{n}", sender=Sender(wa_id=WA_ID),
            sent_at=self.world.loop.datetime(), content=Text(body=f"c1m{n} quanto custa?"),
            phone_number_id=FACADE,
        )  # fmt: skip
        self.oracle.written[message.wamid] = f"c1m{n}"
        request = Received(body=b"", items=(message,), at=message.sent_at)
        in_one_step(FakeIntake(self.world.db).store([request]))
        self.rings(RingReason.MESSAGE)

    def rings(self, reason: RingReason) -> None:
        self.world.bell(Ring(conversation_id=self.row, reason=reason))

    def acts(self, act: str) -> Fence:
        """The act's transaction happens now; its ring follows as the API sends it."""
        acts, by = FakeHumanActions(self.world.db), self.world.acting()
        doing: dict[str, Callable[[], Awaitable[Any]]] = {
            "takeover": lambda: acts.takeover(self.row, by),
            "reply": lambda: acts.reply(self.row, by, Text(body="aqui é a Bia")),
            "hand_back": lambda: acts.hand_back(self.row, by, None),
            "close": lambda: acts.close(self.row, by, ""),
            "mute": lambda: acts.mute(self.row, by),
        }
        done: object = in_one_step(cast(Any, doing[act]()))
        self.rings(RingReason.FENCE)
        if act == "reply":
            self.rings(RingReason.OUTBOX)
        fence = done.fence if isinstance(done, OperatorReply) else done
        assert isinstance(fence, Fence)
        return fence

    def goes_at(self, act: str, after_s: float) -> None:
        """Acts at that instant and checks everything that is promised of it."""
        world = self.world
        if after_s:
            world.loop.advance(after_s)
        flying = {
            MessageId(r.message_id)
            for r in world.db.rows(self.row, OutboxState.CLAIMED, OutboxState.UNKNOWN)
            if r.author == "agent"
        }
        before = len(world.meta.posts)
        asked = world.agent.calls
        fence = self.acts(act)
        assert set(fence.in_flight) == flying
        world.loop.advance(CANCELLED_WITHIN_S)
        if act != "hand_back":
            assert world.agent.thinking == 0, "a model call goes on after the act"
            # Each owner may have read before the act and ask before its ring is through.
            owners = len(world.owners(self.row))
            assert world.agent.calls <= asked + owners, "models are asked after the act"
        world.loop.advance(30)
        self.check_posts(before, fence, act)
        assert self.oracle.broken == []

    def check_posts(self, before: int, fence: Fence, act: str) -> None:
        """After the act leaves what was in flight, what a person wrote, and what is answered anew."""
        db = self.world.db
        rows = [
            db.outbox[db.attempts[p.attempt_id].outbox_id] for p in self.world.meta.posts[before:]
        ]
        for row in rows:
            new = act == "hand_back" and row.epoch == fence.epoch
            known = row.message_id in fence.in_flight or row.author == "operator" or new
            assert known, f"{row.author} {row.content} left after {act}"
        written = [r for r in db.outbox_of[self.row] if r.author == "operator"]
        assert len(written) == (act == "reply")
        assert all(r.state != OutboxState.WITHDRAWN for r in written)


@pytest.fixture(autouse=True)
def journal():
    journal = Journal()
    yield
    journal.close()
    assert journal.defects() == []


def length_of_the_way() -> float:
    """Seconds from the ring to the result of the last send, when nobody acts."""
    scene = fixed_way()
    scene.world.loop.until(
        lambda: [r.state for r in scene.world.db.outbox.values()] == [OutboxState.ACCEPTED]
    )
    took = scene.world.loop.now
    scene.world.end()
    return took


def fixed_way(thinks_s: float = 0.004) -> Scene:
    scene = Scene.of(7, shuffled=False)
    scene.world.network.trouble.way = scene.world.bells.way = (0.001, 0.001)
    scene.world.agent.mind = Mind(seconds=(thinks_s, thinks_s), two_bubbles=0, money=0, hands_off=0)
    scene.writes()
    return scene


@pytest.mark.parametrize("act", ACTS)
def test_an_act_at_every_instant_of_an_answers_way_keeps_its_promise(act):
    instants = round(length_of_the_way() * 4000) + 8
    assert instants > 60
    for instant in range(instants):
        scene = fixed_way()
        scene.goes_at(act, instant / 4000)
        scene.world.end()


@pytest.mark.parametrize("act", ["takeover", "reply", "close", "mute"])
def test_a_long_model_call_is_cancelled_wherever_it_was_when_the_person_acted(act):
    """Also one that begins with what was read before the act, while its ring is already through."""
    for instant in range(80):
        scene = fixed_way(thinks_s=30)
        scene.goes_at(act, instant / 4000)
        assert all(r.author == "operator" for r in scene.world.db.outbox.values())
        scene.world.end()


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_an_act_at_any_instant_of_any_interleaving_keeps_its_promise(first):
    for seed in range(first, min(first + AT_ONCE, SEEDS)):
        scene = Scene.of(seed)
        dice, world = scene.world.dice, scene.world
        act = dice.choice(ACTS)
        world.meta.mood = Mood(not_sent=0.1, silent=0.05, refused=0.05, mute=1.0)
        if dice.random() < 0.2:
            world.agent.mind = Mind(seconds=(5.0, 9.0))
        if dice.random() < 0.2:
            world.owners_of[scene.row] = list(OWNERS)
        serial = count(1)
        for _ in range(dice.randint(1, 3)):
            scene.writes(next(serial))
            world.loop.advance(dice.uniform(0, 0.01))
        try:
            scene.goes_at(act, dice.uniform(0, 0.05))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {act}: {error}") from error
        finally:
            world.end()
