"""Scaling while customers write and requests come in: nothing is lost, doubled, refused or paid twice."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import psutil
import pytest

from tests.house import status, webhook
from tests.running import Customer, RunningVitrine, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]

CUSTOMERS = 8
QUESTION = "Quanto custa o plano inicial?"
#: Of one customer, so that the cap of AI messages to one contact is never what stops an answer.
QUESTIONS_MOST = 12
#: Between an answer and the next question, so that these last for all moves.
THINKING_S = 3.0


@pytest.fixture(scope="module")
def supervisor(vitrine: RunningVitrine) -> dict[str, str]:
    return vitrine.login()


@pytest.fixture(scope="module")
def customers(vitrine: RunningVitrine) -> list[Customer]:
    """People who have agreed to be answered by the AI."""
    with ThreadPoolExecutor(CUSTOMERS) as pool:
        return list(pool.map(lambda n: vitrine.new_customer(f"Cliente {n}"), range(CUSTOMERS)))


@dataclass
class Conversing:
    """Customers who ask again soon after they are answered, until told to stop."""

    customers: list[Customer]
    asked: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def talk(self, customer: Customer) -> None:
        """Each begins a little later than the one before, so that somebody asks at every time."""
        self.stopping.wait(THINKING_S * self.customers.index(customer) / len(self.customers))
        self.before[customer.phone] = len(customer.answers())
        self.asked[customer.phone] = 0
        while not self.stopping.is_set() and self.asked[customer.phone] < QUESTIONS_MOST:
            customer.say(QUESTION)
            self.asked[customer.phone] += 1
            answered = self.before[customer.phone] + self.asked[customer.phone]
            customer.wait_for_messages(answered, within=60)
            self.stopping.wait(THINKING_S)

    def answered(self) -> dict[str, int]:
        return {c.phone: len(c.answers()) - self.before[c.phone] for c in self.customers}


@contextmanager
def conversing(customers: list[Customer]) -> Iterator[Conversing]:
    """While the block runs, customers converse; at its end the last answers are awaited."""
    talk = Conversing(customers)
    with ThreadPoolExecutor(len(customers)) as pool:
        talks: list[Future[None]] = [pool.submit(talk.talk, one) for one in customers]
        try:
            wait_for("everybody asking", lambda: len(talk.asked) == len(customers))
            yield talk
        finally:
            talk.stopping.set()
        for one in talks:
            one.result()


def shards_of(vitrine: RunningVitrine) -> list[int]:
    return list(vitrine.sql("SELECT array_agg(DISTINCT shard ORDER BY shard) FROM shard_buckets"))


def hosts(vitrine: RunningVitrine, supervisor: dict[str, str], kind: str) -> dict[str, int]:
    return {a["name"]: a["pid"] for a in vitrine.actors(supervisor) if a["kind"] == kind}


def test_shards_change_from_4_to_8_to_2_under_load_and_every_question_is_answered_once(
    vitrine, supervisor, customers
):
    turns = "SELECT count(*) FROM turns WHERE conversation_id = ANY ($1::uuid[]) AND state = $2"
    ids = [customer.conversation(supervisor)["id"] for customer in customers]
    before = vitrine.sql(turns, ids, "committed")
    ended: set[int] = set()
    with conversing(customers) as talk:
        for count in (4, 8, 2):
            running = hosts(vitrine, supervisor, "shared")
            answered = sum(talk.answered().values())
            vitrine.command("scale", "shards", str(count))
            assert shards_of(vitrine) == list(range(count))
            # More asked by its end than answered before it: some question was open meanwhile.
            assert sum(talk.asked.values()) > answered, "no question was open while buckets moved"
            ended |= {p for name, p in running.items() if int(name.split("/")[1]) >= count}
    assert talk.answered() == talk.asked
    with conversing(customers) as last:
        wait_for("a question of everybody to the last shards", lambda: all(last.asked.values()))
    assert last.answered() == last.asked
    assert len(ended) == 6
    wait_for("their processes to end", lambda: not [p for p in ended if psutil.pid_exists(p)])
    assert set(hosts(vitrine, supervisor, "shared")) == {"conversations/0", "conversations/1"}
    # No model call was paid twice: every turn that began was committed.
    questions = sum(talk.asked.values()) + sum(last.asked.values())
    assert vitrine.sql(turns, ids, "committed") - before == questions
    assert vitrine.sql("SELECT count(*) FROM turns WHERE conversation_id = ANY ($1::uuid[])"
                       " AND state <> 'committed'", ids) == 0  # fmt: skip
    vitrine.command("scale", "shards", "1")


def test_own_actors_beyond_the_maximum_are_not_made_and_retired_ones_leave_nothing(
    vitrine, supervisor, customers
):
    with conversing(customers):
        most = wait_for(
            "own actors", lambda: vitrine.sql("SELECT count(*) FROM own_actors WHERE serving")
        )
        assert most <= 3 < len(customers)
    own = hosts(vitrine, supervisor, "own")
    assert own
    assert len(own) <= 3

    def none_is_granted() -> bool:
        """Ten minutes later: one that was still starting is rung, and so touched, when it serves."""
        vitrine.sql("UPDATE own_actors SET last_turn_at = now() - interval '10 minutes'")
        return not vitrine.sql("SELECT count(*) FROM own_actors")

    wait_for("no grant", none_is_granted, within=60)
    wait_for("no process", lambda: not [p for p in own.values() if psutil.pid_exists(p)])
    assert not hosts(vitrine, supervisor, "own")
    left = "SELECT count(*) FROM owner_leases WHERE name LIKE 'conversation/%'"
    assert vitrine.sql(left) == 0


@contextmanager
def requests_coming_in(vitrine: RunningVitrine, supervisor: dict[str, str]) -> Iterator[list[str]]:
    """Webhooks and API reads without a pause; the list holds what was not answered with 200."""
    secret = json.loads((vitrine.folder / "secrets.json").read_text())["whatsapp_app_secret"]
    failures: list[str] = []
    answered = {"webhook": 0, "api": 0}
    stopping = threading.Event()
    serial = itertools.count()

    def post(client: httpx.Client) -> httpx.Response:
        body = webhook(status(f"wamid.NOBODYS{next(serial)}", "delivered"))
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={signature}"}
        return client.post(f"{vitrine.url}/webhook/whatsapp", content=body, headers=headers)

    def read(client: httpx.Client) -> httpx.Response:
        return client.get(f"{vitrine.url}/healthz", headers=supervisor)

    def go_on(door: str) -> None:
        with httpx.Client(timeout=20, trust_env=False) as client:
            while not stopping.is_set():
                try:
                    answer = (post if door == "webhook" else read)(client)
                except httpx.HTTPError as error:
                    failures.append(f"{door}: {type(error).__name__} {error}")
                    continue
                answered[door] += 1
                if answer.status_code != 200:
                    failures.append(f"{door}: {answer.status_code} {answer.text[:200]}")
                stopping.wait(0.02)

    with ThreadPoolExecutor(4) as pool:
        going = [pool.submit(go_on, door) for door in ("webhook", "webhook", "api", "api")]
        try:
            wait_for("answers", lambda: min(answered.values()) > 3)
            yield failures
            seen = dict(answered)
            wait_for("answers after it", lambda: all(answered[d] > seen[d] for d in seen))
        finally:
            stopping.set()
        for one in going:
            one.result()


@pytest.mark.parametrize("part", ["webhook", "api"])
def test_replicas_are_added_replaced_and_taken_away_and_no_request_fails(vitrine, supervisor, part):
    before = hosts(vitrine, supervisor, part)
    with requests_coming_in(vitrine, supervisor) as failures:
        vitrine.command("scale", part, "2")
        vitrine.command("rollout", part)
        replaced = wait_for(
            "two new replicas",
            lambda: two if len(two := new_ones(vitrine, supervisor, part, before)) == 2 else None,
        )
        vitrine.command("scale", part, "1")
    assert failures == []
    gone, kept = before.values(), replaced.values()
    wait_for("the old ones to end", lambda: not [p for p in gone if psutil.pid_exists(p)])
    wait_for("one to be left", lambda: len([p for p in kept if psutil.pid_exists(p)]) == 1)


def new_ones(
    vitrine: RunningVitrine, supervisor: dict[str, str], part: str, before: dict[str, int]
) -> dict[str, int]:
    """Replicas that run now and were not there before the rollout."""
    listed = hosts(vitrine, supervisor, part)
    return {n: p for n, p in listed.items() if n not in before and psutil.pid_exists(p)}
