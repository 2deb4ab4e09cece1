"""A whole Vitrine for tests: `vitrine up` in a folder of its own, driven through its public doors.

Started once per session: a cluster takes most of a minute. Tests use customers of their own, so they
do not disturb each other.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import psutil

from tests.services import run_apart

ROOT = Path(__file__).parent.parent
T = TypeVar("T")

_serial = itertools.count(int(time.time()) % 100_000 * 1000)


def wait_for(
    what: str, look: Callable[[], T | None], *, within: float = 30.0, every: float = 0.1
) -> T:
    """What `look` returns once it is truthy; fails the test with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:.0f} s: {what}; last seen: {found!r}")
        time.sleep(every)


@dataclass(frozen=True, kw_only=True)
class RunningVitrine:
    """A started Vitrine: its record, its process, and clients for its doors."""

    process: subprocess.Popen[bytes]
    folder: Path
    record: Mapping[str, Any]
    http: httpx.Client

    @property
    def url(self) -> str:
        return str(self.record["url"])

    @property
    def sandbox_url(self) -> str:
        return str(self.record["sandbox_url"])

    @property
    def dsn(self) -> str:
        return str(self.record["database_url"])

    @property
    def failpoints(self) -> Path:
        """Where its processes look for armed failpoints, when it was started with them."""
        return self.folder.parent / "failpoints"

    # ---- the sandbox's hand

    def control(self, path: str, **body: Any) -> Any:
        """POST to the sandbox's control API."""
        answer = self.http.post(f"{self.sandbox_url}/control/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def look(self, path: str) -> Any:
        """GET from the sandbox's control API."""
        answer = self.http.get(f"{self.sandbox_url}/control/{path}")
        answer.raise_for_status()
        return answer.json()

    def new_customer(self, name: str = "Cliente de Teste", *, consent: bool = True) -> Customer:
        """Somebody nobody knows yet; with `consent`, already asked and agreed."""
        phone = f"55119{next(_serial) % 100_000_000:08d}"
        self.control("customers", phone=phone, name=name)
        customer = Customer(vitrine=self, phone=phone)
        if consent:
            customer.say("Oi")
            customer.wait_for_messages(1, author="vitrine")
            customer.tap("consent:ai:grant")
            customer.wait_for_messages(2, author="vitrine")
        return customer

    # ---- the product's API

    def login(self, email: str = "", password: str = "") -> dict[str, str]:
        """Authorization headers; without arguments, of the first supervisor."""
        if not email:  # a sandbox makes its supervisor up
            secrets = json.loads((self.folder / "secrets.json").read_text())
            email, password = "supervisor@vitrine.example", secrets["admin_password"]
        body = {"email": email, "password": password}
        answer = self.http.post(f"{self.url}/auth/login", json=body)
        answer.raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def api(self, method: str, path: str, headers: Mapping[str, str], **body: Any) -> Any:
        answer = self.http.request(
            method, f"{self.url}{path}", headers=headers, json=body if method != "GET" else None
        )
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def actors(self, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        return list(self.api("GET", "/actors", headers)["items"])

    def pid_of(self, name: str, headers: Mapping[str, str]) -> int:
        """The process of a named actor (or of the first whose name begins so)."""
        found = wait_for(
            f"an actor named {name}",
            lambda: [a for a in self.actors(headers) if a["name"].startswith(name)],
        )
        return int(found[0]["pid"])

    def sql(self, query: str, *arguments: object) -> Any:
        """One value from the product's database, to look at what no door shows."""

        async def ask() -> Any:
            connection = await asyncpg.connect(self.dsn)
            try:
                return await connection.fetchval(query, *arguments)
            finally:
                await connection.close()

        return run_apart(ask())

    def command(self, *arguments: str) -> str:
        """What `vitrine …` of this checkout prints. Fails the test when it refuses."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments], cwd=ROOT,
            env=own_environment() | {"VITRINE_DIR": str(self.folder)},
            capture_output=True, check=False, text=True, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, f"vitrine {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def rows(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        """Rows from the product's database; waits for a database that is just coming back."""

        async def ask() -> list[dict[str, Any]]:
            connection = await asyncpg.connect(self.dsn)
            try:
                return [dict(row) for row in await connection.fetch(query, *arguments)]
            finally:
                await connection.close()

        def try_to() -> list[list[dict[str, Any]]]:
            try:
                return [run_apart(ask())]
            except (OSError, asyncpg.PostgresError):
                return []

        return wait_for("the database", try_to)[0]

    def stop(self) -> int:
        """Ctrl-C; the exit code. Raises when processes of it remain."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        _, alive = psutil.wait_procs(children, timeout=10)
        assert not alive, f"still running after Ctrl-C: {alive}"
        return code


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A simulated customer of the sandbox, and what a person would see on that phone."""

    vitrine: RunningVitrine
    phone: str

    def say(self, text: str, **more: Any) -> str:
        """Writes on WhatsApp; returns the wamid."""
        return str(self.vitrine.control("say", customer=self.phone, text=text, **more)["wamid"])

    def tap(self, choice: str) -> None:
        """Taps a button of the newest message that has buttons."""
        shown = [m for m in self.messages() if m["content"].get("type") == "interactive"]
        self.vitrine.control("tap", customer=self.phone, wamid=shown[-1]["wamid"], choice=choice)

    def messages(self, direction: str | None = None) -> list[dict[str, Any]]:
        """The chat on the phone; direction `in` is the customer's, `out` what we sent."""
        chat = self.vitrine.look(f"chat/{self.phone}")
        return [m for m in chat["messages"] if direction in {None, m["direction"]}]

    def answers(self) -> list[str]:
        """The texts the customer received, in order."""
        return [_text(m) for m in self.messages("out")]

    def wait_for_messages(
        self, count: int, *, author: str = "vitrine", within: float = 30.0
    ) -> list[str]:
        """Waits until at least `count` messages reached the phone."""
        assert author == "vitrine"
        return wait_for(
            f"{count} messages for {self.phone}",
            lambda: found if len(found := self.answers()) >= count else None,
            within=within,
        )

    def conversation(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """The conversation as the API shows it."""
        found = wait_for(
            f"a conversation of {self.phone}",
            lambda: self.vitrine.api("GET", f"/conversations?q={self.phone}", headers)["items"],
        )
        shown: dict[str, Any] = self.vitrine.api("GET", f"/conversations/{found[0]['id']}", headers)
        return shown


def living_in(
    vitrine: RunningVitrine, supervisor: Mapping[str, str], kind: str
) -> tuple[Customer, str]:
    """A customer whose conversation lives in that kind of actor, and the actor's name.

    The first few active conversations are granted an own actor when they become active, so who has
    none after a first exchange stays in the shard. Idle own actors make room, which takes 45 s: those
    of earlier tests are told to be idle for minutes, or just now to stay.
    """
    idle = "10 minutes" if kind == "own" else "0 minutes"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        vitrine.sql("UPDATE own_actors SET last_turn_at = now() - $1::text::interval", idle)
        customer = vitrine.new_customer()
        conversation = customer.conversation(supervisor)["id"]
        granted = vitrine.sql(
            "SELECT count(*) FROM own_actors WHERE conversation_id = $1::uuid", conversation
        )
        if kind == "own" and granted:
            own = f"conversation/{conversation}"
            vitrine.pid_of(own, supervisor)
            return customer, own
        if kind == "shared" and not granted:
            return customer, "conversations/0"
    raise AssertionError(f"no conversation came to live in an actor of kind {kind}")


def _text(message: Mapping[str, Any]) -> str:
    content = message["content"]
    if content.get("type") == "interactive":
        return str(content["interactive"]["body"]["text"])
    return str(content.get("text", {}).get("body", ""))


@contextlib.contextmanager
def running_vitrine(
    folder: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    failpoints: bool = False,
    within: float = 240,
) -> Iterator[RunningVitrine]:
    """Starts `vitrine up` and stops it; its output goes to `up.log` in the folder."""
    own = folder or Path(tempfile.mkdtemp(prefix="vitrine-e2e-"))
    own.mkdir(exist_ok=True, parents=True)
    own.chmod(0o755)
    state = own / "state"
    env = own_environment()
    env |= {"VITRINE_DIR": str(state), "PYTHONUNBUFFERED": "1"}
    env |= {"QUIET_PERIOD_S": "1", "SANDBOX_MODEL_LATENCY_MS": "50", "DEDICATED_ACTORS_MAX": "3"}
    if failpoints:
        (own / "failpoints").mkdir()
        env |= {"FAILPOINTS_DIR": str(own / "failpoints")}
    env |= environment or {}
    with (own / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "up"],
            cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(
            "vitrine up",
            lambda: _ready(process, state, own / "up.log"),
            within=within,
            every=0.25,
        )
        record = json.loads((state / "run.json").read_text())
        with httpx.Client(timeout=30, trust_env=False) as http:
            yield RunningVitrine(process=process, folder=state, record=record, http=http)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


def own_environment() -> dict[str, str]:
    """This process's environment without what would slow every worker or point elsewhere."""
    left_out = {"PYTHONDONTWRITEBYTECODE", "VITRINE_DIR", "RAY_ADDRESS"}
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    return kept | {"VITRINE_ENV_FILE": os.devnull}  # a developer's .env may name the real Meta


def _ready(process: subprocess.Popen[bytes], state: Path, log: Path) -> bool:
    if process.poll() is not None:
        raise AssertionError(
            f"vitrine up ended with {process.returncode}:\n{log.read_text()[-3000:]}"
        )
    return (state / "run.json").exists()
