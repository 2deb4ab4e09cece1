"""What a turn of the AI produced: the reply, its effects, and everything that explains them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.handoff import Priority, Silence


class NextAction(StrEnum):
    """Where the model says the talk goes. Only `handoff` and `close` do something by themselves."""

    CONTINUE = "continue"
    #: Puts the conversation into the people's queue, as the tool does.
    HANDOFF = "handoff"
    #: A call is fixed or being arranged. The tool fixes it; without it this is a wish, kept in the journal.
    SCHEDULE = "schedule"
    #: The contact will think or come back. Nothing is sent meanwhile; the conversation stays as it is.
    WAIT = "wait"
    #: The talk is over: closed if nothing is open (`domain/conversation.py:mode_after`).
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The model's answer. `qualification_score` is between 0 and 1."""

    message: str
    qualification_score: float
    next_action: NextAction = NextAction.CONTINUE
    metadata: Mapping[str, Any] = field(default_factory=dict)


# ---- effects: executed in the turn's transaction, never inside the loop


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCall:
    """`at` is aware, in the future of the turn, inside business hours."""

    at: datetime
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateContact:
    """New values by field: name, company, or one of the profile."""

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHandoff:
    """Put the conversation into the people's queue. `brief` is what the operator reads first."""

    reason: str
    priority: Priority = Priority.NORMAL
    silence: Silence = Silence.NONE
    brief: Mapping[str, Any] = field(default_factory=dict)


Effect = AddNote | ScheduleCall | UpdateContact | RequestHandoff


# ---- what explains it


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One request to a model, answered or not. `input_tokens` are those that no cache served.

    `cost_micros` is in millionths of a dollar; `priced_by` names the price row ("default" when the
    model is not in the table, so that the figure is an upper guess).
    """

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    latency_ms: int = 0
    stop_reason: str | None = None
    cost_micros: int = 0
    priced_by: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    name: str
    input: Mapping[str, Any]
    output: Mapping[str, Any]
    ok: bool
    latency_ms: int = 0


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    REPAIR = "repair"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardVerdict:
    """What a rule said about a draft; `detail` names what was found, for people and for the repair."""

    rule: str
    verdict: Verdict
    detail: str = ""


class Outcome(StrEnum):
    ANSWERED = "answered"
    #: A guard objected once, and the second draft passed.
    REPAIRED = "repaired"
    #: The words come from agent/wordings, not from the model.
    APPROVED_WORDING = "approved_wording"
    #: No model could answer; the contact was told so.
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTurn:
    """One turn, not yet persisted. `bubbles` is what the contact will read, in order, mostly one.

    `handoff` is the one raised by this turn (also the last of `effects`), None when none was or
    when one is queued already. `state` is to be kept and given back in the next context.
    """

    reply: Reply | None
    bubbles: tuple[str, ...]
    outcome: Outcome
    effects: tuple[Effect, ...] = ()
    handoff: RequestHandoff | None = None
    model_calls: tuple[ModelCall, ...] = ()
    tools: tuple[ToolCall, ...] = ()
    guardrails: tuple[GuardVerdict, ...] = ()
    carries_money: bool = False
    state: Mapping[str, Any] = field(default_factory=dict)
    #: Approved wordings used, by name and version.
    wordings: Mapping[str, str] = field(default_factory=dict)

    @property
    def cost_micros(self) -> int:
        return sum(call.cost_micros for call in self.model_calls)
