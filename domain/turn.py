"""Turn-taking: how long we wait for more messages before an answer is begun.

`turn_due = min(last received + quiet, first unworked + cap)`, all in the database's time, so a
crash neither restarts nor forgets the wait.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class TurnState(StrEnum):
    COMMITTED = "committed"
    #: A newer message or a person's guidance arrived before the commit; the draft was dropped.
    SUPERSEDED = "superseded"
    #: A person acted; nothing of this turn may leave.
    FENCED = "fenced"
    FAILED = "failed"


class Completeness(StrEnum):
    """How finished the last text looks, which decides how long more is waited for."""

    COMPLETE = "complete"
    OPEN = "open"
    DANGLING = "dangling"


#: Share of the base quiet period: about 1.2 / 3 / 6 s for a base of 3 s.
_SHARE = {Completeness.COMPLETE: 0.4, Completeness.OPEN: 1.0, Completeness.DANGLING: 2.0}

_ENDS_FINISHED = re.compile(r"[.!?…]\s*$|[\U0001F44D\U0001F64F]\s*$")
_ENDS_DANGLING = re.compile(
    r"(?:[,:;\-–(]|\b(?:e|ou|mas|que|de|do|da|com|para|pra|por|porque|pq|se|quando|então|entao|"
    r"tipo|um|uma|o|a|os|as|no|na|em|and|but|the|to|y|pero))\s*$",
    re.IGNORECASE,
)
_GREETING_ONLY = re.compile(
    r"^\s*(?:oi+e*|ol[aá]|opa|e a[ií]|bom dia|boa tarde|boa noite|hello|hi|hola|tudo bem|td bem)"
    r"[\s,!.?]*(?:tudo bem|td bem|tudo bom)?[\s,!.?]*$",
    re.IGNORECASE,
)


def completeness_of(text: str) -> Completeness:
    """A greeting or a broken-off clause announces more; closing punctuation announces the end."""
    if not text.strip():
        return Completeness.OPEN
    if _GREETING_ONLY.match(text) or _ENDS_DANGLING.search(text):
        return Completeness.DANGLING
    if _ENDS_FINISHED.search(text):
        return Completeness.COMPLETE
    return Completeness.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietRule:
    """The base wait and the cap on the total wait. A base of zero still supersedes."""

    base: timedelta
    cap: timedelta

    def wait_after(self, text: str) -> timedelta:
        return self.base * _SHARE[completeness_of(text)]

    def due(self, arrivals: Sequence[tuple[datetime, str]]) -> datetime:
        """When the turn over these (received at, text) may begin; `arrivals` is not empty."""
        last_at, last_text = max(arrivals, key=lambda arrival: arrival[0])
        first_at = min(at for at, _ in arrivals)
        return min(last_at + self.wait_after(last_text), first_at + self.cap)
