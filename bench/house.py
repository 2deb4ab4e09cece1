"""The Vitrine under test: no sandbox, the benchmarks' own outside world, every actor shared."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from bench.processes import Talker, cluster_process, gcs_address, talker
from bench.webhooks import APP_SECRET, FACADE_PHONE, PHONE_NUMBER_IDS, WABA_ID
from cli.checkout import RunRecord
from cli.temporary import temporary_vitrine

_EMAIL: Final = "bench@vitrine.example.com"
_PASSWORD: Final = "bench-password-1"  # noqa: S105 - of a bench, worth nothing
#: What the figures depend on, written beside them.
PINNED: Final = {"QUIET_PERIOD_S": "0", "DEDICATED_ACTORS_MAX": "0", "CONVERSATION_SHARDS": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A running Vitrine and the driver inside its cluster."""

    record: RunRecord
    state: Path
    inside: Talker

    @property
    def webhook(self) -> str:
        return f"{self.record.url}/webhook/whatsapp"

    def login(self) -> str:
        """An access token of its supervisor, good for an hour."""
        body = {"email": _EMAIL, "password": _PASSWORD}
        answer = httpx.post(f"{self.record.url}/auth/login", json=body, trust_env=False)
        token: Any = answer.raise_for_status().json()["access_token"]
        return str(token)


@contextmanager
def house(outside: str, more: Mapping[str, str] | None = None) -> Iterator[House]:
    """Starts it, with `outside` as Meta and as the model; stops and deletes it at the end."""
    with temporary_vitrine({**_settings(outside), **(more or {})}) as (record, state):
        environment = dict(cluster_process(record.pid).environ())
        environment["BENCH_GCS"] = gcs_address(record.pid)
        with talker("bench.inside", environment) as inside:
            yield House(record=record, state=state, inside=inside)


def _settings(outside: str) -> dict[str, str]:
    return {
        **PINNED,
        "SANDBOX": "off",
        "WHATSAPP_API_URL": f"{outside}/graph",
        "WHATSAPP_API_VERSION": "v26.0",
        "WHATSAPP_ACCESS_TOKEN": "bench-access-token",
        "WHATSAPP_APP_SECRET": APP_SECRET,
        "WHATSAPP_VERIFY_TOKEN": "bench-verify-token",
        "WHATSAPP_BUSINESS_ACCOUNT_ID": WABA_ID,
        "WHATSAPP_FACADE_NUMBER": FACADE_PHONE,
        "WHATSAPP_PHONE_NUMBER_IDS": ",".join(PHONE_NUMBER_IDS),
        "ANTHROPIC_BASE_URL": f"{outside}/anthropic",
        "ANTHROPIC_API_KEY": "bench",
        "JWT_SECRET": "bench" * 8,
        "DATA_KEY": base64.b64encode(b"b" * 32).decode(),
        "ADMIN_EMAIL": _EMAIL,
        "ADMIN_PASSWORD": _PASSWORD,
        "COMPANY_NAME": "Mercante Bench",
    }
