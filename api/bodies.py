"""What the API accepts. Unknown fields are refused by name, so a misspelt one is never ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from domain.scale import Part
from domain.storable import storable_text

_Clean = AfterValidator(storable_text)
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4096), _Clean
]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), _Clean]
GivenReason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), _Clean
]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Login(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "ana@loja.example", "password": "uma frase comprida"}]
        }
    )

    email: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=320)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=1024)]


class RefreshToken(Body):
    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=200)]


class Nothing(Body):
    """No field; the body may be left out."""


class HandBack(Body):
    handled_up_to: Annotated[
        Annotated[int, Field(ge=0, le=2**63 - 1)] | UUID | Literal["all"] | None,
        Field(
            description="Up to where nothing needs an answer: a message's id, the arrival number of an "
            "event, or `all`. Left out: up to the person's last message."
        ),
    ] = None


class Close(Body):
    reason: Reason = ""


class Text(Body):
    text: Words


class Assign(Body):
    operator_id: UUID


class Qualify(Body):
    score: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Schedule(Body):
    at: AwareDatetime
    subject: GivenReason


class Send(Body):
    """Either `text` or `content`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "conversation_id": "0198d6a2-7c1e-7d7b-9d0e-3a0d5c1f2b11",
                    "text": "Bom dia! Já verifico.",
                },
                {
                    "conversation_id": "0198d6a2-7c1e-7d7b-9d0e-3a0d5c1f2b11",
                    "content": {
                        "kind": "buttons",
                        "body": "Posso ajudar?",
                        "buttons": [{"id": "sim", "title": "Sim"}, {"id": "nao", "title": "Não"}],
                    },
                },
            ]
        }
    )

    conversation_id: UUID
    text: Annotated[str, _Clean] | None = None
    content: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.content is None):
            message = "give either `text` or `content`"
            raise ValueError(message)
        return self


class Escalate(Body):
    conversation_id: UUID
    reason: GivenReason
    priority: Literal["low", "normal", "high", "urgent"] = "normal"


class Pause(Body):
    reason: GivenReason


class ScaleTo(Body):
    part: Part
    count: Annotated[int, Field(ge=1, le=64)]


class RollOut(Body):
    part: Literal[Part.WEBHOOK, Part.API]


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), _Clean
]
RoleName = Literal["supervisor", "vendor", "agent"]
NewPassword = Annotated[SecretStr, Field(min_length=1, max_length=1024)]


class NewUser(Body):
    """The password is a first one: its owner is asked for another."""

    email: Annotated[EmailStr, Field(max_length=320)]
    name: Name
    role: RoleName
    password: NewPassword


class UserChange(Body):
    """What is left out stays."""

    name: Name | None = None
    role: RoleName | None = None
    active: bool | None = None


class PasswordChange(Body):
    current_password: Annotated[SecretStr, Field(min_length=1, max_length=1024)]
    new_password: NewPassword
