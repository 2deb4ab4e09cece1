"""The error tree; the class knows whether trying again can help.

VitrineError
 ├─ RejectedError     a rule said no; the same call will be refused again
 │   ├─ NotFoundError
 │   ├─ MergedError
 │   └─ InvalidInputError
 ├─ TransientError    may work later; carries `retry_after_s` when somebody said so
 └─ DefectError       must not happen; a person has to look

Every constructor hands all its arguments to `super().__init__`, so an error survives pickling
between Ray processes. Foreign errors are translated once, at their adapter, with `raise ... from`.
"""

from __future__ import annotations

from uuid import UUID

from typing_extensions import override


class VitrineError(Exception):
    """The root of what Vitrine itself raises."""


class RejectedError(VitrineError):
    """A rule said no. Never retried; the message says what was wrong and what would be right."""


class NotFoundError(RejectedError):
    """Nothing of that kind under that key, or not visible to this person."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(kind, key)
        self.kind = kind
        self.key = key

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.key!r} was not found"


class MergedError(RejectedError):
    """The conversation was folded into another one of the same person, where it goes on."""

    def __init__(self, conversation_id: UUID, into: UUID) -> None:
        super().__init__(conversation_id, into)
        self.conversation_id = conversation_id
        self.into = into

    @override
    def __str__(self) -> str:
        return (
            "Esta conversa foi unida a outra da mesma pessoa e continua lá; nada mudou. "
            f"Abra a conversa {self.into}."
        )


class InvalidInputError(RejectedError):
    """Input that cannot be worked: `field` says where, `reason` what would be right."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    @override
    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class TransientError(VitrineError):
    """May work later; `retry_after_s` is None when nobody named a time."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s)
        self.message = message
        self.retry_after_s = retry_after_s

    @override
    def __str__(self) -> str:
        return self.message


class DefectError(VitrineError):
    """A state that must not exist; counted, logged with its trace, and looked at by a person."""
