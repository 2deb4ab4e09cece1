"""What the sandbox is told at its start: arguments and a handful of secrets."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

WABA_ID = "102000000000001"
BUSINESS_ID = "506900000000003"
APP_ID = "634900000000004"
FACADE_PNID = "106000000000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """Settings of one sandbox process. `data_dir` None keeps everything in memory."""

    port: int
    data_dir: Path | None = None
    webhook_url: str = "http://127.0.0.1:8000/webhook/whatsapp"
    product_url: str = "http://127.0.0.1:8000"
    app_secret: str = "sandbox-app-secret"  # noqa: S105 - a stand-in's default, worth nothing
    verify_token: str = "sandbox-verify-token"  # noqa: S105
    access_token: str = "sandbox-access-token"  # noqa: S105
    erp_key: str = "sandbox-erp-key"
    operator_email: str | None = None
    operator_password: str | None = field(default=None, repr=False)
    model_latency_ms: tuple[int, int] = (600, 1800)
    status_scale: float = 1.0
    seed: int = 2026

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def parse_latency(text: str) -> tuple[int, int]:
    """`"0"` -> (0, 0); `"600-1800"` -> (600, 1800); milliseconds."""
    low, _, high = text.strip().partition("-")
    first = max(0, int(low))
    return (first, max(first, int(high)) if high else first)


def config_from_environment(
    *, port: int, data_dir: Path, webhook_url: str, product_url: str
) -> SandboxConfig:
    env = os.environ
    return SandboxConfig(
        port=port,
        data_dir=data_dir,
        webhook_url=webhook_url,
        product_url=product_url.rstrip("/"),
        app_secret=env.get("SANDBOX_APP_SECRET") or "sandbox-app-secret",
        verify_token=env.get("SANDBOX_VERIFY_TOKEN") or "sandbox-verify-token",
        access_token=env.get("SANDBOX_ACCESS_TOKEN") or "sandbox-access-token",
        erp_key=env.get("SANDBOX_ERP_KEY") or "sandbox-erp-key",
        operator_email=env.get("SANDBOX_OPERATOR_EMAIL") or None,
        operator_password=env.get("SANDBOX_OPERATOR_PASSWORD") or None,
        model_latency_ms=parse_latency(env.get("SANDBOX_MODEL_LATENCY_MS") or "600-1800"),
    )
