"""Two contacts turn out to be one person: which of what they had holds from now on. Pure.

In doubt the careful one wins: a person before the AI, a refusal before a yes, what binds more before
what binds less. `kept` is the conversation that goes on, `gone` the one that is folded into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.consent import AiConsent
from domain.conversation import ASKED_AT_SEQ, Mode
from domain.handoff import Priority
from domain.ids import CaseId, ConversationId, HandoffId, OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingHandoff:
    """An open hand-off: queued, or accepted by a person."""

    id: HandoffId
    accepted: bool
    priority: Priority
    queued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveCase:
    id: CaseId
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """What of a conversation decides how two become one."""

    id: ConversationId
    mode: Mode
    assignee_id: OperatorId | None
    state: Mapping[str, Any]
    handoff: WaitingHandoff | None
    case: ActiveCase | None
    last_message_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class United:
    """What the surviving conversation is after the merge.

    `gone_is_newer`: the last word was said in the other one, so its number and score are today's.
    """

    mode: Mode
    assignee_id: OperatorId | None
    handoff_id: HandoffId | None
    case_id: CaseId | None
    state: Mapping[str, Any]
    gone_is_newer: bool


#: A person at work comes first; a muted thread stays silent; an open one is not closed by the other.
_MODES: Final = (Mode.CLOSED, Mode.AGENT, Mode.MUTED, Mode.OPERATOR)
_CASES: Final = ("sales", "repurchase", "renewal", "collection", "dispute")
_CONSENTS: Final = (
    AiConsent.NONE,
    AiConsent.NOTICED,
    AiConsent.ASKED,
    AiConsent.GRANTED,
    AiConsent.REFUSED,
)
_PRIORITIES: Final = (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.URGENT)
#: The state's keys that belong to one question about consent begin with this and stay together.
_ASKING: Final = "consent_"


def unite(kept: Thread, gone: Thread) -> United:
    speaker, other = (gone, kept) if _voice(gone) > _voice(kept) else (kept, gone)
    gone_is_newer = _is_newer(gone, kept)
    older, newer = (kept, gone) if gone_is_newer else (gone, kept)
    handoff, case = choose_handoff(kept, gone), choose_case(kept, gone)
    return United(
        mode=speaker.mode,
        assignee_id=speaker.assignee_id or other.assignee_id,
        handoff_id=handoff.id if handoff else None,
        case_id=case.id if case else None,
        state=_unite_state(older.state, newer.state),
        gone_is_newer=gone_is_newer,
    )


def unite_consent(one: AiConsent, other: AiConsent) -> AiConsent:
    """A refusal in either stands. A question still open is answered before a notice counts."""
    return max(one, other, key=_CONSENTS.index)


def may_ai_go_on(mode: Mode, consent: AiConsent) -> bool:
    """Whether an AI message already on its way may be tried again after the merge.

    Drafts that wait are withdrawn and their questions asked again; this one may have arrived.
    """
    return mode is Mode.AGENT and consent is not AiConsent.REFUSED


def choose_handoff(kept: Thread, gone: Thread) -> WaitingHandoff | None:
    """One a person accepted (of two, that of who has the conversation), else the more urgent or older."""
    if kept.handoff is None or gone.handoff is None:
        return kept.handoff or gone.handoff
    if kept.handoff.accepted and gone.handoff.accepted:
        return gone.handoff if _voice(gone) > _voice(kept) else kept.handoff
    return max(kept.handoff, gone.handoff, key=_urgency)


def choose_case(kept: Thread, gone: Thread) -> ActiveCase | None:
    """The case that binds most; of equal ones, that of the conversation that goes on."""
    if kept.case is None or gone.case is None:
        return kept.case or gone.case
    return max(kept.case, gone.case, key=lambda case: _CASES.index(case.purpose))


def _voice(thread: Thread) -> tuple[int, bool, bool]:
    accepted = thread.handoff is not None and thread.handoff.accepted
    return _MODES.index(thread.mode), accepted, thread.assignee_id is not None


def _urgency(handoff: WaitingHandoff) -> tuple[bool, int, float]:
    rank = _PRIORITIES.index(handoff.priority)
    return handoff.accepted, rank, -handoff.queued_at.timestamp()


def _is_newer(one: Thread, other: Thread) -> bool:
    if one.last_message_at is None or other.last_message_at is None:
        return one.last_message_at is not None
    return one.last_message_at > other.last_message_at


def _unite_state(older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    """The newer one's, but an answer about consent can only answer what was asked last."""
    asked = max(newer, older, key=lambda state: int(state.get(ASKED_AT_SEQ, 0)))
    united = {k: v for k, v in {**older, **newer}.items() if not k.startswith(_ASKING)}
    return united | {k: v for k, v in asked.items() if k.startswith(_ASKING)}
