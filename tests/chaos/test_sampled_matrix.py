"""The most telling rows of the chaos matrix: whatever dies, the phones show what the quiet run showed.

`make chaos` plays all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry.failpoints import Failpoint
from tests.chaos.faults import META, OWN, QUIET, SERVERS, SHARED, WEBHOOK, Fault, kill_at
from tests.chaos.ground import Ground, chaos_ground
from tests.chaos.scenario import Outcome, Scenario
from tests.running import RunningVitrine

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]

SAMPLE = [
    kill_at(Failpoint.AFTER_INSERT, WEBHOOK, detail="message"),
    kill_at(Failpoint.BEFORE_DOORBELL, WEBHOOK),
    kill_at(Failpoint.BEFORE_COMMIT, SHARED),
    kill_at(Failpoint.AFTER_COMMIT, SHARED, detail="turn"),
    kill_at(Failpoint.BEFORE_POST, SHARED),
    kill_at(Failpoint.AFTER_POST, OWN),
    kill_at(Failpoint.ACT_COMMITTED, "api/", detail="conversation.takeover", moment="takeover"),
    next(fault for fault in SERVERS if fault.name == "connections cut"),
    next(fault for fault in META if fault.name == "reset, accepted"),
]


@pytest.fixture(scope="module")
def ground(vitrine: RunningVitrine) -> Iterator[Ground]:
    with chaos_ground(vitrine) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(ground: Ground) -> Outcome:
    return Scenario(ground, QUIET).play()


def test_the_quiet_run_answers_every_line_once(quiet: Outcome):
    assert quiet.is_right
    assert quiet.acknowledged == 24
    lines = [dict(sorted(reached.items())) for reached in quiet.reached]
    for place, reached in enumerate(lines):
        person = {"pessoa": 1} if place == 3 else {}
        answered = dict.fromkeys("ABCE", 1) | ({} if place == 3 else {"D": 1})
        assert reached | {"D": 1} == answered | {"D": 1, "consent": 1} | person


@pytest.mark.parametrize("fault", SAMPLE, ids=lambda f: f"{f.name} · {f.place}")
def test_the_phones_show_what_the_quiet_run_showed(ground: Ground, quiet: Outcome, fault: Fault):
    outcome = Scenario(ground, fault, quiet.reached).play()
    assert outcome.is_right, outcome
