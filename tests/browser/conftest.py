"""A real Chromium on a whole Vitrine; what the page complains about fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from cli.banner import logins
from config.settings import load_settings
from tests.running import RunningVitrine

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = (1280, 800)
PHONE = (390, 844)


@dataclass
class Complaints:
    """Errors of the pages' consoles and scripts."""

    said: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"pageerror: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: the screens are not tested")
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    found = Complaints()
    yield found
    assert not found.said, "the page complained:\n" + "\n".join(found.said)


@pytest.fixture
def open_page(chromium: Browser, complaints: Complaints) -> Iterator[Callable[..., Page]]:
    """Opens pages as a Brazilian would see them, each in a browser of its own."""
    contexts: list[BrowserContext] = []

    def make(size: tuple[int, int] = DESK, *, touch: bool = False) -> Page:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="pt-BR",
            timezone_id="America/Sao_Paulo",
            has_touch=touch,
            is_mobile=touch,
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def one_click(vitrine: RunningVitrine, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The links the banner shows, by role."""
    monkeypatch.setenv("VITRINE_DIR", str(vitrine.folder))
    settings = load_settings(_env_file=None)
    found: dict[str, str] = {}
    for login in logins(settings):
        found.setdefault(login.role, login.link(vitrine.url))
    return found
