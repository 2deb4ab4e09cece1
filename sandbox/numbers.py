"""The business numbers of the twin and what Meta thinks of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.config import APP_ID, BUSINESS_ID, FACADE_PNID, WABA_ID


@dataclass(slots=True, kw_only=True)
class Number:
    """One business phone number, with its throughput and pair-rate state."""

    id: str
    phone: str
    display: str
    verified_name: str
    status: str = "CONNECTED"
    quality: str = "GREEN"
    mps: int = 80
    banned: bool = False
    can_send: str = "AVAILABLE"
    webhook_configuration: dict[str, str] = field(default_factory=dict)
    service_delivered: int = 0

    def metadata(self) -> dict[str, str]:
        return {"display_phone_number": self.phone, "phone_number_id": self.id}


def default_numbers() -> dict[str, Number]:
    rows = (
        (FACADE_PNID, "5511987654321", "+55 11 98765-4321"),
        ("106000000000002", "5511999990001", "+55 11 99999-0001"),
        ("106000000000003", "5511999990002", "+55 11 99999-0002"),
    )
    return {
        pnid: Number(id=pnid, phone=phone, display=display, verified_name="Mercante Demo")
        for pnid, phone, display in rows
    }


def health_fields(number: Number, *, tier: str) -> dict[str, Any]:
    """Everything `GET /{pnid}?fields=` may ask for."""
    blocked = "BLOCKED" if number.banned else number.can_send
    entity: dict[str, Any] = {
        "entity_type": "PHONE_NUMBER",
        "id": number.id,
        "can_send_message": blocked,
    }
    if blocked != "AVAILABLE":
        entity["errors"] = [
            {
                "error_code": 131031 if number.banned else 131048,
                "error_description": "The number cannot send all messages.",
                "possible_solution": "Check the quality of the number.",
            }
        ]
    others = [("WABA", WABA_ID), ("BUSINESS", BUSINESS_ID), ("APP", APP_ID)]
    return {
        "id": number.id,
        "display_phone_number": number.display,
        "verified_name": number.verified_name,
        "status": "BANNED" if number.banned else number.status,
        "quality_rating": number.quality,
        "name_status": "APPROVED",
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
        "throughput": {"level": "HIGH" if number.mps > 80 else "STANDARD"},
        "account_mode": "LIVE",
        "is_official_business_account": False,
        "whatsapp_business_manager_messaging_limit": tier,
        "webhook_configuration": number.webhook_configuration,
        "health_status": {
            "can_send_message": blocked,
            "entities": [
                entity,
                *(
                    {"entity_type": kind, "id": identity, "can_send_message": "AVAILABLE"}
                    for kind, identity in others
                ),
            ],
        },
    }
