"""What a conversation is at one instant, and `decide`: what should happen now. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.consent import AiConsent, ConsentAnswer, ConsentRule, may_answer, read_answer
from domain.ids import (
    CaseId,
    ContactId,
    ConversationId,
    EventId,
    FacadeId,
    HandoffId,
    MessageId,
    OperatorId,
    PhysicalNumberId,
)
from domain.ownership import Ownership
from domain.reply import AgentTurn, NextAction, Outcome, ScheduleCall
from domain.spending import Budget, MoneyCap, Spending, was_told
from domain.turn import Completeness, QuietRule, completeness_of


class Mode(StrEnum):
    """Who may speak in the conversation now."""

    AGENT = "agent"
    OPERATOR = "operator"
    MUTED = "muted"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingEvent:
    """An event of the inbox that is stored and not worked yet."""

    seq: int
    id: EventId
    kind: str
    payload: Mapping[str, Any]
    message_id: MessageId | None
    wamid: str | None
    phone_number_id: PhysicalNumberId | None
    content_kind: str
    button_id: str | None
    text: str
    sent_at: datetime
    received_at: datetime
    #: How often working it ended in a defect.
    attempts: int = 0
    #: Whether it was left waiting on purpose already: for a person, for consent, for a message.
    left: bool = False

    @property
    def wants_answer(self) -> bool:
        """Reactions, edits and system notes are read by the next turn, and start none."""
        return self.kind == "message" and self.content_kind not in _NO_ANSWER

    @property
    def completeness(self) -> Completeness:
        """A tap is a whole answer; of a picture or a place nobody can tell whether words follow."""
        if self.content_kind in _TAPS:
            return Completeness.COMPLETE
        return completeness_of(self.text) if self.content_kind == "text" else Completeness.OPEN


_NO_ANSWER = frozenset({"reaction", "edit", "revoke", "system"})
_TAPS = frozenset({"button_reply", "list_reply", "flow_reply"})

WHISPER = "whisper"
#: What people tell the AI without speaking themselves. It supersedes a draft, raises no epoch and starts no
#: turn. Only a whisper is in its event; the others point to what the next turn reads anyway.
GUIDANCE = frozenset({WHISPER, "note", "qualify", "schedule"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMessage:
    id: MessageId
    author: str
    text: str
    at: datetime
    status: str
    wamid: str | None = None
    operator_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHandoff:
    id: HandoffId
    reason: str
    priority: str
    silence: str
    state: str
    queued_at: datetime
    #: Place in the queue from 1; None once a person accepted.
    position: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The conversation with everything a turn reads, as of `db_now` (the database's clock)."""

    id: ConversationId
    facade_id: FacadeId
    contact_id: ContactId
    mode: Mode
    epoch: int
    version: int
    sticky_number: PhysicalNumberId | None
    last_inbound_number: PhysicalNumberId | None
    number_state: str
    number_health: str
    messages_per_second: int
    assignee_id: OperatorId | None
    score: float | None
    state: Mapping[str, Any]
    origin: Mapping[str, Any]
    case_id: CaseId | None
    case_purpose: str | None
    case_subject: str | None
    contact_name: str
    contact_company: str
    contact_profile: Mapping[str, Any]
    contact_phone: str | None
    right_party_confirmed: bool
    consent: AiConsent
    ai_paused: bool
    db_now: datetime
    pending: Sequence[PendingEvent] = ()
    history: Sequence[PastMessage] = ()
    notes: Sequence[tuple[str, str, datetime]] = ()
    calls: Sequence[tuple[str, datetime]] = ()
    handoff: OpenHandoff | None = None
    operators_online: int = 0
    spending: Spending = field(default_factory=Spending)
    #: Hand-overs that wait for a person, of all conversations.
    queue_length: int = 0
    ownership: Ownership = field(default_factory=Ownership)
    #: AI messages that were claimed for this contact in the last hour and day, as the claim counts them.
    spoken_in_hour: int = 0
    spoken_in_day: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> PhysicalNumberId | None:
        """By which its next message leaves as it is loaded."""
        return self.sticky_number or self.last_inbound_number

    @property
    def next_place(self) -> int:
        """The place in the people's queue that a hand-over raised now would get, from 1."""
        if self.handoff is not None and self.handoff.position is not None:
            return self.handoff.position
        return self.queue_length + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopCaps:
    """AI messages to one contact. The claim enforces them; deciding by them saves the model's money."""

    per_hour: int
    per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRules:
    quiet: QuietRule
    consent: ConsentRule
    late_after: timedelta
    money: MoneyCap
    caps: LoopCaps


# ---- what should happen now


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Nothing to work. `left`: arrival numbers of what waits on purpose and was not known to until now."""

    left: tuple[int, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitQuiet:
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Mark events worked without an answer: too old, or nothing to say to them."""

    events: Sequence[PendingEvent]
    outcome: str
    tell_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskConsent:
    events: Sequence[PendingEvent]
    reminder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordConsent:
    answer: ConsentAnswer
    event: PendingEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredInApp:
    """A person answered from the phone app, which fenced at intake: these are dealt with by it."""

    events: Sequence[PendingEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestForMoney:
    """The money for the model is spent: a person gets these events, and the contact hears so once."""

    events: Sequence[PendingEvent]
    budget: Budget
    tell_contact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTurn:
    """Answer these events, in (Meta's time, arrival) order.

    `last_chance`: the cap is over, so a newer message no longer supersedes.
    """

    events: Sequence[PendingEvent]
    last_chance: bool
    notice_first: bool


Decision = (
    Rest | WaitQuiet | Note | AskConsent | RecordConsent | AnsweredInApp | RestForMoney | RunTurn
)

ATTEMPTS_MAX = 3

#: Why a message of the AI did not leave, or was not written: too many to this contact lately.
LOOP_CAP = "loop_cap"

#: Keys of the conversation's state that the consent step keeps until the answer comes.
REMINDED = "consent_reminded"
ASKED_AT_SEQ = "consent_asked_at_seq"
ASKED_MESSAGE = "consent_message_id"
#: The version of the wording the contact was asked with.
ASKED_VERSION = "consent_text_version"


def decide(conversation: Conversation, rules: TurnRules) -> Decision:
    """What the owner of this conversation should do now; the order of the rules is the promise."""
    if not conversation.pending:
        return Rest()
    for rule in _RULES:
        decision = rule(conversation, rules)
        if decision is not None:
            return decision
    asking = _asking(conversation)
    return RunTurn(
        events=sorted(conversation.pending, key=lambda e: (e.sent_at, e.seq)),
        last_chance=min(e.received_at for e in asking) + rules.quiet.cap <= conversation.db_now,
        notice_first=conversation.consent is AiConsent.NONE,
    )


def _asking(conversation: Conversation) -> list[PendingEvent]:
    return [e for e in conversation.pending if e.wants_answer]


def _echo(conversation: Conversation, _: TurnRules) -> Decision | None:
    border = max((e.seq for e in conversation.pending if e.kind == "echo"), default=None)
    if border is None:
        return None
    # A whisper is for the AI's next turn, whoever answers meanwhile.
    dealt_with = [e for e in conversation.pending if e.seq <= border and e.kind != WHISPER]
    return AnsweredInApp(events=dealt_with)


def _failed_send(conversation: Conversation, _: TurnRules) -> Decision | None:
    """A message that did not leave is a person's business, whoever may speak now."""
    failed = [e for e in conversation.pending if e.kind == "send_failed"]
    told = conversation.mode is Mode.OPERATOR
    return Note(events=failed, outcome="send_failed", tell_person=not told) if failed else None


def _poisoned(conversation: Conversation, _: TurnRules) -> Decision | None:
    """What failed again and again is a person's: no loop pays a model for a defect of ours."""
    poisoned = [e for e in conversation.pending if e.attempts >= ATTEMPTS_MAX]
    return Note(events=poisoned, outcome="failed", tell_person=True) if poisoned else None


def _late(conversation: Conversation, rules: TurnRules) -> Decision | None:
    border = conversation.db_now - rules.late_after
    late = [e for e in _asking(conversation) if e.sent_at < border]
    return Note(events=late, outcome="late", tell_person=True) if late else None


def _silent(conversation: Conversation, _: TurnRules) -> Decision | None:
    if conversation.mode in {Mode.OPERATOR, Mode.MUTED}:
        return _leave(conversation, why=f"mode {conversation.mode}")
    if conversation.consent is AiConsent.REFUSED:
        return _leave(conversation, why="consent refused")
    return Rest(why="paused") if conversation.ai_paused else None


def _question(conversation: Conversation, _: TurnRules) -> Decision | None:
    if _asking(conversation):
        return None
    noted = [e for e in conversation.pending if e.kind != WHISPER]
    if not noted:  # a whisper is read by the next turn
        return _leave(conversation, why="whisper waits for a message")
    return Note(events=noted, outcome="noted")


def _consent(conversation: Conversation, rules: TurnRules) -> Decision | None:
    if may_answer(rules.consent, conversation.consent):
        return None
    asking = _asking(conversation)
    asked_here = ASKED_AT_SEQ in conversation.state
    after = [e for e in asking if e.seq > int(conversation.state.get(ASKED_AT_SEQ, 0))]
    if conversation.consent is AiConsent.ASKED and asked_here:
        queued = _question_is_queued(conversation)
        for event in after:
            # Before the question left only its own button can answer it.
            text = "" if queued else event.text
            answer = read_answer(button_id=event.button_id, text=text)
            if answer is not None:
                return RecordConsent(answer=answer, event=event)
        if after and not queued and not conversation.state.get(REMINDED):
            return AskConsent(events=asking, reminder=True)
    elif after:
        # Never asked here, only told, or the question did not leave: then each new message asks anew.
        return AskConsent(events=asking)
    return _leave(conversation, why="waits for consent")


def _leave(conversation: Conversation, *, why: str) -> Rest:
    return Rest(left=tuple(e.seq for e in conversation.pending if not e.left), why=why)


def _question_is_queued(conversation: Conversation) -> bool:
    question = conversation.state.get(ASKED_MESSAGE)
    return any(str(m.id) == question and m.status == "queued" for m in conversation.history)


def _capped(conversation: Conversation, rules: TurnRules) -> Decision | None:
    """Another machine may be answering us: an answer that may not leave is not paid for."""
    within = (
        conversation.spoken_in_hour < rules.caps.per_hour
        and conversation.spoken_in_day < rules.caps.per_day
    )
    if within:
        return None
    return Note(events=_asking(conversation), outcome=LOOP_CAP, tell_person=True)


def _quiet(conversation: Conversation, rules: TurnRules) -> Decision | None:
    due = rules.quiet.due([(e.received_at, e.completeness) for e in _asking(conversation)])
    return WaitQuiet(due_at=due) if due > conversation.db_now else None


def _money(conversation: Conversation, rules: TurnRules) -> Decision | None:
    budget = rules.money.spent(conversation.spending)
    if budget is None:
        return None
    told = was_told(conversation.state, conversation.db_now)
    return RestForMoney(events=conversation.pending, budget=budget, tell_contact=not told)


_RULES = (
    _echo, _failed_send, _poisoned, _late, _silent, _question, _consent, _capped, _quiet, _money,
)  # fmt: skip


# ---- after a turn


def mode_after(conversation: Conversation, turn: AgentTurn) -> Mode | None:
    """The mode a committed turn leaves behind; None keeps it.

    The AI closes what it says is over only while nothing is open: no person is awaited and no call is
    due. What the contact writes next opens it again.
    """
    says_over = (
        turn.reply is not None
        and turn.reply.next_action is NextAction.CLOSE
        and turn.outcome in {Outcome.ANSWERED, Outcome.REPAIRED}
    )
    call = bool(conversation.calls) or any(isinstance(e, ScheduleCall) for e in turn.effects)
    awaited = conversation.handoff is not None or turn.handoff is not None
    if says_over and not call and not awaited:
        return Mode.CLOSED
    return Mode.AGENT if conversation.mode is Mode.CLOSED else None
