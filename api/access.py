"""The one place that says who may do and see what: by role, by row and by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from api.problems import ProblemError
from domain.ids import OperatorId
from domain.phone import display, mask
from storage.operators import Role


class Act(StrEnum):
    READ_CONVERSATIONS = "conversations.read"
    TAKE_OVER = "conversation.takeover"
    HAND_BACK = "conversation.handback"
    REPLY = "conversation.reply"
    CLOSE = "conversation.close"
    MUTE = "conversation.mute"
    SEE = "conversation.seen"
    RESEND = "conversation.resend"
    CONFIRM_ARRIVAL = "conversation.arrived"
    NOTE = "conversation.note"
    WHISPER = "conversation.whisper"
    ASSIGN = "conversation.assign"
    QUALIFY = "conversation.qualify"
    SCHEDULE = "conversation.schedule"
    ESCALATE = "conversation.escalate"
    READ_SYSTEM = "system.read"
    PAUSE = "system.pause"
    RESUME = "system.resume"
    SCALE = "system.scale"
    ROLL_OUT = "system.rollout"
    READ_NUMBERS = "numbers.read"
    DRAIN_NUMBER = "number.drain"
    ACTIVATE_NUMBER = "number.activate"
    READ_ACTORS = "actors.read"
    READ_METRICS = "metrics.read"
    FOLLOW_FEED = "events.read"
    READ_USERS = "users.read"
    READ_AUDIT = "audit.read"
    CREATE_USER = "user.create"
    CHANGE_USER = "user.change"
    CHANGE_PASSWORD = "me.password"  # noqa: S105 - the name of an act


_EVERYBODY: Final = frozenset(Role)
_SUPERVISORS: Final = frozenset({Role.SUPERVISOR})

ALLOWED: Final[Mapping[Act, frozenset[Role]]] = {
    **dict.fromkeys(Act, _EVERYBODY),
    **dict.fromkeys(
        (
            Act.WHISPER, Act.ASSIGN, Act.PAUSE, Act.RESUME, Act.SCALE, Act.ROLL_OUT, Act.READ_NUMBERS, Act.DRAIN_NUMBER,
            Act.ACTIVATE_NUMBER, Act.READ_ACTORS, Act.READ_METRICS, Act.READ_USERS, Act.READ_AUDIT,
            Act.CREATE_USER, Act.CHANGE_USER,
        ),
        _SUPERVISORS,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is calling: in a session, or (`token_id`) a program with an API token of this person."""

    operator_id: OperatorId
    email: str
    name: str
    role: Role
    token_id: UUID | None = None
    session_id: UUID | None = None

    @property
    def audit_name(self) -> str:
        return f"token/{self.token_id}" if self.token_id else f"operator/{self.operator_id}"


def check_may(principal: Principal, act: Act) -> None:
    """Raises ProblemError 403."""
    if principal.role not in ALLOWED[act]:
        raise ProblemError(
            403, f"O perfil {principal.role} não pode fazer isto; peça a um supervisor."
        )


def row_scope(principal: Principal) -> UUID | None:
    """The assignee whose conversations alone are visible; None sees every row."""
    return None if principal.role is Role.SUPERVISOR else principal.operator_id


def may_see_row(principal: Principal, assignee_id: UUID | None) -> bool:
    scope = row_scope(principal)
    return scope is None or assignee_id == scope


def phone_for(principal: Principal, phone: str | None) -> str | None:
    """The contact's phone as this person may read it."""
    if phone is None:
        return None
    return display(phone) if principal.role is Role.SUPERVISOR else mask(phone)


def content_for(principal: Principal, content: dict[str, Any]) -> dict[str, Any]:
    """A message's content: what the system says about a person's number is masked like the number."""
    if principal.role is Role.SUPERVISOR or content.get("kind") != "system":
        return content
    hidden = {key: mask(str(content[key])) for key in ("wa_id",) if content.get(key)}
    return {**content, **hidden}
