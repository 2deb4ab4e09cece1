"""How our account stands at Meta: what a notice of Meta's means for sending. Pure.

good → all leaves; restricted → replies only, nothing that we begin; disabled → nothing leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.inbound import AccountUpdate


class Standing(StrEnum):
    GOOD = "good"
    RESTRICTED = "restricted"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStanding:
    """`reason` is for an operator; `until` None: until a notice or a person says otherwise."""

    standing: Standing = Standing.GOOD
    reason: str = ""
    until: datetime | None = None

    def now(self, at: datetime) -> Standing:
        """The standing at this moment: one that has ended is good again."""
        ended = self.until is not None and self.until <= at
        return Standing.GOOD if ended else self.standing


#: Meta's longest restriction with an end; a notice that names no end counts as long.
RESTRICTION_MOST = timedelta(days=30)

_WORDS = {
    "ACCOUNT_RESTRICTION": "a Meta restringiu a conta",
    "ACCOUNT_VIOLATION": "a Meta apontou uma violação de política na conta",
    "ACCOUNT_DELETED": "a conta foi excluída na Meta",
}
_ONLY_REPLIES = "só respostas saem"


def standing_after(notice: AccountUpdate) -> AccountStanding | None:
    """What the account's standing is after this notice; None: it says nothing about sending."""
    if notice.event == "DISABLED_UPDATE" and notice.ban_state == "REINSTATE":
        return AccountStanding()
    if not notice.stops_campaigns:
        return None
    if notice.event == "ACCOUNT_DELETED":
        return AccountStanding(standing=Standing.DISABLED, reason=_WORDS[notice.event])
    if notice.event == "DISABLED_UPDATE" and notice.ban_state == "DISABLE":
        return AccountStanding(
            standing=Standing.DISABLED, reason=_dated("a Meta desativou a conta", notice.ban_date)
        )
    longest = notice.at + RESTRICTION_MOST
    ends = [restriction.until for restriction in notice.restrictions if restriction.until]
    return AccountStanding(
        standing=Standing.RESTRICTED,
        reason=f"{_restriction(notice)}: {_ONLY_REPLIES}",
        until=min(max(ends), longest) if ends else longest,
    )


def _restriction(notice: AccountUpdate) -> str:
    if notice.event == "DISABLED_UPDATE":
        return _dated("a Meta vai desativar a conta", notice.ban_date)
    words = _WORDS.get(notice.event or "", f"aviso da Meta ({notice.event})")
    return f"{words} ({notice.violation_type})" if notice.violation_type else words


def _dated(words: str, date: str | None) -> str:
    return f"{words} ({date})" if date else words
