"""The product as its operators see it: logged in over its public API, feed relayed to the page.

Nothing here is needed by the twins; when the product is away, calls answer `None` and the feed
says so and tries again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

import httpx
import orjson

from sandbox.config import SandboxConfig
from sandbox.people import Customer, digits, phone_forms
from sandbox.world import World

RECONNECT_S = 2.0
KEPT_TRACES = 600
Event = dict[str, Any]


class ProductDownError(Exception):
    """The product cannot be reached, or refused; the text is for the page. `http` None: no answer."""

    def __init__(self, text: str, http: int | None = None) -> None:
        super().__init__(text)
        self.http = http


class Product:
    def __init__(self, config: SandboxConfig, world: World) -> None:
        self._config = config
        self.url = config.product_url
        self._world = world
        self._made: httpx.AsyncClient | None = None
        self._token: str | None = None
        self._login_lock = asyncio.Lock()
        self._pages: set[asyncio.Queue[Event]] = set()
        self._task: asyncio.Task[None] | None = None
        self._last_id: str | None = None
        self._conversations: dict[str, str] = {}
        self.traces: deque[Event] = deque(maxlen=KEPT_TRACES)
        self.up = False
        self.problem = "ainda não conectado"

    @property
    def _client(self) -> httpx.AsyncClient:
        """Made on first use: most sandboxes in tests never call the product."""
        if self._made is None:
            timeout = httpx.Timeout(8.0, connect=2.0)
            self._made = httpx.AsyncClient(base_url=self.url, timeout=timeout, trust_env=False)
        return self._made

    # -- calls

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """One API call as the operator; logs in when needed. Raises ProductDownError."""
        for attempt in (1, 2):
            token = await self._access_token()
            answer = await self._send(method, path, body, query, token)
            if answer.status_code == 401 and attempt == 1:
                self._token = None
                continue
            if answer.status_code >= 400:
                raise ProductDownError(
                    f"{method} {path}: HTTP {answer.status_code} {answer.text[:200]}",
                    answer.status_code,
                )
            return orjson.loads(answer.content) if answer.content else None
        raise ProductDownError("login recusado")

    async def _send(
        self, method: str, path: str, body: Any, query: dict[str, str], token: str | None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return await self._client.request(
                method, path, json=body, params=query, headers=headers
            )
        except httpx.HTTPError as error:
            raise ProductDownError(f"sem resposta ({type(error).__name__})") from error

    async def _access_token(self) -> str:
        async with self._login_lock:
            if self._token is not None:
                return self._token
            if not self._config.operator_email or not self._config.operator_password:
                raise ProductDownError(
                    "sem login: defina SANDBOX_OPERATOR_EMAIL e SANDBOX_OPERATOR_PASSWORD"
                )
            login = {
                "email": self._config.operator_email,
                "password": self._config.operator_password,
            }
            answer = await self._send("POST", "/auth/login", login, {}, None)
            if answer.status_code != 200:
                raise ProductDownError(f"login recusado: HTTP {answer.status_code}")
            self._token = str(orjson.loads(answer.content)["access_token"])
            return self._token

    async def conversation_id(self, customer: Customer) -> str | None:
        """The newest conversation of this customer, found by phone, username or name; remembered."""
        known = self._conversations.get(customer.id)
        if known is not None:
            return known
        for question in _questions(customer):
            found = await self.call("GET", "/conversations", q=question, limit="20")
            for item in found.get("items", ()):
                if _is(item.get("contact") or {}, customer):
                    self._conversations[customer.id] = item["id"]
                    return str(item["id"])
        return None

    def forget(self, customer: Customer) -> None:
        """The remembered conversation is gone: the product was set up anew."""
        self._conversations.pop(customer.id, None)

    # -- the feed

    def subscribe(self) -> asyncio.Queue[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=2000)
        self._pages.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Event]) -> None:
        self._pages.discard(queue)
        if not self._pages and self._task is not None:
            self._task.cancel()
            self._task = None

    def _publish(self, name: str, data: Any) -> None:
        event = {"event": name, "data": data}
        if name == "trace":
            self.traces.append(data)
        for queue in list(self._pages):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    def _state(self, *, up: bool, problem: str = "") -> None:
        if up != self.up or problem != self.problem:
            self.up, self.problem = up, problem
            self._publish("product", {"up": up, "problem": problem, "at": time.time()})

    async def _follow(self) -> None:
        """Read `/events` for as long as a page looks on; the server closes it every 50 s."""
        while True:
            try:
                await self._read_once()
            except ProductDownError as error:
                self._state(up=False, problem=str(error))
                await asyncio.sleep(RECONNECT_S)
            except httpx.HTTPError as error:
                self._state(up=False, problem=f"sem resposta ({type(error).__name__})")
                await asyncio.sleep(RECONNECT_S)

    async def _read_once(self) -> None:
        token = await self._access_token()
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        timeout = httpx.Timeout(75.0, connect=2.0)
        async with self._client.stream(
            "GET", "/events", headers=headers, timeout=timeout
        ) as answer:
            if answer.status_code == 401:
                self._token = None
                raise ProductDownError("login vencido; entrando de novo")
            if answer.status_code != 200:
                raise ProductDownError(f"/events: HTTP {answer.status_code}")
            self._state(up=True)
            name, data = "message", [""]
            async for line in answer.aiter_lines():
                if line.startswith("id:"):
                    self._last_id = line[3:].strip()
                elif line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    data.append(line[5:].strip())
                elif not line and any(data):
                    self._take(name, "\n".join(data).strip())
                    name, data = "message", [""]

    def _take(self, name: str, data: str) -> None:
        try:
            parsed = orjson.loads(data)
        except orjson.JSONDecodeError:
            return
        self._publish(name, parsed)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._made is not None:
            await self._made.aclose()


def _questions(customer: Customer) -> list[str]:
    forms = list(phone_forms(customer.phone)) if customer.phone else []
    tails = [customer.phone[-8:]] if customer.phone else []
    return [*forms, *tails, *([customer.username] if customer.username else []), customer.name]


def _is(contact: dict[str, Any], customer: Customer) -> bool:
    phone = digits(str(contact.get("phone") or ""))
    if customer.phone and phone:
        return bool(set(phone_forms(phone)) & set(phone_forms(customer.phone)))
    username = str(contact.get("username") or "").lstrip("@")
    if customer.username and username:
        return username == customer.username
    return not phone and contact.get("name") == customer.name
