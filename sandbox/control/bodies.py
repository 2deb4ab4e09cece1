"""What the control API is told."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class CustomerIn(BaseModel):
    phone: str | None = Field(
        None, description="any writing; empty for a username user without phone"
    )
    name: str = Field(min_length=1, max_length=120)
    username: str | None = None
    bsuid: str | None = None
    hidden: bool = Field(default=False, description="webhooks give no phone away (BSUID only)")
    on_whatsapp: bool = True
    reads: bool = True


class CustomerChange(BaseModel):
    name: str | None = None
    hidden: bool | None = None
    on_whatsapp: bool | None = None
    reads: bool | None = None
    blocked: bool | None = None
    opted_out: bool | None = None
    phone: str | None = Field(None, description="changes the number: a system message is sent")


class SayIn(BaseModel):
    customer: str = Field(
        description="id, phone in any writing, or BSUID; a new phone makes a customer"
    )
    text: str | None = None
    content: dict[str, Any] | None = Field(
        None, description="Meta's `{type, <type>: …}` or the short `{kind, …}`"
    )
    number: str | None = Field(None, description="phone number id; the façade's by default")
    name: str | None = Field(None, description="name of a customer made by this call")
    referral: dict[str, Any] | None = None
    reply_to: str | None = None
    copies: int = Field(1, ge=1, le=50, description="the same webhook this many times")
    age_s: float = Field(0, ge=0, description="dated back by so many seconds")
    sample: Literal["image", "audio", "document"] | None = Field(
        None, description="attach a sample file"
    )


class TapIn(BaseModel):
    customer: str
    wamid: str
    choice: str = Field(description="id or title of the button or row")
    number: str | None = None


class BatchIn(BaseModel):
    """One POST with many updates, for the 1000-update test."""

    messages: list[SayIn] = Field(max_length=1000)


class RepeatIn(BaseModel):
    customer: str
    times: int = Field(5, ge=1, le=50)


class RawIn(BaseModel):
    payload: Any = None
    text: str | None = Field(None, description="exact body instead of `payload`")
    signature: str | None = Field(None, description="exact signature header, to send a wrong one")


class FieldIn(BaseModel):
    field: str
    value: dict[str, Any]


class NumberChange(BaseModel):
    quality: Literal["GREEN", "YELLOW", "RED", "UNKNOWN"] | None = None
    status: str | None = None
    mps: int | None = Field(None, ge=1)
    banned: bool | None = None
    can_send: Literal["AVAILABLE", "LIMITED", "BLOCKED"] | None = None


class TemplateChange(BaseModel):
    status: Literal["APPROVED", "PAUSED", "DISABLED", "REJECTED", "PENDING"]


class WindowIn(BaseModel):
    customer: str
    number: str | None = None
    open: bool


class ModelIn(BaseModel):
    latency_ms: int | list[int] | None = None
    fail: (
        Literal["", "400", "401", "429", "500", "529", "timeout", "garbage", "plain", "refusal"]
        | int
        | None
    ) = None
    next: int | None = Field(None, ge=0)
    persona: Literal["seller", "echo"] | None = None
    retry_after_s: int | None = Field(None, ge=0)


class TrafficIn(BaseModel):
    pace: Literal["off", "light", "full"]


class KillIn(BaseModel):
    pid: int = Field(gt=1)
