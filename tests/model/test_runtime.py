"""The conversation runtime under everything at once: none lost, none doubled, none crossed, order kept.

    python -P -m pytest tests/model                               a few thousand steps
    python -P -m pytest tests/model --hypothesis-profile=nightly  a million steps

Approvals and payments are not in the product yet; what stands between decision and claim today is the
governor's decision of a business-initiated row, which an opt-out makes worthless.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from domain.consent import GRANT_BUTTON, REFUSE_BUTTON
from domain.content import ButtonReply, Text
from domain.doorbell import Ring, RingReason
from domain.errors import MergedError, RejectedError
from domain.ids import ConversationId, MessageId, new_id
from domain.inbound import AppEcho, IdentityChange, InboundMessage, Sender
from domain.outbox import OutboxState
from domain.turn import QuietRule
from tests.fakes.meta import Mood
from tests.fakes.processes import Trouble
from tests.fakes.tables import (
    ContactTable,
    ConversationTable,
    DecisionTable,
    MessageTable,
    OutboxTable,
    TimerTable,
)
from tests.model.agent import Mind
from tests.model.journal import Journal
from tests.model.oracle import Oracle
from tests.model.world import EVERYBODY, FACADE, OWNERS, World

NIGHTLY: Final = settings.get_current_profile_name() == "nightly"
#: Parts of so many examples with so many steps each; parts show how far a long run is.
PARTS, EXAMPLES, STEPS = (20, 500, 100) if NIGHTLY else (1, 80, 60)

WORDS: Final = (
    "quanto custa?",
    "oi",
    "quero saber do plano",
    "tenho uma loja,",
    "e o prazo",
    "ok.",
)
PEOPLE: Final = 3
#: Of them so many are known twice: by phone, and by a business-scoped id as if they were somebody else.
TWINS: Final = 2
THREADS: Final = PEOPLE + TWINS
#: Long enough for the grace, the longest pause between tries, and the rounds after it.
REST_S: Final = 3600.0

LITTLE: Final = (0.0, 0.05, 0.2, 0.5)

contacts = st.integers(0, THREADS - 1)
twins = st.integers(0, TWINS - 1)
words = st.sampled_from(WORDS)
shares = st.sampled_from((0.0, 0.0, 0.1, 0.3))


class Runtime(RuleBasedStateMachine):
    """Rules are what the world may do; the oracle says after each of them whether it still holds."""

    @initialize(
        seed=st.integers(0, 2**32 - 1),
        base=st.sampled_from((0.0, 3.0)),
        consent=st.lists(
            st.sampled_from(("granted", "granted", "none")), min_size=THREADS, max_size=THREADS
        ),
        troubled=st.booleans(),
    )
    def begin(self, seed: int, base: float, consent: list[str], troubled: bool) -> None:
        self.journal = Journal()
        quiet = QuietRule(base=timedelta(seconds=base), cap=timedelta(seconds=15))
        self.world = World(seed, quiet=quiet, idle_s=6, turns_at_once=2)
        self.oracle = Oracle(self.world)
        self.serial = itertools.count(1)
        self.people: list[ConversationTable] = [
            self.world.db.add_contact(phone, bsuid=bsuid, name="Ana", ai_consent=consent[n])
            for n, (phone, bsuid) in enumerate(map(_names, range(THREADS)))
        ]
        self.world.bells.lost = self.world.bells.doubled = 0.1
        self._weather(troubled)

    def _weather(self, troubled: bool) -> None:
        """Where a run begins: fair, or with something of everything; rules change it later."""
        if troubled:
            share = self.world.dice.choice
            self.world.network.trouble = Trouble(
                cut=share(LITTLE) / 3, unanswered=share(LITTLE) / 3
            )
            names = ("not_sent", "refused", "silent", "deaf", "fails_later", "mute", "missing")
            shares: dict[str, Any] = {name: share(LITTLE) for name in names}
            self.world.meta.mood = Mood(**shares)
            self.world.agent.mind = Mind(fails=share(LITTLE) / 3)

    # ---- contacts

    @rule(who=contacts, what=words, more=st.lists(words, max_size=3), album=st.booleans())
    def writes(self, who: int, what: str, more: list[str], album: bool) -> None:
        """One message, a burst of them, or an album that comes in one webhook."""
        texts = [what, *more]
        if album:
            self.world.meta.post([self._said(who, Text(body=t)) for t in texts])
            return
        for text in texts:
            self.world.meta.post([self._said(who, Text(body=text))])
            self.world.loop.advance(self.world.dice.uniform(0.0, 1.0))

    @rule(who=contacts, what=words, then=st.sampled_from((0.1, 2.0, 5.0)))
    def writes_and_waits(self, who: int, what: str, then: float) -> None:
        self.world.meta.post([self._said(who, Text(body=what))])
        self.world.loop.advance(then)

    @rule(who=contacts, yes=st.sampled_from((True, True, False)))
    def taps(self, who: int, yes: bool) -> None:
        """The answer to the consent wording, once it was asked."""
        if self._contact(who).ai_consent == "asked":
            button = GRANT_BUTTON if yes else REFUSE_BUTTON
            self.world.meta.post([self._said(who, ButtonReply(id=button, title="x"))])

    @rule(who=contacts)
    def opts_out(self, who: int) -> None:
        """Whatever changes whether we may contact raises the version that decisions were made on."""
        self._contact(who).contactability_version += 1
        self.oracle.opted_out(self._contact(who).id)

    @rule(who=twins, what=words)
    def writes_under_both_names(self, who: int, what: str) -> None:
        """Two contacts turn out to be one person, whose next words may come under either name."""
        said = self._said(who, Text(body=what))
        self.world.meta.post([replace(said, sender=replace(said.sender, bsuid=_bsuid(who)))])

    @rule(who=twins)
    def is_named_by_meta(self, who: int) -> None:
        """A notice of a number's business-scoped id shows the same without a word of theirs."""
        notice = IdentityChange(
            field="messages",
            wamid=f"wamid.NOTICE{next(self.serial)}",
            change="user_changed_user_id",
            at=self.world.loop.datetime(),
            old_wa_id=_phone(who),
            bsuid=_bsuid(who),
            phone_number_id=FACADE,
        )
        self.world.meta.post([notice])

    # ---- people of ours

    @rule(
        who=contacts, act=st.sampled_from(("takeover", "hand_back", "hand_back", "close", "mute"))
    )
    def acts(self, who: int, act: str) -> None:
        acts, by = self.world.acts, self.world.acting()
        doing: dict[str, Callable[[ConversationId], Awaitable[object]]] = {
            "takeover": lambda row: acts.takeover(row, by),
            "hand_back": lambda row: acts.hand_back(row, by, None),
            "close": lambda row: acts.close(row, by, ""),
            "mute": lambda row: acts.mute(row, by),
        }
        self._try(self.people[who].id, doing[act], RingReason.FENCE)

    @rule(who=contacts)
    def replies(self, who: int) -> None:
        acts, by, said = self.world.acts, self.world.acting(), Text(body="aqui é a Bia")
        reasons = (RingReason.FENCE, RingReason.OUTBOX)
        self._try(self.people[who].id, lambda row: acts.reply(row, by, said), *reasons)

    @rule(who=contacts, act=st.sampled_from(("whisper", "note", "escalate", "qualify")))
    def helps(self, who: int, act: str) -> None:
        """What raises no epoch: a draft is thought again, or nothing happens."""
        acts, by = self.world.acts, self.world.acting()
        doing: dict[str, Callable[[ConversationId], Awaitable[object]]] = {
            "whisper": lambda row: acts.whisper(row, by, "ofereça o anual"),
            "note": lambda row: acts.note(row, by, "já é cliente"),
            "escalate": lambda row: acts.escalate(row, by, reason="pediu", priority="high"),
            "qualify": lambda row: acts.qualify(row, by, 0.9),
        }
        self._try(self.people[who].id, doing[act], RingReason.EVENT)

    @rule(who=contacts)
    def answers_in_the_app(self, who: int) -> None:
        """A person of ours writes on the phone: Meta echoes it."""
        wamid = f"wamid.ECHO{next(self.serial)}"
        self.world.meta.post(
            [
                AppEcho(
                    field="message_echoes",
                    wamid=wamid,
                    sent_at=self.world.loop.datetime(),
                    content=Text(body="do celular"),
                    to_wa_id=_names(who)[0],
                    to_bsuid=_names(who)[1],
                    phone_number_id=FACADE,
                )
            ]
        )

    @rule(arrived=st.booleans())
    def decides_about_a_parked_message(self, arrived: bool) -> None:
        parked = [r for r in self.world.db.outbox.values() if r.state == OutboxState.PARKED]
        if not parked:
            return
        row, acts, by = self.world.dice.choice(parked), self.world.acts, self.world.acting()
        message = MessageId(row.message_id)
        act = acts.arrived if arrived else acts.resend
        self._try(row.conversation_id, lambda _: act(message, by), RingReason.OUTBOX)

    @rule(on=st.booleans())
    def pauses(self, on: bool) -> None:
        (self.world.db.switches.add if on else self.world.db.switches.discard)("ai_paused")

    # ---- the house

    @rule(who=contacts, in_s=st.floats(0, 10))
    def sets_a_timer(self, who: int, in_s: float) -> None:
        timer = TimerTable(
            id=new_id(),
            conversation_id=self._thread(who).id,
            kind="nudge",
            key=f"t{next(self.serial)}",
            due_at=self.world.loop.datetime() + timedelta(seconds=in_s),
        )
        self.world.db.timers[timer.id] = timer
        self.oracle.timers.add(timer.id)

    @rule(who=contacts, valid_s=st.floats(1, 60))
    def starts_a_campaign(self, who: int, valid_s: float) -> None:
        """A business-initiated row with the governor's decision about this contact as it is now."""
        db, row, contact = self.world.db, self._thread(who), self._contact(who)
        decision = DecisionTable(
            id=new_id(),
            contact_id=contact.id,
            contactability_version=contact.contactability_version,
            valid_until=db.now() + timedelta(seconds=valid_s),
        )
        db.decisions[decision.id] = decision
        content = {"kind": "template", "name": "aviso", "language": "pt_BR", "preview": "aviso"}
        message = MessageTable(
            seq=db.seq("message"), id=new_id(), conversation_id=row.id, direction="outbound",
            author="agent", content=content, body="aviso", status="queued", sent_at=db.now(),
        )  # fmt: skip
        db.add_message(message)
        db.add_row(
            OutboxTable(
                seq=db.seq("outbox"), id=new_id(), conversation_id=row.id, contact_id=contact.id,
                message_id=message.id, author="agent", epoch=row.epoch, content=content,
                phone_number_id=FACADE, business_initiated=True, decision_id=decision.id, not_before=db.now(),
                created_at=db.now(),
            )
        )  # fmt: skip

    @rule(name=st.sampled_from(EVERYBODY), back=st.booleans())
    def dies(self, name: str, back: bool) -> None:
        self.world.kill(name)
        if back:
            self.world.start(name)

    @precondition(lambda self: len(self.world.processes) < len(EVERYBODY))
    @rule()
    def comes_back(self) -> None:
        for name in EVERYBODY:
            self.world.start(name)

    @rule(
        who=contacts,
        where=st.sampled_from(((OWNERS[0],), (OWNERS[1],), OWNERS, OWNERS[::-1])),
        told=st.booleans(),
    )
    def moves_to_another_shard(self, who: int, where: tuple[str, ...], told: bool) -> None:
        """Rings go to the new owner, or to both; the old one goes on until the table tells it."""
        self.world.moves(self._thread(who).id, where, told=told)
        self._ring(who)

    @rule(owner=st.sampled_from(OWNERS))
    def is_started_twice(self, owner: str) -> None:
        """The old start goes on with what it has until a load tells it that it was replaced."""
        self.world.start_twice(owner)

    @rule(who=contacts)
    def is_rung_for_nothing(self, who: int) -> None:
        self._ring(who)

    # ---- troubles

    @rule(cut=shares, unanswered=shares)
    def network_is(self, cut: float, unanswered: float) -> None:
        self.world.network.trouble = Trouble(cut=cut / 3, unanswered=unanswered / 3)

    @rule(
        not_sent=shares, refused=shares, silent=shares, deaf=shares, fails_later=shares,
        mute=shares, missing=shares, slow=st.booleans(),
    )  # fmt: skip
    def meta_is(self, slow: bool, **mood: Any) -> None:
        self.world.meta.mood = Mood(**mood, delay=(0.02, 6.0 if slow else 1.5))

    @rule(fails=shares, slow=st.booleans())
    def the_model_is(self, fails: float, slow: bool) -> None:
        self.world.agent.mind = Mind(seconds=(2.0, 8.0) if slow else (0.1, 1.0), fails=fails)

    @rule(most=st.sampled_from((0.0, 0.0, 0.5, 3.0)))
    def pacing_takes(self, most: float) -> None:
        dice = self.world.dice
        self.world.pace_s = lambda: max(dice.uniform(-most, most), 0.0)

    @rule(lost=st.sampled_from((0.1, 0.5, 1.0)))
    def rings_are_lost(self, lost: float) -> None:
        self.world.bells.lost = lost

    @rule(blocked=st.booleans())
    def the_number_is(self, blocked: bool) -> None:
        self.world.db.numbers[FACADE].health = "paused" if blocked else "healthy"

    # ---- time

    @rule(seconds=st.sampled_from((0.003, 0.05, 0.4, 1.5)))
    def a_moment_passes(self, seconds: float) -> None:
        self.world.loop.advance(seconds)

    @rule(seconds=st.sampled_from((3.0, 7.0, 16.0, 45.0, 120.0)))
    def time_passes(self, seconds: float) -> None:
        self.world.loop.advance(seconds)

    @invariant()
    def everything_holds(self) -> None:
        if hasattr(self, "oracle"):
            assert self.oracle.broken == []
            assert self.journal.defects() == []

    @override
    def teardown(self) -> None:
        if not hasattr(self, "oracle"):
            return
        try:
            self._come_to_rest()
            self.oracle.settled()
            self.everything_holds()
        finally:
            self.world.end()
            self.journal.close()

    def _come_to_rest(self) -> None:
        """What was begun goes on in the weather it met; then that clears and the rest gets time."""
        world = self.world
        world.loop.advance(30)
        world.network.trouble, world.meta.mood = Trouble(), Mood()
        world.agent.mind, world.bells.lost = Mind(), 0.1
        world.db.switches.clear()
        world.pace_s = lambda: 0.0
        self.the_number_is(False)
        self.comes_back()
        end = world.loop.now + REST_S
        while list(self.oracle.unsettled()) and world.loop.now < end and not self.oracle.broken:
            world.loop.advance(10)
        world.loop.advance(15)
        assert list(self.oracle.unsettled()) == []

    # ---- the parts of rules

    def _thread(self, who: int) -> ConversationTable:
        """Where the conversation goes on; people and rings still come with the id it had."""
        row = self.people[who]
        return row if row.merged_into is None else self.world.db.conversations[row.merged_into]

    def _contact(self, who: int) -> ContactTable:
        return self.world.db.contacts[self._thread(who).contact_id]

    def _said(self, who: int, content: Text | ButtonReply) -> InboundMessage:
        n = next(self.serial)
        token, wamid = f"c{_person(who)}m{n}", f"wamid.IN{n}"
        phone, bsuid = _names(who)
        if isinstance(content, Text):
            content = Text(body=f"{token} {content.body}")
        else:
            content = replace(content, title=f"{token} {content.title}")
        self.oracle.written[wamid] = token
        return InboundMessage(
            field="messages",
            wamid=wamid,
            sender=Sender(wa_id=phone, bsuid=bsuid, name="Ana"),
            sent_at=self.world.loop.datetime(),
            content=content,
            phone_number_id=FACADE,
        )

    def _ring(self, who: int) -> None:
        ring = Ring(conversation_id=self.people[who].id, reason=RingReason.MESSAGE)
        self.world.bell(ring)

    def _try(
        self,
        row: ConversationId,
        act: Callable[[ConversationId], Awaitable[object]],
        *reasons: RingReason,
    ) -> None:
        """An act that the rules of the house may refuse; it is done anew where a merged one goes on."""
        rings = [Ring(conversation_id=row, reason=reason) for reason in reasons]
        try:
            self.world.act(act(row), *rings)
        except MergedError as merged:
            self._try(ConversationId(merged.into), act, *reasons)
        except RejectedError:
            return


def _person(who: int) -> int:
    """Whose thread it is: behind those by phone come those of the same people by id."""
    return who % PEOPLE


def _phone(person: int) -> str:
    return f"553198888000{person}"


def _bsuid(person: int) -> str:
    return f"BR.{person}"


def _names(who: int) -> tuple[str | None, str | None]:
    return (_phone(who), None) if who < PEOPLE else (None, _bsuid(_person(who)))


@pytest.mark.timeout(0 if NIGHTLY else 180)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_nothing_is_lost_doubled_crossed_or_out_of_order(part):
    sizes = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        # Shrinking takes minutes: a short run names its rules and its seed instead.
        phases=tuple(Phase) if NIGHTLY else (Phase.explicit, Phase.generate),
        derandomize=not NIGHTLY,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Runtime, settings=sizes)
