"""The demo's stage: a running Vitrine with its sandbox, and simulated customers who use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import asyncpg
import httpx
import psutil

from cli.api import ApiClient
from cli.checkout import RunRecord
from config.settings import Settings
from domain.errors import RejectedError, TransientError

T = TypeVar("T")
Row = Mapping[str, Any]

#: The API allows 600 reads a minute; looking four times a second leaves room for a person.
LOOK_EVERY_S: Final = 0.25
PHONE_EVERY_S: Final = 0.05


class TooLateError(TransientError):
    """Something that had to happen did not, within its time."""


def wait_for(
    what: str, look: Callable[[], T | None], *, within: float, every: float = PHONE_EVERY_S
) -> T:
    """What `look` returns once it is truthy. Raises TooLateError, which names `what`."""
    deadline = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TooLateError(f"em {within:.0f} s não aconteceu: {what}")
        time.sleep(every)
    return found


class Stage:
    """The sandbox's hand, the product's API and, for the card, its database."""

    def __init__(self, record: RunRecord, settings: Settings) -> None:
        if record.sandbox_url is None:
            raise RejectedError("a demonstração usa clientes simulados: precisa do sandbox ligado")
        self.record = record
        self._settings = settings
        self._sandbox = httpx.Client(
            base_url=f"{record.sandbox_url}/control", timeout=20, trust_env=False
        )
        self._serial = int(time.time() * 10) % 10_000_000 * 10

    @contextmanager
    def open(self) -> Iterator[Stage]:
        with self._sandbox, ApiClient(self.record.url, self._settings) as self.api:
            yield self

    def tell(self, path: str, **body: Any) -> Any:
        """POST to the sandbox's control API."""
        answer = self._sandbox.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    def look(self, path: str) -> Any:
        answer = self._sandbox.get(path)
        answer.raise_for_status()
        return answer.json()

    @contextmanager
    def slow_model(self, milliseconds: int) -> Iterator[None]:
        """The rehearsal model takes this long; afterwards as long as before."""
        before = self.look("model")["latency_ms"]
        self.tell("model", latency_ms=milliseconds)
        try:
            yield
        finally:
            self.tell("model", latency_ms=before)

    def customers(self, names: Sequence[str]) -> list[Customer]:
        """New people who have agreed to be answered by an AI."""
        made = []
        for name in names:
            self._serial += 1
            phone = f"55119{self._serial % 100_000_000:08d}"
            self.tell("customers", phone=phone, name=name)
            made.append(Customer(stage=self, phone=phone, name=name))
        for one in made:
            one.say("Oi")
        for one in made:
            one.wait_for_answers(1, within=60)
            one.agree()
        for one in made:
            one.wait_until_quiet()
        return made

    def process_of(self, conversation_id: str) -> tuple[str, psutil.Process]:
        """The name and the process of the Ray actor in which this conversation lives now."""

        def find() -> tuple[str, psutil.Process] | None:
            for actor in self.api.get("/actors")["items"]:
                if any(c["id"] == conversation_id for c in actor["conversations"]):
                    return actor["name"], psutil.Process(actor["pid"])
            return None

        return wait_for("um ator com a conversa", find, within=20, every=LOOK_EVERY_S)

    async def card(self, conversation_id: str) -> Row:
        """The hand-over card as it is stored; empty without one."""
        db = await asyncpg.connect(self.record.database_url)
        try:
            brief = await db.fetchval(
                "SELECT brief::text FROM handoffs WHERE conversation_id = $1"
                " ORDER BY queued_at DESC LIMIT 1",
                conversation_id,
            )
        finally:
            await db.close()
        card: Row = httpx.Response(200, text=brief or "{}").json()
        return card


@dataclass(slots=True, kw_only=True)
class Customer:
    """A simulated customer, and what a person sees on that phone."""

    stage: Stage
    phone: str
    name: str
    _conversation_id: str | None = None

    def say(self, text: str, *, copies: int = 1) -> None:
        self.stage.tell("say", customer=self.phone, text=text, copies=copies)

    def answers(self) -> list[Row]:
        """What the customer received, in order."""
        chat = self.stage.look(f"chat/{self.phone}")["messages"]
        return [message for message in chat if message["direction"] == "out"]

    def wait_for_answers(self, count: int, *, within: float = 60) -> list[Row]:
        return wait_for(
            f"{count} respostas para {self.name}",
            lambda: found if len(found := self.answers()) >= count else None,
            within=within,
        )

    def agree(self) -> None:
        """Taps the button that agrees to an AI, when there is one."""
        asked = [m for m in self.answers() if m["content"].get("type") == "interactive"]
        if asked:
            self.stage.tell(
                "tap", customer=self.phone, wamid=asked[-1]["wamid"], choice="consent:ai:grant"
            )
            self.wait_for_answers(2)

    @property
    def conversation_id(self) -> str:
        if self._conversation_id is None:
            items = wait_for(
                f"a conversa de {self.name}",
                lambda: self.stage.api.get(f"/conversations?q={self.phone}")["items"],
                within=20,
                every=LOOK_EVERY_S,
            )
            self._conversation_id = str(items[0]["id"])
        return self._conversation_id

    def conversation(self) -> Row:
        """As the supervisor's API shows it."""
        shown: Row = self.stage.api.get(f"/conversations/{self.conversation_id}")
        return shown

    def wait_until_quiet(self, *, within: float = 60) -> Row:
        """The conversation once nothing of it is being worked or on its way."""

        def look() -> Row | None:
            shown = self.conversation()
            moving = any(m["status"] in {"queued", "unknown"} for m in shown["messages"])
            return None if moving or shown["awaiting"] not in {"none", "operator"} else shown

        return wait_for(
            f"{self.name}: conversa em repouso", look, within=within, every=LOOK_EVERY_S
        )

    def wait_for_turn(self) -> None:
        """Returns while the model thinks about this customer's message."""
        wait_for(
            f"{self.name}: modelo chamado",
            lambda: (
                self.conversation()["awaiting"] == "turn" and self.stage.look("model")["in_flight"]
            ),
            within=30,
            every=LOOK_EVERY_S,
        )


def text_of(message: Row) -> str:
    content = message["content"]
    if content.get("type") == "interactive":
        return str(content["interactive"]["body"]["text"])
    return str(content.get("text", {}).get("body", ""))
