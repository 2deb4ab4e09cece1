"""One scenario: four customers talk, one of them also with a person, while a fault strikes.

The dialogue goes in step: an opening with consent, a burst of two lines whose webhook comes three
times, a line during which a person takes over, and one after the hand-back.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from telemetry.failpoints import arm, disarm, fired_file
from tests.chaos.dialogue import (
    CONSENT,
    PERSON,
    UNDER_TAKEOVER,
    Received,
    Talk,
    crossed_in,
    lines_of,
)
from tests.chaos.faults import Fault, Moment
from tests.chaos.ground import Ground
from tests.running import wait_for

CUSTOMERS: Final = 4
_OPERATOR, _AGENT = "operator", "agent"


@dataclass(kw_only=True)
class Outcome:
    """What reached the phones in one scenario, against what should have."""

    fault: str
    place: str
    acknowledged: int = 0
    answered: int = 0
    lost: int = 0
    doubled: int = 0
    #: Sent once more after an unknown outcome about which no status ever came.
    resent: int = 0
    crossed: int = 0
    leaked: int = 0
    #: From the fault, or from the line itself when it was written later, to the last answer.
    longest_wait_s: float = 0.0
    took_s: float = 0.0
    remarks: list[str] = field(default_factory=list)
    reached: list[Counter[str]] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        return not (self.lost or self.doubled or self.crossed or self.leaked or self.remarks)


class Scenario:
    """Plays the dialogue once, with `fault`; `expected` is what the quiet run reached."""

    def __init__(
        self, ground: Ground, fault: Fault, expected: Sequence[Counter[str]] | None = None
    ) -> None:
        self._ground = ground
        self._fault = fault
        self._expected = expected
        self._struck_at: float | None = None
        self._ids: dict[str, str] = {}
        self._patience_s = fault.within_s + 30
        self._talks = [
            ground.new_talk(taken_over=place == CUSTOMERS - 1) for place in range(CUSTOMERS)
        ]
        self._outcome = Outcome(fault=fault.name, place=fault.place)

    def play(self) -> Outcome:
        began = time.monotonic()
        try:
            self._open()
            self._burst()
            self._take_over()
            self._hand_back()
            self._await_rest()
        except AssertionError as failure:
            self._outcome.remarks.append(str(failure).splitlines()[0][:300])
        finally:
            self._mend()
        self._count()
        self._outcome.took_s = round(time.monotonic() - began, 1)
        return self._outcome

    # ---- the dialogue

    def _open(self) -> None:
        if self._fault.needs_own:
            self._ground.make_room_for_an_own_actor()
        self._begin("opening")
        for talk in self._talks:
            talk.say("A")
        self._strike("opening")
        self._await(CONSENT)
        for talk in self._talks:
            talk.customer.tap("consent:ai:grant")
        self._await("A")
        if self._fault.moment == "opening" and self._fault.armed:
            wait_for(
                "the fault", self._has_fired, within=60
            )  # an own actor takes its time to start
        elif self._fault.needs_own:
            wait_for("an own actor among the customers", self._has_own_actor, within=60, every=0.5)

    def _burst(self) -> None:
        self._begin("burst")
        for talk in self._talks:
            talk.say("B", copies=3)
            talk.say("C")
        self._strike("burst")
        self._await("B", "C")

    def _take_over(self) -> None:
        """A person comes while the model thinks about what the customer wrote."""
        self._begin("takeover")
        for talk in self._persons():
            path = f"/conversations/{self._id_of(talk)}"
            talk.say(UNDER_TAKEOVER)
            with contextlib.suppress(AssertionError):  # a fault may keep the model from being asked
                self._await_thinking(within=5)
            self._ground.act(talk, f"{path}/takeover", lambda c: c["mode"] == _OPERATOR)
            talk.fenced = (time.time(), float("inf"))
        for talk in self._others():
            talk.say(UNDER_TAKEOVER)
        self._strike("takeover")
        if self._fault.moment == "words":  # then theirs are the only ones on their way
            self._await(UNDER_TAKEOVER, among=self._others())
        self._begin("words")
        for talk in self._persons():
            self._ground.act(
                talk,
                "/conversation",
                talk.shows_persons_words,
                conversation_id=self._id_of(talk),
                text=talk.persons_words,
            )
        self._await(UNDER_TAKEOVER, among=self._others())
        self._await(PERSON, among=self._persons())

    def _hand_back(self) -> None:
        for talk in self._persons():
            path = f"/conversations/{self._id_of(talk)}/handback"
            assert talk.fenced is not None
            talk.fenced = (talk.fenced[0], time.time())
            self._ground.act(talk, path, lambda c: c["mode"] == _AGENT)
        for talk in self._talks:
            talk.say("E")
        self._await("E")

    def _persons(self) -> list[Talk]:
        return [talk for talk in self._talks if talk.taken_over]

    def _others(self) -> list[Talk]:
        return [talk for talk in self._talks if not talk.taken_over]

    def _has_own_actor(self) -> bool:
        own = {f"conversation/{self._id_of(talk)}" for talk in self._talks}
        return bool(own & {a["name"] for a in self._ground.vitrine.actors(self._ground.headers)})

    def _id_of(self, talk: Talk) -> str:
        if talk.name not in self._ids:
            self._ids[talk.name] = str(self._ground.look_at(talk)["id"])
        return self._ids[talk.name]

    # ---- the fault

    def _begin(self, moment: Moment) -> None:
        if moment != self._fault.moment:
            return
        for point, arming in self._fault.armed.items():
            arm(self._ground.failpoints, point, arming)
        if self._fault.meanwhile:
            self._ground.faults(**self._fault.meanwhile)
            self._struck_at = time.time()

    def _strike(self, moment: Moment) -> None:
        if moment != self._fault.moment or self._fault.strike is None:
            return
        if self._fault.thinking:
            self._await_thinking(within=30)
        self._struck_at = time.time()
        self._fault.strike(self._ground)

    def _has_fired(self) -> bool:
        folder = self._ground.failpoints
        return all(fired_file(folder, point).exists() for point in self._fault.armed)

    def _mend(self) -> None:
        """Ends what is left of the fault; one that never struck proves nothing and is said."""
        fired = []
        for point in self._fault.armed:
            if disarm(self._ground.failpoints, point):
                self._outcome.remarks.append(f"{point} never fired")
            else:
                fired.append(fired_file(self._ground.failpoints, point).stat().st_mtime)
        if fired:
            self._struck_at = max(fired)
        if self._fault.mend is not None:
            self._fault.mend(self._ground)
        self._ground.clear_faults()

    # ---- waiting

    def _await_thinking(self, *, within: float) -> None:
        def in_flight() -> int:
            return int(self._ground.vitrine.look("model")["in_flight"])

        wait_for("the model asked", in_flight, within=within, every=0.02)

    def _await(self, *lines: str, among: Sequence[Talk] | None = None) -> None:
        """Until each of these lines was answered on each phone. Puts the grace forward meanwhile."""
        talks = list(self._talks if among is None else among)

        def all_answered() -> bool:
            self._put_grace_forward()
            self._ground.settle_parked(talks)
            reached = self._ground.received(talks)
            return all(set(lines) <= set(lines_of(t, reached[t.customer.phone])) for t in talks)

        wait_for(f"{', '.join(lines)} answered", all_answered, within=self._patience_s, every=0.2)

    def _await_rest(self) -> None:
        """Until no event of these customers is unworked and no row under way."""

        def at_rest() -> bool:
            self._put_grace_forward()
            return not self._ground.restless(self._talks)

        try:
            wait_for("rest", at_rest, within=self._patience_s, every=0.3)
        except AssertionError:
            left = Counter(self._ground.restless(self._talks))
            raise AssertionError(f"never at rest: {dict(left)}") from None

    def _put_grace_forward(self) -> None:
        if self._fault.real_grace or not (self._fault.armed or self._fault.meanwhile):
            return
        if self._ground.vitrine.look("webhooks")["waiting"] == 0:
            self._ground.end_grace()

    # ---- counting

    def _count(self) -> None:
        outcome = self._outcome
        reached = self._ground.received(self._talks)
        attempts = {a["callback"]: a for a in self._ground.attempts(self._talks)}
        for place, talk in enumerate(self._talks):
            received = reached[talk.customer.phone]
            lines = lines_of(talk, received)
            outcome.reached.append(lines)
            outcome.acknowledged += self._ground.acknowledged(talk)
            outcome.answered += len([line for line in lines if len(line) == 1])
            outcome.crossed += crossed_in(talk, received)
            again = resent_lines(received, attempts)
            wanted = Counter(lines if self._expected is None else self._expected[place])
            if talk.taken_over:  # whether it was answered before the person came is chance
                wanted[UNDER_TAKEOVER] = min(lines[UNDER_TAKEOVER], 1)
            outcome.lost += (wanted - lines).total()
            surplus = (lines - wanted).total()
            if self._fault.may_double:
                outcome.resent += min(surplus, again)
                surplus -= min(surplus, again)
            outcome.doubled += surplus
        outcome.leaked = self._leaked()
        outcome.longest_wait_s = self._longest_wait(reached)
        if outcome.longest_wait_s > self._fault.within_s:
            outcome.remarks.append(f"waited longer than {self._fault.within_s:.0f} s")

    def _leaked(self) -> int:
        """Claims of AI rows between a takeover's answer and the hand-back."""
        count = 0
        for talk in self._persons():
            if talk.fenced is None:
                continue
            begin, end = talk.fenced
            own = self._ground.attempts([talk])
            count += sum(a["author"] == _AGENT and begin < a["claimed_at"] < end for a in own)
        return count

    def _longest_wait(self, reached: Mapping[str, Sequence[Received]]) -> float:
        """Of every line that waited when the fault struck or was written later, until its answer."""
        struck_at = self._struck_at or 0.0
        waits = [
            one.at - max(struck_at, talk.said_at[line])
            for talk in self._talks
            for one in reached[talk.customer.phone]
            for name, line in one.tokens
            if one.at > struck_at
            and name == talk.name
            and not (talk.taken_over and line == UNDER_TAKEOVER)
        ]
        return round(max(waits, default=0.0), 1)


def resent_lines(received: Sequence[Received], attempts: Mapping[str, Mapping[str, Any]]) -> int:
    """How many lines were answered again by marked resends of an unknown outcome."""
    seen: set[str] = set()
    again = 0
    for one in received:
        attempt = attempts.get(one.callback)
        if attempt is None or not attempt["possible_duplicate"]:
            continue
        if attempt["row"] in seen:
            again += max(1, len(one.tokens))
        seen.add(attempt["row"])
    return again
