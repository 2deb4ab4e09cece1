"""The shapes the API answers with; they are the contract that OpenAPI shows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from domain.scale import Part
from storage.alerts import AlertKind
from telemetry.invariants import InvariantName, Severity

T = TypeVar("T")

#: RFC 3339 in UTC with a `Z`.
Moment = Annotated[
    datetime,
    PlainSerializer(
        lambda at: at.isoformat().replace("+00:00", "Z"), return_type=str, when_used="json"
    ),
]
Mode = Literal["agent", "operator", "muted", "closed"]
PriorityName = Literal["low", "normal", "high", "urgent"]


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Page(Answer, Generic[T]):
    items: list[T]
    next_cursor: str | None = None


class Problem(Answer):
    """RFC 9457. `request_id` is what to quote when asking for help."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[dict[str, str]] | None = None


class Tokens(Answer):
    access_token: str
    refresh_token: str
    expires_in: Annotated[int, Field(description="Seconds the access token lives.")]


class Me(Answer):
    id: UUID
    name: str
    email: str
    role: Literal["supervisor", "vendor", "agent"]
    password_is_initial: bool = False


class Named(Answer):
    id: UUID
    name: str


class ContactBrief(Answer):
    id: UUID
    name: str | None
    phone: Annotated[str | None, Field(examples=["+55 31 •••••-7777"])]
    username: str | None = None


class HandoffBrief(Answer):
    id: UUID
    reason: str
    priority: str
    state: str
    queued_at: Moment
    position: int | None = None


class LastMessage(Answer):
    text: str
    author: str
    direction: str
    status: str
    at: Moment


class ConversationItem(Answer):
    id: UUID
    contact: ContactBrief
    facade: Named
    mode: Mode
    assignee: Named | None
    handoff: HandoffBrief | None
    score: float | None
    last_message: LastMessage | None
    unread_count: int
    window_open_until: Moment | None
    cost_brl_centavos: int
    cost_usd_micros: int
    awaiting: Literal["none", "quiet", "turn", "sending", "operator", "consent"]
    updated_at: Moment
    ai_paused: bool


class SendProblem(Answer):
    """Why a message did not leave or arrive, in words for a person; `code` is Meta's or our own."""

    code: str | int | None = None
    title: str
    detail: str | None = None


class MessageAnswer(Answer):
    id: UUID
    seq: int
    direction: str
    author: str
    operator: Named | None
    content: dict[str, Any]
    text: str
    status: str
    status_at: Moment
    error: SendProblem | None = None
    possible_duplicate: Annotated[
        bool, Field(description="It was sent again because nobody knew whether it had left.")
    ]
    reply_to: str | None
    turn_id: UUID | None
    phone_number_id: str | None
    at: Moment


class TurnAnswer(Answer):
    id: UUID
    state: str
    started_at: Moment
    finished_at: Moment | None
    playbook: str
    inputs: list[Any]
    context: Any
    reply: Any
    model_calls: list[Any]
    tools: list[Any]
    guardrails: list[Any]
    tokens: dict[str, int]
    cost_usd_micros: int
    latency_ms: dict[str, Any]
    outcome: str
    actor: Any


class NoteAnswer(Answer):
    id: UUID
    author: str
    text: str
    at: Moment


class TimelineEntry(Answer):
    at: Moment
    kind: str
    text: str
    actor: str | None = None


class ResidentActor(Answer):
    name: str
    kind: str
    node: str
    pid: int
    mailbox: int
    epoch: int
    last_turn_at: str | None


class StickyNumber(Answer):
    phone_number_id: str
    display_phone: str | None
    reason: str


class ConsentAnswer(Answer):
    state: str
    at: Moment | None
    text_version: str | None


class CaseAnswer(Answer):
    purpose: str
    subject: str


class ConversationAnswer(ConversationItem):
    epoch: int
    version: int
    sticky_number: StickyNumber | None
    origin: dict[str, Any] | None
    consent: ConsentAnswer
    handled_up_to: int
    pending: Annotated[
        list[UUID],
        Field(
            description="The customer's messages nobody has answered: what the AI would work on."
        ),
    ]
    case: CaseAnswer | None
    messages: list[MessageAnswer]
    earlier_messages: Annotated[
        bool, Field(description="There are more: ask with messages_before=<first seq>.")
    ]
    turns: list[TurnAnswer]
    notes: list[NoteAnswer]
    timeline: list[TimelineEntry]
    actor: ResidentActor | None


class FenceAnswer(Answer):
    epoch: int
    in_flight: Annotated[
        list[UUID], Field(description="AI messages that were already on their way to Meta.")
    ]
    handled_up_to: int


class Sent(Answer):
    message_id: UUID
    epoch: int
    in_flight: list[UUID]


class HandoffAnswer(Answer):
    handoff_id: UUID


class Done(Answer):
    ok: Literal[True] = True


class UserAnswer(Answer):
    id: UUID
    name: str
    email: str
    role: Literal["supervisor", "vendor", "agent"]
    active: bool
    online: Annotated[bool, Field(description="At the dashboard within the last two minutes.")]
    password_is_initial: bool


class AuditAnswer(Answer):
    """`actor` is `operator/<id>`, `token/<id>` or a process; `target` what was done or read."""

    seq: int
    at: Moment
    actor: str
    action: str
    target: str
    details: dict[str, Any]


class ModelAnswer(Answer):
    name: str
    rehearsal: bool


class AlertAnswer(Answer):
    """Something a person must know now; it goes when its cause goes."""

    kind: AlertKind
    text: str
    since: Moment
    until: Moment | None


class SystemAnswer(Answer):
    ai_paused: bool
    paused_by: str | None
    paused_at: Moment | None
    reason: str | None
    sandbox: bool
    version: str
    model: ModelAnswer
    pause_scope: str | None
    alerts: list[AlertAnswer]


class PartAnswer(Answer):
    part: Part
    wanted: int
    settled: Annotated[bool, Field(description="Whether it is carried out.")]


class InvariantAnswer(Answer):
    name: InvariantName
    severity: Severity
    holds: Annotated[str, Field(description="The sentence that should be true, in Portuguese.")]
    remedy: Annotated[str, Field(description="What a person does when it is not.")]
    of: Annotated[str, Field(description="What the ids are.")]
    violations: Annotated[int, Field(description="Counted up to 1,000.")]
    ids: Annotated[list[str], Field(description="At most 20 of the violations.")]
    since: Moment | None
    unchecked: Annotated[str | None, Field(description="Why it could not be judged last time.")]
    checked_at: Moment | None


class NumberAnswer(Answer):
    phone_number_id: str
    display_phone: str
    verified_name: str
    facade: Named
    traffic_classes: list[str]
    state: str
    health: str
    health_reason: str
    health_since: Moment
    quality: str
    messaging_limit: str | None
    mps: int
    sent_last_minute: int
    errors_last_hour: int
    open_threads: Annotated[int, Field(description="Service windows open on this number now.")]
    quarantine_until: Moment | None


class ActorAnswer(Answer):
    name: str
    kind: str
    actor_id: str
    node: str
    pid: int
    resident: int
    conversations: list[dict[str, Any]]
    memory_bytes: int
    started_at: Moment
    heartbeat_at: Moment


class Readiness(Answer):
    ready: bool
    checks: dict[str, str]
