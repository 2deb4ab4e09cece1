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
from itertools import pairwise


class TurnState(StrEnum):
    COMMITTED = "committed"
    #: A newer message or a person's guidance arrived before the commit; the draft was dropped.
    SUPERSEDED = "superseded"
    #: A person acted; nothing of this turn may leave.
    FENCED = "fenced"
    FAILED = "failed"


class Completeness(StrEnum):
    """How finished the last message looks, which decides how long more is waited for."""

    COMPLETE = "complete"
    OPEN = "open"
    DANGLING = "dangling"


#: Share of the base quiet period: about 1.2 / 3 / 6 s for a base of 3 s.
_SHARE = {Completeness.COMPLETE: 0.4, Completeness.OPEN: 0.95, Completeness.DANGLING: 2.0}

#: After an unfinished message at least so many of the writer's own pauses are waited.
_PAUSES = 2

#: Fewer words than this without a closing mark are mostly a piece of something longer.
_SENTENCE_WORDS = 5

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
#: Answers that are whole in a word or two.
_ANSWERS = re.compile(
    r"^\W*(?:sim|s|n[aã]o|n|ok(?:ay)?|blz|beleza|certo|perfeito|combinado|fechado|isso|claro|"
    r"(?:muito )?obrigad[oa]|valeu|vlw|pode ser|pode sim)\W*$",
    re.IGNORECASE,
)
#: A question of four words is whole, and often sent without its mark.
_ASKS = re.compile(
    r"^\W*(?:e |mas )?(?:quant[oa]s?|qual|quais|como|onde|quando|quem|por ?que|o que|"
    r"voc[eê]s?|vcs?|t[eê]m|pode(?:m|ria)?|d[aá]|consegue|serve|aceita|ainda|já)"
    r"(?:\s+\S+){3,}\s*$",
    re.IGNORECASE,
)


def completeness_of(text: str) -> Completeness:
    """A greeting, a broken-off clause or a few words promise more; a closing mark promises the end.

    Between them is what may stand alone without a mark: a sentence, a question, a short answer.
    """
    if not text.strip():
        return Completeness.OPEN
    if _GREETING_ONLY.match(text) or _ENDS_DANGLING.search(text):
        return Completeness.DANGLING
    if _ENDS_FINISHED.search(text):
        return Completeness.COMPLETE
    stands_alone = len(text.split()) >= _SENTENCE_WORDS or _ANSWERS.match(text) or _ASKS.match(text)
    return Completeness.OPEN if stands_alone else Completeness.DANGLING


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietRule:
    """The base wait and the cap on the total wait. A base of zero still supersedes."""

    base: timedelta
    cap: timedelta

    def wait_after(self, last: Completeness, *, pause: timedelta = timedelta(0)) -> timedelta:
        """`pause` is the writer's longest one so far: who types slowly goes on slowly."""
        wait = self.base * _SHARE[last]
        slowly = last is Completeness.DANGLING and wait
        return max(wait, _PAUSES * pause) if slowly else wait

    def due(self, arrivals: Sequence[tuple[datetime, Completeness]]) -> datetime:
        """When the turn over these (received at, how finished) may begin; they are not empty."""
        ordered = sorted(arrivals)
        times = [at for at, _ in ordered]
        pause = max((b - a for a, b in pairwise(times)), default=timedelta(0))
        last_at, last = ordered[-1]
        return min(last_at + self.wait_after(last, pause=pause), times[0] + self.cap)
