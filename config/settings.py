"""Every setting of Vitrine: read once from the environment and `.env`, then handed on by sections.

A missing secret stops the start by name; nothing else of the product reads the environment.
"""

from __future__ import annotations

import os
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from typing_extensions import override

from config import readiness
from config.generated import complete
from config.limits import (
    DEDICATED_ACTORS_DEFAULT_MOST,
    DEDICATED_ACTORS_PER_CORE,
    QUIET_PERIOD,
)
from domain.errors import RejectedError


class SettingsError(RejectedError):
    """The settings cannot start Vitrine; the message names each setting and what would be right."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    @override
    def __str__(self) -> str:
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        return f"com estas configurações o Vitrine não inicia:\n{lines}"


class ModelEndpoint(BaseModel):
    """Where one function's model answers; speaks the Anthropic Messages protocol."""

    model_config = ConfigDict(frozen=True)

    name: str
    base_url: str
    api_key: SecretStr


class Settings(BaseSettings):
    """The environment as one frozen object. Names are the variables of `config/example.env`.

    Use `load_settings()`: it adds what the sandbox generates and refuses what cannot start.
    """

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        populate_by_name=True,
    )

    # Where things are kept. Unset: embedded servers under `data_dir`.
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    data_dir: Path = Field(default=Path(".vitrine"), validation_alias="VITRINE_DIR")

    # Where we are reached.
    ray_address: str | None = None
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=1, le=65535)] = 8000
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    tls_terminated: bool = False
    metrics_token: SecretStr | None = None

    # Meta.
    whatsapp_api_url: str = "https://graph.facebook.com"
    whatsapp_api_version: Annotated[str, Field(pattern=r"^v\d+\.\d+$")] = "v26.0"
    whatsapp_access_token: SecretStr | None = None
    whatsapp_app_secret: SecretStr | None = None
    whatsapp_verify_token: SecretStr | None = None
    whatsapp_business_account_id: str | None = None
    whatsapp_facade_number: str | None = None
    whatsapp_phone_number_ids: Annotated[tuple[str, ...], NoDecode] = ()

    # The model.
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: str = "https://api.anthropic.com"
    model_reply: str = "claude-sonnet-5"
    model_reply_base_url: str | None = None
    model_reply_api_key: SecretStr | None = None
    model_triage: str | None = None
    model_analysis: str | None = None
    model_vision: str | None = None
    model_fallback: str | None = None
    model_fallback_base_url: str | None = None
    model_fallback_api_key: SecretStr | None = None

    # US dollars the model may cost in a day, all conversations together; about 4 000 answers. Beyond it
    # people answer until midnight: a fuse against loops and floods, not a forecast.
    model_day_cap_usd: Annotated[Decimal, Field(gt=0, le=1_000_000)] = Decimal(100)

    # The outside systems.
    erp_base_url: str | None = None
    erp_api_key: SecretStr | None = None
    slack_webhook_url: SecretStr | None = None

    # Secrets of our own.
    jwt_secret: SecretStr | None = None
    data_key: SecretStr | None = None
    admin_email: str | None = None
    admin_password: SecretStr | None = None

    # Behaviour.
    ai_consent: Literal["explicit", "notice"] = "explicit"
    dedicated_actors_max: Annotated[int, Field(ge=0)] = Field(
        default=min(
            DEDICATED_ACTORS_PER_CORE * (os.cpu_count() or 1), DEDICATED_ACTORS_DEFAULT_MOST
        )
    )
    conversation_shards: Annotated[int, Field(ge=1, le=64)] = 1
    quiet_period_s: Annotated[float, Field(ge=0, le=60)] = QUIET_PERIOD.total_seconds()
    retention_days: Annotated[int, Field(ge=1)] = 90
    company_name: str = "Vitrine"
    timezone: str = "America/Sao_Paulo"
    # An estimate that turns the model's dollars into reais on screens; never an invoice.
    usd_brl_rate: Annotated[Decimal, Field(gt=0, le=1000)] = Decimal("5.50")
    sandbox: Literal["auto", "on", "off"] = "auto"
    sandbox_url: str | None = None
    failpoints_dir: Path | None = None

    @field_validator("trusted_proxies", "whatsapp_phone_number_ids", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @cached_property
    def sandbox_on(self) -> bool:
        """`auto` is on only if neither Meta's token nor another Graph address is set."""
        if self.sandbox != "auto":
            return self.sandbox == "on"
        return (
            self.whatsapp_access_token is None and "whatsapp_api_url" not in self.model_fields_set
        )

    @property
    def reply_base_url(self) -> str:
        """Where the model that answers customers is asked."""
        return self.model_reply_base_url or self.anthropic_base_url

    @property
    def is_rehearsal(self) -> bool:
        """Whether the sandbox's rehearsal agent answers instead of a model; every screen says so."""
        return self.sandbox_url is not None and self.reply_base_url.startswith(self.sandbox_url)

    @cached_property
    def model_day_cap_micros(self) -> int:
        return int(self.model_day_cap_usd * 1_000_000)

    @cached_property
    def app_secrets(self) -> tuple[str, ...]:
        """The app secrets in force: two while rotating, newest first."""
        if self.whatsapp_app_secret is None:
            return ()
        both = self.whatsapp_app_secret.get_secret_value().split(",")
        return tuple(one.strip() for one in both if one.strip())

    @cached_property
    def http_port_given(self) -> bool:
        """Whether a person chose the port; a default that is taken gives way to the next one."""
        return "http_port" in self.model_fields_set

    def check_ready(self) -> None:
        """Raises SettingsError with one line for each thing that is missing or cannot be."""
        problems = readiness.problems(self)
        if problems:
            raise SettingsError(tuple(problems))

    def to_environment(self) -> dict[str, str]:
        """The variables another process of ours needs to read the very same settings."""
        variables: dict[str, str] = {}
        for name, field in type(self).model_fields.items():
            alias = field.validation_alias
            text = _as_text(getattr(self, name))
            if text is not None:
                variables[alias if isinstance(alias, str) else name.upper()] = text
        return variables | {"SANDBOX": "on" if self.sandbox_on else "off"}


def load_settings(**given: Any) -> Settings:
    """The settings a start uses: read, completed in the sandbox, checked.

    `given` wins over the environment (tests, `_env_file=None`). Raises SettingsError. In the sandbox
    what is missing is generated once and kept in `<data_dir>/secrets.json`.
    """
    settings = read_settings(**given)
    if settings.sandbox_on:
        settings = settings.model_copy(update=complete(settings))
    settings.check_ready()
    return settings


def read_settings(**given: Any) -> Settings:
    """What the environment says, each value valid by itself; nothing is generated or required.

    The file `.env` of this folder completes it, or the one that VITRINE_ENV_FILE names.
    """
    named = os.environ.get("VITRINE_ENV_FILE")
    if named and not Path(named).exists():
        raise SettingsError((f"VITRINE_ENV_FILE: o arquivo {named} não existe",))
    file = named or ".env"
    try:
        return Settings(**{"_env_file": file} | given)
    except ValidationError as error:
        raise SettingsError(tuple(readiness.describe(error, Settings))) from error


def plain(secret: SecretStr | None) -> str:
    """The secret itself, empty when unset: for a client or a child process, never for a log."""
    return "" if secret is None else secret.get_secret_value()


def _as_text(value: Any) -> str | None:
    match value:
        case None | ():
            return None
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(value)
        case Path():
            return str(value.resolve())
        case _:
            return str(value)
