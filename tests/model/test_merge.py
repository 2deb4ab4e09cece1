"""Two contacts turn out to be one person at any instant of an answer's way, in either conversation.

Once at every quarter of a millisecond of one fixed way, where each word is answered exactly once; then
at instants drawn with everything else by as many seeds as the profile names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Final

import pytest
from hypothesis import settings

from domain.content import Text
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId, new_id
from domain.inbound import IdentityChange, InboundMessage, Sender
from domain.turn import QuietRule
from storage.receipts import Receipt, Received
from tests.fakes.human_actions import FakeHumanActions
from tests.fakes.intake import FakeIntake
from tests.fakes.meta import Mood
from tests.fakes.processes import in_one_step
from tests.fakes.tables import TimerTable
from tests.model.agent import Mind
from tests.model.journal import Journal
from tests.model.oracle import Oracle
from tests.model.world import FACADE, OWNERS, World

NIGHTLY: Final = settings.get_current_profile_name() == "nightly"
SEEDS: Final = 20_000 if NIGHTLY else 300
#: As many to a test, so that the nightly size shows how far it is.
AT_ONCE: Final = 1000
PHONE: Final = "5531988880001"
BSUID: Final = "BR.1"
#: One answer's way in each conversation, and a little more.
INSTANTS: Final = 100
NO_WAIT: Final = QuietRule(base=timedelta(0), cap=timedelta(seconds=15))

pytestmark = pytest.mark.timeout(0 if NIGHTLY else 120)


@dataclass
class Scene:
    """One person known twice, who has written under both names; `kept` is the one with the BSUID."""

    world: World
    oracle: Oracle
    kept: ConversationId
    gone: ConversationId

    @classmethod
    def of(cls, seed: int, *, shuffled: bool = True) -> Scene:
        world = World(seed, shuffled=shuffled, quiet=NO_WAIT)
        oracle = Oracle(world)
        gone = world.db.add_contact(PHONE, name="Ana", ai_consent="granted").id
        kept = world.db.add_contact(bsuid=BSUID, name="Ana", ai_consent="granted").id
        world.owners_of = {kept: [OWNERS[0]], gone: [OWNERS[1]]}
        world.agent.mind = Mind(seconds=(0.0, 0.01), money=0.0, hands_off=0.0)
        return cls(world, oracle, kept, gone)

    def writes(self, n: int, *, phone: str | None = None, bsuid: str | None = None) -> Receipt:
        """A message is stored and its rings are on their way."""
        message = InboundMessage(
            field="messages", wamid=f"wamid.IN{n}", content=Text(body=f"c1m{n} quanto custa?"),
            sender=Sender(wa_id=phone, bsuid=bsuid, name="Ana"),
            sent_at=self.world.loop.datetime(), phone_number_id=FACADE,
        )  # fmt: skip
        self.oracle.written[message.wamid] = f"c1m{n}"
        return self._stores(message)

    def _stores(self, item: InboundMessage | IdentityChange) -> Receipt:
        request = Received(body=b"", items=(item,), at=self.world.loop.datetime())
        receipt: Receipt = in_one_step(FakeIntake(self.world.db).store([request]))
        for ring in receipt.rings:
            self.world.bell(ring)
        return receipt

    def begins(self) -> None:
        self.writes(1, phone=PHONE)
        self.writes(2, bsuid=BSUID)

    def merges(self, *, by_notice: bool) -> None:
        """A message of theirs, which supersedes drafts besides, or Meta's notice, which does not."""
        notice = IdentityChange(
            field="messages", wamid="wamid.NOTICE", change="user_changed_user_id",
            at=self.world.loop.datetime(), old_wa_id=PHONE, bsuid=BSUID, phone_number_id=FACADE,
        )  # fmt: skip
        receipt = self._stores(notice) if by_notice else self.writes(9, phone=PHONE, bsuid=BSUID)
        assert set(receipt.merged) == {self.kept, self.gone}

    def sets_a_timer(self) -> None:
        timer = TimerTable(
            id=new_id(), conversation_id=self.gone, kind="nudge", key="t",
            due_at=self.world.loop.datetime() + timedelta(seconds=1),
        )  # fmt: skip
        self.world.db.timers[timer.id] = timer
        self.oracle.timers.add(timer.id)

    def replies(self) -> None:
        """A person answers in the conversation that will go, and hands it back."""
        acts, by = FakeHumanActions(self.world.db), self.world.acting()
        in_one_step(acts.reply(self.gone, by, Text(body="aqui é a Bia")))
        in_one_step(acts.hand_back(self.gone, by, None))
        for reason in (RingReason.FENCE, RingReason.OUTBOX):
            self.world.bell(Ring(conversation_id=self.gone, reason=reason))

    def settles(self, within_s: float = 30) -> None:
        world = self.world
        end = world.loop.now + within_s
        while list(self.oracle.unsettled()) and world.loop.now < end:
            world.loop.advance(1)
        world.loop.advance(3)
        assert list(self.oracle.unsettled()) == []
        self.oracle.settled()
        assert self.oracle.broken == []


@pytest.fixture(autouse=True)
def journal():
    journal = Journal()
    yield
    journal.close()
    assert journal.defects() == []


@pytest.mark.parametrize("by_notice", [False, True])
@pytest.mark.parametrize("person", [False, True])
def test_a_merge_at_every_instant_of_an_answers_way_answers_every_word_once(person, by_notice):
    for instant in range(INSTANTS):
        scene = Scene.of(7, shuffled=False)
        world = scene.world
        world.network.trouble.way = world.bells.way = (0.001, 0.001)
        world.agent.mind = Mind(seconds=(0.004, 0.004), two_bubbles=0, money=0, hands_off=0)
        scene.begins()
        scene.sets_a_timer()
        world.loop.advance(instant / 4000)
        if person:
            scene.replies()
        scene.merges(by_notice=by_notice)
        scene.settles()
        posted = dict(scene.oracle.posted)
        once = {"c1m1": 1, "c1m2": 1} | ({} if by_notice else {"c1m9": 1})
        if person:
            # What they answered was asked of the AI no more, unless its answer was on its way.
            posted["c1m1"] = posted.get("c1m1", 0) or 1
        assert posted == once, f"after {instant} quarters of a millisecond"
        said = [p.text for p in world.meta.posts].count("aqui é a Bia")
        assert said == person, f"a person's message left {said} times"
        world.end()


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_a_merge_at_any_instant_of_any_interleaving_keeps_its_promise(first):
    for seed in range(first, min(first + AT_ONCE, SEEDS)):
        scene = Scene.of(seed)
        dice, world = scene.world.dice, scene.world
        world.meta.mood = Mood(not_sent=0.1, silent=0.05, refused=0.05, codes=(130429, 131056))
        if dice.random() < 0.2:
            world.agent.mind = Mind(seconds=(0.5, 2.0))
        if dice.random() < 0.2:
            world.owners_of[scene.kept] = list(OWNERS)
        serial = count(3)
        scene.begins()
        scene.sets_a_timer()
        for _ in range(dice.randint(0, 2)):
            world.loop.advance(dice.uniform(0, 0.01))
            scene.writes(next(serial), **dice.choice(({"phone": PHONE}, {"bsuid": BSUID})))
        if dice.random() < 0.3:
            scene.replies()
        try:
            world.loop.advance(dice.uniform(0, 0.05))
            scene.merges(by_notice=dice.random() < 0.5)
            scene.settles(1200)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        finally:
            world.end()
