"""What the sandbox makes up once, so that a newcomer fills in nothing, and keeps for later starts."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from domain.errors import InvalidInputError

if TYPE_CHECKING:
    from config.settings import Settings

FILE: Final = "secrets.json"
# The identities of the sandbox's twin of Meta; they mean nothing elsewhere.
FIXED: Final = {
    "whatsapp_business_account_id": "102000000000001",
    "whatsapp_facade_number": "+5511987654321",
    "whatsapp_phone_number_ids": ("106000000000001", "106000000000002", "106000000000003"),
    "admin_email": "supervisor@vitrine.example",
    "company_name": "Mercante Demo",
}
SECRETS: Final = (
    "whatsapp_access_token",
    "whatsapp_app_secret",
    "whatsapp_verify_token",
    "erp_api_key",
    "jwt_secret",
    "admin_password",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOperator:
    """A person the sandbox adds beside the first supervisor, so each role can be tried."""

    role: str  # vendor | agent
    name: str
    email: str
    password: SecretStr


OPERATORS: Final = (
    ("vendor", "Camila Torres", "camila@mercante.example"),
    ("agent", "Júlia Campos", "julia@mercante.example"),
)


def complete(settings: Settings) -> dict[str, Any]:
    """The settings to add to sandbox `settings`: only those nobody gave. Makes the file if needed."""
    kept = _keep(settings.data_dir)
    added: dict[str, Any] = {
        name: value for name, value in FIXED.items() if name not in settings.model_fields_set
    }
    if "whatsapp_phone_number_ids" in settings.model_fields_set:
        added.pop("whatsapp_facade_number", None)
    for name in (*SECRETS, "data_key"):
        if getattr(settings, name) is None:
            added[name] = SecretStr(kept[name])
    return added


def sandbox_operators(settings: Settings) -> tuple[SandboxOperator, ...]:
    """The other roles' accounts of a sandbox; empty outside one."""
    if not settings.sandbox_on:
        return ()
    kept = _keep(settings.data_dir)
    return tuple(
        SandboxOperator(
            role=role, name=name, email=email, password=SecretStr(kept[f"{role}_password"])
        )
        for role, name, email in OPERATORS
    )


def _keep(folder: Path) -> dict[str, str]:
    file = folder / FILE
    try:
        kept: dict[str, str] = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        kept = {}
    except json.JSONDecodeError as error:  # new secrets would make stored data unreadable
        reason = "não é JSON: restaure-o, ou recomece com `vitrine sandbox reset`"
        raise InvalidInputError(str(file), reason) from error
    made = {name: secrets.token_urlsafe(32) for name in SECRETS}
    made["data_key"] = base64.b64encode(secrets.token_bytes(32)).decode()
    made["admin_password"] = secrets.token_urlsafe(12)
    made |= {f"{role}_password": secrets.token_urlsafe(12) for role, _, _ in OPERATORS}
    full = made | kept
    if full != kept:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.chmod(0o600)
        fresh.write_text(json.dumps(full, indent=1) + "\n", "utf-8")
        fresh.replace(file)
    return full


def sandbox_addresses(settings: Settings, url: str) -> dict[str, Any]:
    """The addresses to add when the sandbox answers at `url`: only those nobody gave.

    With a model key of the person's own the real model answers.
    """
    added: dict[str, Any] = {"sandbox_url": url}
    if "whatsapp_api_url" not in settings.model_fields_set:
        added["whatsapp_api_url"] = f"{url}/graph"
    if settings.erp_base_url is None:
        added["erp_base_url"] = f"{url}/erp"
    own = {"anthropic_api_key", "anthropic_base_url", "model_reply_api_key"}
    if not own & settings.model_fields_set:
        added["anthropic_base_url"] = f"{url}/anthropic"
        added["anthropic_api_key"] = SecretStr("sandbox")
    return added
