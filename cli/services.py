"""The two Python processes `vitrine up` watches: the sandbox and the one that holds Ray."""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from cli.checkout import Checkout
from cli.child import Child
from cli.cluster import ENVIRONMENT
from cli.ports import CheckoutPorts, ray_environment
from config.settings import Settings, plain
from storage.embedded.errors import ServerStartError
from storage.embedded.ports import is_free
from storage.embedded.process import last_lines

SANDBOX_START_S: Final = 60.0
RAY_START_S: Final = 180.0
RAY_STOP_S: Final = 25.0  # replicas finish what they hold; then the rest is killed


class SandboxService:
    """Meta's, the model's and the ERP's stand-in, in one process."""

    name = "Sandbox"

    def __init__(self, settings: Settings, ports: CheckoutPorts, checkout: Checkout) -> None:
        self._child = Child("sandbox", checkout, log_name="sandbox", patience_s=5.0)
        self._port = ports.sandbox
        product = f"http://127.0.0.1:{ports.http}"
        self._arguments = [
            *("--port", str(ports.sandbox)),
            *("--data", str(checkout.folder / "sandbox")),
            *("--webhook-url", f"{product}/webhook/whatsapp"),
            *("--product-url", product),
        ]
        self._environment = {
            "SANDBOX_ACCESS_TOKEN": plain(settings.whatsapp_access_token),
            "SANDBOX_APP_SECRET": settings.app_secrets[0] if settings.app_secrets else "",
            "SANDBOX_VERIFY_TOKEN": plain(settings.whatsapp_verify_token),
            "SANDBOX_ERP_KEY": plain(settings.erp_api_key),
            "SANDBOX_OPERATOR_EMAIL": settings.admin_email or "",
            "SANDBOX_OPERATOR_PASSWORD": plain(settings.admin_password),
        }

    def start(self, give_up: threading.Event | None = None) -> None:
        child = self._child.start(self._arguments, self._environment)
        deadline = time.monotonic() + SANDBOX_START_S
        while time.monotonic() < deadline and child.poll() is None and not _is_set(give_up):
            if not is_free(self._port):
                return
            time.sleep(0.05)
        self.stop()
        raise ServerStartError(_failure("o sandbox não iniciou", self._child))

    def stop(self) -> None:
        self._child.stop()

    def is_running(self) -> bool:
        return self._child.is_running()


class RayService:
    """Ray, the Serve applications and the named actors; one process of ours holds them all.

    `news(event, seconds)` is told when Ray is up (`ray`) and when all is deployed (`deployed`).
    """

    name = "Ray"

    def __init__(
        self,
        settings: Settings,
        ports: CheckoutPorts,
        checkout: Checkout,
        news: Callable[[str, float], None],
    ) -> None:
        self._child = Child("cli.cluster", checkout, log_name="ray", patience_s=RAY_STOP_S)
        self._checkout = checkout
        self._ports = ports
        self._news = news
        self._environment = environment_of(settings, ports, checkout)
        self.dashboard_url: str | None = None
        #: How many shared actors were deployed; the setting is only the first wish.
        self.shards = settings.conversation_shards

    def start(self, give_up: threading.Event | None = None) -> None:
        """Returns when the applications run; raises ServerStartError after 180 s without news."""
        short = self._checkout.short_folder
        shutil.rmtree(short, ignore_errors=True)  # logs and sockets of the session before
        short.mkdir(mode=0o700)
        reading, writing = os.pipe()
        try:
            arguments = [str(writing), str(self._ports.ray_dashboard), str(short)]
            self._child.start(arguments, self._environment, pass_fds=(writing,))
            os.close(writing)
            self._follow(reading, give_up)
        finally:
            os.close(reading)

    def stop(self) -> None:
        self._child.stop()
        shutil.rmtree(self._checkout.short_folder, ignore_errors=True)

    def is_running(self) -> bool:
        return self._child.is_running()

    def _follow(self, reading: int, give_up: threading.Event | None) -> None:
        """Reads the child's reports until `deployed`; an end of file means it died."""
        pending = b""
        deadline = time.monotonic() + RAY_START_S
        while time.monotonic() < deadline and not _is_set(give_up):
            ready, _, _ = select.select([reading], [], [], 0.2)
            if not ready:
                continue
            piece = os.read(reading, 65536)
            if not piece:
                break
            *lines, pending = (pending + piece).split(b"\n")
            if any(self._hear(json.loads(line)) for line in lines):
                return
        self.stop()
        raise ServerStartError(_failure("o Ray não iniciou", self._child))

    def _hear(self, report: Mapping[str, Any]) -> bool:
        if report["event"] == "ray":
            self.dashboard_url = report.get("dashboard_url")
        if report["event"] == "deployed":
            self.shards = report["shards"]
        self._news(report["event"], report["seconds"])
        return bool(report["event"] == "deployed")


def environment_of(settings: Settings, ports: CheckoutPorts, checkout: Checkout) -> dict[str, str]:
    """The variables of the process that holds Ray, handed on by Ray to every worker."""
    return {
        **ENVIRONMENT,
        **ray_environment(ports, checkout.short_folder),
        **settings.to_environment(),
        "HTTP_PORT": str(ports.http),
        **_ray_auth(settings, checkout),
    }


def _ray_auth(settings: Settings, checkout: Checkout) -> dict[str, str]:
    """Our own cluster asks for our token; another has its own, and the person's RAY_AUTH_* stand."""
    if settings.ray_address is not None:
        return {}
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": ray_token(checkout)}


def ray_token(checkout: Checkout) -> str:
    """The token of this checkout's Ray, made once; whoever holds it can run code in the cluster."""
    file = checkout.folder / "ray-token"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32), "ascii")
    return file.read_text("ascii").strip()


def _is_set(event: threading.Event | None) -> bool:
    return event is not None and event.is_set()


def _failure(what: str, child: Child) -> str:
    return f"{what} (registro: {child.log_file})\n{last_lines(child.log_file)}"
