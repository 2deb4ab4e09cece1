"""The faults: where each strikes, whom it hits, and what is mended by hand afterwards."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import psutil

from config.limits import BEAT_GAP
from telemetry.failpoints import Arming, Failpoint
from tests.chaos.ground import Ground
from tests.running import wait_for

OWN: Final = "conversation/"
SHARED: Final = "conversations/"
#: The beginning of both names.
EITHER: Final = "conversation"
WEBHOOK: Final = "webhook/"

#: Before the first line (a new thread), before the burst of two, before a person takes
#: over, or before that person writes.
Moment = Literal["opening", "burst", "takeover", "words"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`armed` places fire in any order and all must fire; `strike` is done while answers are due.

    `meanwhile`: switches of the Graph twin from `moment` on, until `strike` or the mending.
    `may_double`: nothing told whether Meta took it, so it may go once more, marked as such.
    """

    name: str
    place: str
    moment: Moment = "burst"
    armed: Mapping[Failpoint, Arming] = field(default_factory=dict)
    meanwhile: Mapping[str, Any] = field(default_factory=dict)
    strike: Callable[[Ground], None] | None = None
    #: `strike` waits until the model has been asked.
    thinking: bool = True
    mend: Callable[[Ground], None] | None = None
    needs_own: bool = False
    may_double: bool = False
    #: The grace runs its 90 s instead of being put forward.
    real_grace: bool = False
    #: Nobody may wait longer for an answer than this: the grace and the time limits before it.
    within_s: float = 120.0


def kill_at(
    point: Failpoint, process: str, *, detail: str = "", moment: Moment = "burst", **more: Any
) -> Fault:
    """The process is killed where nothing of the next step has happened."""
    place = f"{point}{f' ({detail})' if detail else ''}"
    if moment == "words":
        place += ", of a person's words"
    return Fault(
        name=f"SIGKILL {_short(process)}",
        place=place,
        moment=moment,
        armed={point: Arming(action="kill", process=process, detail=detail)},
        needs_own=process == OWN,
        **more,
    )


def kill_named(process: str, *, needs_own: bool = False) -> Fault:
    return Fault(
        name=f"SIGKILL {_short(process)}",
        place="while the model thinks",
        strike=lambda ground: ground.kill_actor(process),
        needs_own=needs_own,
    )


_SHORT: Final = {
    OWN: "own actor",
    SHARED: "shard",
    EITHER: "own actor or shard",
    WEBHOOK: "webhook replica",
    "api/": "API replica",
}


def _short(process: str) -> str:
    return _SHORT.get(process, process)


def _kills_in_a_turn(process: str) -> list[Fault]:
    points = (
        Failpoint.LOADED, Failpoint.TURN_STARTED, Failpoint.BEFORE_COMMIT, Failpoint.AFTER_CLAIM,
        Failpoint.BEFORE_POST, Failpoint.AFTER_POST, Failpoint.RESULT_STORED,
    )  # fmt: skip
    return [
        kill_at(Failpoint.ACTIVATED, process, moment="opening"),
        *(kill_at(point, process) for point in points),
        kill_at(Failpoint.AFTER_COMMIT, process, detail="turn"),
    ]


def _sent_by_the_sender(point: Failpoint) -> Fault:
    """The committing actor dies, so the sender has its row, and dies too."""
    return Fault(
        name="SIGKILL sender",
        place=f"{point}, after the shard died",
        armed={
            Failpoint.AFTER_COMMIT: Arming(action="kill", process=SHARED, detail="turn"),
            point: Arming(action="kill", process="sender"),
        },
    )


def _let_a_timer_fire(ground: Ground) -> None:
    """A timer of one of the conversations is due; it becomes one event, which is worked."""
    timer = ground.set_timer()
    wait_for("the timer worked once", lambda: ground.timer_was_worked_once(timer), within=60)


#: Too many messages to the same person: that one is tried again, the number goes on.
_ONE_REFUSAL: Final = {"next_sends": 1, "next_code": 131056}

AT_PLACES: Final = [
    kill_at(Failpoint.BEFORE_INSERT, WEBHOOK),
    kill_at(Failpoint.AFTER_INSERT, WEBHOOK, detail="message"),
    kill_at(Failpoint.AFTER_INSERT, WEBHOOK, detail="status"),
    kill_at(Failpoint.BEFORE_DOORBELL, WEBHOOK),
    kill_at(Failpoint.AFTER_DOORBELL, WEBHOOK),
    kill_at(Failpoint.STATUSES_STORED, WEBHOOK),
    *(kill_at(Failpoint.STATUS_APPLIED, WEBHOOK, detail=s) for s in ("sent", "delivered", "read")),
    *_kills_in_a_turn(SHARED),
    *_kills_in_a_turn(OWN),
    kill_at(Failpoint.AFTER_COMMIT, SHARED, detail="step", moment="opening"),
    kill_at(Failpoint.REFUSAL_KNOWN, EITHER, meanwhile=_ONE_REFUSAL),
    kill_at(Failpoint.REFUSAL_HEARD, "number_pool", meanwhile=_ONE_REFUSAL),
    _sent_by_the_sender(Failpoint.AFTER_CLAIM),
    _sent_by_the_sender(Failpoint.AFTER_POST),
    Fault(
        name="SIGKILL sender",
        place="grace_ended, after the shard died",
        armed={
            Failpoint.BEFORE_POST: Arming(action="kill", process=SHARED),
            Failpoint.GRACE_ENDED: Arming(action="kill", process="sender"),
        },
    ),
    Fault(
        name="SIGKILL clock",
        place="swept, after the ring was lost",
        armed={
            Failpoint.BEFORE_DOORBELL: Arming(action="kill", process=WEBHOOK),
            Failpoint.SWEPT: Arming(action="kill", process="clock"),
        },
    ),
    *(
        kill_at(point, "api/", detail=f"conversation.{act}", moment="takeover")
        for point in (Failpoint.ACT_BEGUN, Failpoint.ACT_COMMITTED)
        for act in ("takeover", "reply", "handback")
    ),
    *(  # a person's words of unknown outcome wait for a person, who looks whether they came
        kill_at(point, EITHER, moment="words")
        for point in (Failpoint.BEFORE_POST, Failpoint.AFTER_POST)
    ),
    Fault(
        name="SIGKILL clock",
        place=Failpoint.TIMERS_FIRED,
        armed={Failpoint.TIMERS_FIRED: Arming(action="kill", process="clock")},
        strike=_let_a_timer_fire,
    ),
    Fault(
        name="defect in the shard",
        place=Failpoint.BEFORE_COMMIT,
        armed={Failpoint.BEFORE_COMMIT: Arming(action="error", process=SHARED)},
    ),
    Fault(
        name="shard held up 20 s",
        place="before_post",
        armed={Failpoint.BEFORE_POST: Arming(action="stall", process=SHARED, seconds=20)},
    ),
    Fault(
        name="SIGKILL shard",
        place="before_post, the grace at its full length",
        armed={Failpoint.BEFORE_POST: Arming(action="kill", process=SHARED)},
        real_grace=True,
    ),
]

AT_RANDOM_MOMENTS: Final = [
    kill_named(OWN, needs_own=True),
    *(kill_named(name) for name in (SHARED, "number_pool", "sender", "clock", WEBHOOK, "api/")),
]


# ---- servers


def _restart_postgres(ground: Ground) -> None:
    ground.server("postgres", "postgres").kill()


def _kill_valkey(ground: Ground) -> None:
    ground.server("valkey", "valkey-server").kill()


def _hold_valkey(ground: Ground) -> None:
    ground.server("valkey", "valkey-server").send_signal(signal.SIGSTOP)


def _release_valkey(ground: Ground) -> None:
    ground.server("valkey", "valkey-server").send_signal(signal.SIGCONT)


def _empty_valkey(ground: Ground) -> None:
    ground.empty_redis()


SERVERS: Final = [
    Fault(name="connections cut", place="PostgreSQL", strike=lambda ground: ground.cut_postgres()),
    Fault(name="SIGKILL", place="PostgreSQL", strike=_restart_postgres),
    Fault(name="FLUSHALL", place="Valkey", strike=_empty_valkey),
    Fault(name="SIGKILL", place="Valkey", strike=_kill_valkey),
    Fault(name="SIGSTOP", place="Valkey", strike=_hold_valkey, mend=_release_valkey),
    Fault(
        name="SIGKILL",
        place="Ray head",
        strike=lambda ground: ground.kill_ray_head(),
        thinking=False,  # the actors end before they can answer
        within_s=60,
    ),
]


# ---- Meta


def _after_a_post(ground: Ground) -> None:
    """Meta is well again once a POST met the fault: it was taken, or nobody could say."""
    before = ground.posts_met()
    wait_for("a POST that met the fault", lambda: ground.posts_met() != before, within=60)
    ground.faults(meta="up")


def _silence(ground: Ground) -> None:
    """No webhook is delivered for a while; the silence itself is the fault."""
    ground.faults(webhooks_paused=True)
    time.sleep(10)
    ground.faults(webhooks_paused=False)


def _silence_after_a_post(ground: Ground) -> None:
    """Meta took the message, the answer is lost, and its statuses are long in coming."""
    _after_a_post(ground)
    _silence(ground)


def _hold_intake_beyond_the_grace(ground: Ground) -> None:
    """The replica hangs while statuses are on their way, and meanwhile the row's own 90 s run out.

    They count only while the intake is healthy, so the row waits for what Meta still holds. A
    silence of the replica is noticed after `BEAT_GAP`; the row falls due after that.
    """
    _after_a_post(ground)
    intake = psutil.Process(ground.living_pid(WEBHOOK))
    intake.suspend()
    try:
        time.sleep(BEAT_GAP.total_seconds() + 3)
        ground.let_rows_fall_due()
        time.sleep(5)  # the sender looks every second; Serve would replace the replica after 30 s
    finally:
        intake.resume()


META: Final = [
    *(
        Fault(
            name=mode.replace("_", ", "),
            place="Meta's answer",
            meanwhile={"meta": mode},
            strike=_after_a_post,
            thinking=False,
        )
        for mode in ("reset", "reset_accepted", "timeout", "timeout_accepted", "html503")
    ),
    Fault(name="late by 4 s", place="statuses", meanwhile={"delay_ms": 4000}),
    Fault(
        name="out of order, thrice",
        place="statuses",
        meanwhile={"disorder": True, "duplicates": 2, "status_scale": 0.0},
    ),
    Fault(name="missing", place="statuses", meanwhile={"statuses": False}),
    Fault(
        name="accepted, reset, no status",
        place="Meta's answer",
        meanwhile={"meta": "reset_accepted", "statuses": False},
        strike=_after_a_post,
        thinking=False,
        may_double=True,
    ),
    Fault(
        name="accepted, reset, webhook replica hangs",
        place="statuses",
        meanwhile={"meta": "reset_accepted", "status_scale": 8.0},
        strike=_hold_intake_beyond_the_grace,
        thinking=False,
    ),
    Fault(
        name="held for 10 s",
        place="webhooks",
        strike=_silence,
        thinking=False,
    ),
    Fault(
        name="accepted, reset, statuses held for 10 s",
        place="Meta's answer",
        meanwhile={"meta": "reset_accepted"},
        strike=_silence_after_a_post,
        thinking=False,
    ),
]

QUIET: Final = Fault(name="none", place="the quiet run")
ALL: Final = [*AT_PLACES, *AT_RANDOM_MOMENTS, *SERVERS, *META]
