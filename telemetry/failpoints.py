"""Places where a test may end, stall or break a process; without FAILPOINTS_DIR they do nothing.

The folder holds one file for each armed place, named after it. The first process that passes the place
and is meant takes the file away by renaming it, so that a fault happens once however many processes
pass; what happened stays beside it as `<place>.fired`.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal


class Failpoint(StrEnum):
    """The steps of a message's way, in its order; `place` says what has and has not happened there."""

    place: str

    def __new__(cls, name: str, place: str) -> Failpoint:
        member = str.__new__(cls, name)
        member._value_ = name
        member.place = place
        return member

    BEFORE_INSERT = "before_insert", "a webhook is verified and nothing of it is stored"
    AFTER_INSERT = (
        "after_insert",
        "a webhook is committed and not answered; detail: message or status",
    )
    BEFORE_DOORBELL = "before_doorbell", "a message is stored and nobody was told"
    AFTER_DOORBELL = "after_doorbell", "the ring left; nobody knows whether it arrived"
    ACTIVATED = "activated", "a conversation came to life and has read nothing"
    LOADED = "loaded", "the inbox is read and nothing is decided"
    TURN_STARTED = "turn_started", "the model is about to be asked"
    BEFORE_COMMIT = "before_commit", "the model has answered and nothing of it is written"
    AFTER_COMMIT = "after_commit", "the answer is committed and not claimed; detail: turn or step"
    AFTER_CLAIM = "after_claim", "a row is claimed and its channel is not open"
    BEFORE_POST = "before_post", "the next step is the POST to Meta"
    AFTER_POST = "after_post", "Meta took the message and its id is not written"
    REFUSAL_KNOWN = (
        "refusal_known",
        "Meta did not take the message, or did not say; nothing is written",
    )
    REFUSAL_HEARD = "refusal_heard", "the pool heard of a refusal and has not judged the number"
    RESULT_STORED = "result_stored", "what came of the POST is written"
    STATUSES_STORED = "statuses_stored", "statuses are committed and not applied"
    STATUS_APPLIED = "status_applied", "a status is applied and rang nobody; detail: the status"
    TIMERS_FIRED = "timers_fired", "timers became inbox events and nobody was told"
    SWEPT = "swept", "forgotten conversations were found and not rung"
    GRACE_ENDED = "grace_ended", "an unknown outcome was settled and nobody was told"
    ACT_BEGUN = "act_begun", "a person's act is allowed and not begun"
    ACT_COMMITTED = "act_committed", "a person's act is committed and rang nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arming:
    """What happens at a place, once.

    `process`: only where the process's name begins so. `detail`: only with this detail. `after`: so
    many passes of a process go by first. `seconds`: how long `stall` holds the whole process up.
    """

    action: Literal["kill", "stall", "error"]
    process: str = ""
    detail: str = ""
    after: int = 0
    seconds: float = 0.0


class FailpointError(Exception):
    """A defect on request."""


@dataclass(slots=True)
class _Here:
    """This process: where its armings are, and how it is named in them."""

    folder: Path | None = None
    process: str = ""
    passes: Counter[str] = field(default_factory=Counter)


_here: Final = _Here()


def watch(folder: Path | None, *, process: str) -> None:
    """For a process, once, at its start. Without a folder every place is passed at no cost."""
    _here.folder, _here.process = folder, process


def failpoint(point: Failpoint, detail: str = "") -> None:
    """A place of the list. What is armed there happens here and now, in the midst of the caller."""
    if _here.folder is not None:
        _pass(_here.folder / point, detail)


def arm(folder: Path, point: Failpoint, arming: Arming) -> None:
    """Arms the place once more; what fired there before is forgotten."""
    fired_file(folder, point).unlink(missing_ok=True)
    written = folder / f".{point}.new"
    written.write_text(json.dumps(asdict(arming)))
    written.rename(folder / point)


def disarm(folder: Path, point: Failpoint) -> bool:
    """Whether it was still armed."""
    try:
        (folder / point).unlink()
    except FileNotFoundError:
        return False
    return True


def fired_file(folder: Path, point: Failpoint) -> Path:
    """There once the place has fired, `{process, pid}`, written at that moment."""
    return folder / f"{point}.fired"


def _pass(armed: Path, detail: str) -> None:
    try:
        arming = Arming(**json.loads(armed.read_text()))
    except FileNotFoundError:
        return
    if not _here.process.startswith(arming.process) or arming.detail not in {"", detail}:
        return
    _here.passes[armed.name] += 1
    if _here.passes[armed.name] <= arming.after:
        return
    mine = armed.with_name(f".{armed.name}.{os.getpid()}")
    try:
        armed.rename(mine)
    except FileNotFoundError:  # another process was quicker
        return
    _here.passes[armed.name] = 0
    told: dict[str, Any] = {"process": _here.process, "pid": os.getpid()}
    mine.write_text(json.dumps(told))
    mine.rename(armed.with_name(f"{armed.name}.fired"))
    match arming.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stall":
            time.sleep(arming.seconds)
        case "error":
            raise FailpointError(armed.name)
