"""One type per identity, and the one place that makes new ones."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

from uuid_utils.compat import uuid7

AccountId = NewType("AccountId", UUID)
FacadeId = NewType("FacadeId", UUID)
ContactId = NewType("ContactId", UUID)
ConversationId = NewType("ConversationId", UUID)
CaseId = NewType("CaseId", UUID)
MessageId = NewType("MessageId", UUID)
EventId = NewType("EventId", UUID)
TurnId = NewType("TurnId", UUID)
OutboxId = NewType("OutboxId", UUID)
AttemptId = NewType("AttemptId", UUID)
DecisionId = NewType("DecisionId", UUID)
HandoffId = NewType("HandoffId", UUID)
TimerId = NewType("TimerId", UUID)
OperatorId = NewType("OperatorId", UUID)

# Meta's own identities are opaque strings, kept verbatim: never parsed, never assumed 1:1.
PhysicalNumberId = NewType("PhysicalNumberId", str)
Wamid = NewType("Wamid", str)


def new_id() -> UUID:
    """A UUIDv7: unique everywhere, and rows made later sort later (milliseconds, then chance)."""
    return uuid7()
