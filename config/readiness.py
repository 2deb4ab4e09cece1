"""Whether settings can start Vitrine, said in words: what is wrong, and what would be right."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, SecretStr, ValidationError

if TYPE_CHECKING:
    from config.settings import Settings

# What a start outside the sandbox cannot do without, and where it is found.
REQUIRED: Final = {
    "whatsapp_access_token": "o token permanente do usuário de sistema (Meta Business, Usuários do sistema)",
    "whatsapp_app_secret": "a chave secreta do app (Meta for Developers, Configurações, Básico)",
    "whatsapp_verify_token": "um texto à sua escolha, o mesmo informado à Meta ao cadastrar o webhook",
    "whatsapp_business_account_id": "o id da conta WhatsApp Business (WABA), só algarismos",
    "whatsapp_phone_number_ids": "os phone_number_id dos números, separados por vírgula",
    "jwt_secret": "32 ou mais caracteres ao acaso, por exemplo de: openssl rand -hex 32",
    "data_key": "32 bytes em base64, por exemplo de: openssl rand -base64 32",
    "admin_email": "o e-mail da primeira pessoa supervisora",
    "admin_password": "a senha da primeira pessoa supervisora, com 12 ou mais caracteres",
}
URLS: Final = (
    "whatsapp_api_url",
    "anthropic_base_url",
    "model_reply_base_url",
    "model_fallback_base_url",
    "erp_base_url",
    "slack_webhook_url",
    "sandbox_url",
)
SHORTEST_SECRET: Final = 32
SHORTEST_PASSWORD: Final = 12
SANDBOX_HINT: Final = (
    "para experimentar sem contas, deixe WHATSAPP_ACCESS_TOKEN e WHATSAPP_API_URL vazios"
)


def problems(settings: Settings) -> list[str]:
    """One line for each problem, in the order a person would mend them; empty when all is well."""
    return [
        *_missing(settings),
        *_wrong_stores(settings),
        *_wrong_urls(settings),
        *_wrong_reach(settings),
        *_wrong_meta(settings),
        *_wrong_secrets(settings),
        *_wrong_zone(settings),
        *_wrong_failpoints(settings),
    ]


def describe(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Each of pydantic's complaints as one line with the variable's name; secrets are not shown."""
    for one in error.errors(include_url=False):
        name = str(one["loc"][0]) if one["loc"] else "?"
        secret = name in model.model_fields and "Secret" in str(model.model_fields[name].annotation)
        shown = "" if secret else f"{one['input']!r} não serve: "
        yield f"{name.upper()}: {shown}{_right(one['type'], one.get('ctx') or {})}"


def _right(kind: str, context: dict[str, object]) -> str:
    match kind:
        case "greater_than_equal":
            return f"o menor valor é {context['ge']}"
        case "less_than_equal":
            return f"o maior valor é {context['le']}"
        case "int_parsing" | "int_type" | "int_from_float":
            return "precisa ser um número inteiro"
        case "float_parsing" | "float_type" | "finite_number":
            return "precisa ser um número"
        case "bool_parsing" | "bool_type":
            return "precisa ser true ou false"
        case "literal_error":
            return f"precisa ser um destes: {context['expected']}".replace(" or ", " ou ")
        case "string_pattern_mismatch":
            return f"precisa ter a forma {context['pattern']}"
        case _:
            return "valor inválido"


def _missing(settings: Settings) -> Iterator[str]:
    if settings.sandbox_on:
        return
    found = False
    for name, right in REQUIRED.items():
        if not getattr(settings, name):
            found = True
            yield f"{name.upper()} falta: {right}"
    reached = {
        "anthropic_api_key",
        "anthropic_base_url",
        "model_reply_api_key",
        "model_reply_base_url",
    }
    if not reached & settings.model_fields_set:
        found = True
        yield "ANTHROPIC_API_KEY falta: uma chave de console.anthropic.com, ou ANTHROPIC_BASE_URL"
    if found and settings.whatsapp_access_token is None:
        yield SANDBOX_HINT


def _wrong_stores(settings: Settings) -> Iterator[str]:
    expected = {
        "database_url": (
            ("postgresql", "postgres"),
            "postgresql://usuario:senha@servidor:5432/base",
        ),
        "redis_url": (("redis", "rediss"), "redis://:senha@servidor:6379/0"),
    }
    for name, (schemes, example) in expected.items():
        secret: SecretStr | None = getattr(settings, name)
        if secret is not None and urlsplit(secret.get_secret_value()).scheme not in schemes:
            yield f"{name.upper()}: precisa ter a forma {example}"
        if secret is None and settings.ray_address is not None:
            yield f"{name.upper()} falta: com RAY_ADDRESS os servidores embutidos não bastam"


def _wrong_urls(settings: Settings) -> Iterator[str]:
    for name in URLS:
        value = getattr(settings, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text is None:
            continue
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            yield f"{name.upper()}: precisa ser um endereço http:// ou https://"


def _wrong_reach(settings: Settings) -> Iterator[str]:
    if not _is_loopback(settings.http_host) and not settings.tls_terminated:
        yield (
            f"HTTP_HOST: {settings.http_host!r} abre o Vitrine para a rede sem TLS; use 127.0.0.1, "
            "ou ponha um proxy com TLS à frente e defina TLS_TERMINATED=true e TRUSTED_PROXIES"
        )
    for proxy in settings.trusted_proxies:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            yield f"TRUSTED_PROXIES: {proxy!r} não é um IP nem uma rede, como 10.0.0.0/8"


def _wrong_meta(settings: Settings) -> Iterator[str]:
    for identity in settings.whatsapp_phone_number_ids:
        if not (identity.isascii() and identity.isdigit()):
            yield (
                f"WHATSAPP_PHONE_NUMBER_IDS: {identity!r} não é um phone_number_id (só algarismos; "
                "não é o telefone, é o id que a Meta mostra ao lado dele)"
            )
    account = settings.whatsapp_business_account_id
    if account is not None and not (account.isascii() and account.isdigit()):
        yield f"WHATSAPP_BUSINESS_ACCOUNT_ID: {account!r} não é o id de uma WABA (só algarismos)"
    facade = settings.whatsapp_facade_number
    if facade is not None and not _names_number(facade, settings.whatsapp_phone_number_ids):
        yield (
            f"WHATSAPP_FACADE_NUMBER: {facade!r} não é um dos WHATSAPP_PHONE_NUMBER_IDS nem um "
            "telefone, como +5511987654321"
        )
    if settings.whatsapp_app_secret is not None and not 1 <= len(settings.app_secrets) <= 2:
        yield "WHATSAPP_APP_SECRET: no máximo duas chaves, a nova e a antiga, separadas por vírgula"


def _wrong_secrets(settings: Settings) -> Iterator[str]:
    if settings.jwt_secret is not None:
        length = len(settings.jwt_secret.get_secret_value())
        if length < SHORTEST_SECRET:
            yield f"JWT_SECRET: tem {length} caracteres, precisa de {SHORTEST_SECRET} ou mais"
    if settings.data_key is not None and not _is_key(settings.data_key.get_secret_value()):
        yield f"DATA_KEY: precisa ser {REQUIRED['data_key']}"
    if settings.admin_email is not None:
        try:
            validate_email(settings.admin_email, check_deliverability=False)
        except EmailNotValidError:
            yield f"ADMIN_EMAIL: {settings.admin_email!r} não é um e-mail"
    if settings.admin_password is not None:
        length = len(settings.admin_password.get_secret_value())
        if length < SHORTEST_PASSWORD:
            yield f"ADMIN_PASSWORD: tem {length} caracteres, precisa de {SHORTEST_PASSWORD} ou mais"


def _wrong_zone(settings: Settings) -> Iterator[str]:
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"TIMEZONE: {settings.timezone!r} não é um fuso, como America/Sao_Paulo"


def _wrong_failpoints(settings: Settings) -> Iterator[str]:
    if settings.failpoints_dir is None:
        return
    if not settings.sandbox_on:
        yield "FAILPOINTS_DIR: provoca falhas de propósito e só vale no sandbox; deixe vazio"
    elif not settings.failpoints_dir.is_dir():
        yield f"FAILPOINTS_DIR: {str(settings.failpoints_dir)!r} não é uma pasta"


def _is_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))) == 32
    except (binascii.Error, ValueError):
        return False


def _names_number(text: str, identities: tuple[str, ...]) -> bool:
    digits = text.removeprefix("+")
    return text in identities or (text.startswith("+") and digits.isascii() and digits.isdigit())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
