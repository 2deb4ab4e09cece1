"""Valid values by default; override one field and the test says what matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.account import AccountStanding
from domain.consent import AiConsent, ConsentRule
from domain.conversation import Conversation, LoopCaps, Mode, PendingEvent, TurnRules
from domain.ids import (
    AccountId,
    ContactId,
    ConversationId,
    EventId,
    FacadeId,
    MessageId,
    PhysicalNumberId,
    new_id,
)
from domain.number import NumberHealth, PhysicalNumber, Wish
from domain.spending import MoneyCap
from domain.turn import QuietRule

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ACCOUNT = AccountId(new_id())
FACADE_NUMBER = PhysicalNumberId("106000000000001")


def make_rules(**changes: Any) -> TurnRules:
    values: dict[str, Any] = {
        "quiet": QuietRule(base=timedelta(seconds=3), cap=timedelta(seconds=15)),
        "consent": ConsentRule.EXPLICIT,
        "late_after": timedelta(hours=12),
        "money": MoneyCap(conversation_micros=3_000_000),
        "caps": LoopCaps(per_hour=20, per_day=60),
    }
    return TurnRules(**(values | changes))


def make_event(seq: int = 1, text: str = "Quanto custa?", **changes: Any) -> PendingEvent:
    """A text message received half a minute ago, so that no quiet period holds it back."""
    received = changes.pop("received_at", NOW - timedelta(seconds=30))
    values: dict[str, Any] = {
        "seq": seq,
        "id": EventId(new_id()),
        "kind": "message",
        "payload": {},
        "message_id": MessageId(new_id()),
        "wamid": f"wamid.{seq}",
        "phone_number_id": FACADE_NUMBER,
        "content_kind": "text",
        "button_id": None,
        "text": text,
        "sent_at": received,
        "received_at": received,
    }
    return PendingEvent(**(values | changes))


def make_conversation(*pending: PendingEvent, **changes: Any) -> Conversation:
    """An open conversation of the AI with a contact who has consented."""
    values: dict[str, Any] = {
        "id": ConversationId(new_id()),
        "facade_id": FacadeId(new_id()),
        "contact_id": ContactId(new_id()),
        "mode": Mode.AGENT,
        "epoch": 1,
        "version": 1,
        "sticky_number": FACADE_NUMBER,
        "last_inbound_number": FACADE_NUMBER,
        "number_state": "active",
        "number_health": "healthy",
        "messages_per_second": 80,
        "assignee_id": None,
        "score": None,
        "state": {},
        "origin": {"kind": "direct"},
        "case_id": None,
        "case_purpose": None,
        "case_subject": None,
        "contact_name": "Ana Souza",
        "contact_company": "",
        "contact_profile": {},
        "contact_phone": "5531988887777",
        "right_party_confirmed": False,
        "consent": AiConsent.GRANTED,
        "ai_paused": False,
        "db_now": NOW,
        "pending": list(pending),
    }
    return Conversation(**(values | changes))


def make_number(number: str = FACADE_NUMBER, **changes: Any) -> PhysicalNumber:
    values: dict[str, Any] = {
        "phone_number_id": PhysicalNumberId(number),
        "account_id": ACCOUNT,
        "facade_id": FacadeId(new_id()),
        "is_facade": number == FACADE_NUMBER,
        "display_phone": f"+{number}",
        "traffic_classes": ("sales",),
        "weight": 1,
        "wish": Wish.ACTIVE,
        "activated_at": None,
        "health": NumberHealth.HEALTHY,
        "health_reason": "",
        "quarantined_until": None,
        "replies_only": False,
        "account": AccountStanding(),
        "quality": "GREEN",
        "meta_status": "CONNECTED",
        "open_threads": 0,
    }
    return PhysicalNumber(**(values | changes))
