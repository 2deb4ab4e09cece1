"""Where scenarios are played: a running Vitrine, its twins, its database, and a person who acts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
from redis import Redis

from storage.embedded.process import working_in
from telemetry.failpoints import Failpoint, disarm
from tests.chaos.dialogue import Received, Talk, received_from
from tests.running import RunningVitrine, wait_for

#: Conversations of these customers that are not at rest: an event unworked, a row under way.
_RESTLESS: Final = """
WITH ours AS (
    SELECT c.id FROM conversations c JOIN channel_identities i ON i.contact_id = c.contact_id
     WHERE i.kind = 'phone' AND right(i.value, 8) = ANY ($1)
)
SELECT 'event ' || e.kind AS what FROM inbound_events e
 WHERE e.conversation_id IN (SELECT id FROM ours) AND e.worked_at IS NULL
UNION ALL
SELECT 'row ' || o.state FROM outbox o
 WHERE o.conversation_id IN (SELECT id FROM ours) AND o.state IN ('queued', 'claimed', 'unknown')
"""

_ATTEMPTS: Final = """
SELECT a.id::text AS callback, o.id::text AS row, o.author, o.possible_duplicate,
       extract(epoch FROM a.claimed_at)::float AS claimed_at
  FROM send_attempts a JOIN outbox o ON o.id = a.outbox_id
  JOIN channel_identities i ON i.contact_id = o.contact_id AND i.kind = 'phone'
 WHERE right(i.value, 8) = ANY ($1)
"""

_PARKED: Final = """
SELECT m.id::text AS id, m.body, right(i.value, 8) AS phone
  FROM outbox o JOIN messages m ON m.id = o.message_id
  JOIN channel_identities i ON i.contact_id = o.contact_id AND i.kind = 'phone'
 WHERE right(i.value, 8) = ANY ($1) AND o.state = 'parked'
"""

#: The grace of 90 s is a clock in these rows: put forward once no status can be on its way any more.
_END_GRACE: Final = """
WITH intake AS (
    UPDATE actor_beats SET started_at = started_at - interval '2 minutes' WHERE kind = 'webhook'
)
UPDATE outbox SET not_before = clock_timestamp() WHERE state = 'unknown'
"""

#: As if they had been idle for a while, so that the next active conversation gets an own actor.
_AGE_OWN: Final = "UPDATE own_actors SET last_turn_at = last_turn_at - interval '1 minute'"


#: For a person whose API is killed under their hands.
_PATIENCE_S: Final = 180.0
_SET_TIMER: Final = """
INSERT INTO timers (id, conversation_id, kind, key, due_at)
SELECT gen_random_uuid(), id, 'reminder', 'chaos', clock_timestamp() FROM conversations
 ORDER BY last_message_at DESC NULLS LAST LIMIT 1 RETURNING id
"""
_TIMER_EVENTS: Final = """
SELECT worked_at IS NOT NULL AS worked FROM inbound_events WHERE dedupe_key = $1
"""


class Ground:
    """A running Vitrine whose model twin echoes, and everything scenarios do to it."""

    def __init__(self, vitrine: RunningVitrine) -> None:
        self.vitrine = vitrine
        self._headers: dict[str, str] = {}
        self._seen = self._taken = 0

    @property
    def headers(self) -> dict[str, str]:
        """A supervisor's; renewed when refused."""
        if not self._headers:
            self._headers = self.vitrine.login()
        return self._headers

    @property
    def failpoints(self) -> Path:
        return self.vitrine.failpoints

    # ---- the outside world

    def new_talk(self, *, taken_over: bool = False) -> Talk:
        customer = self.vitrine.new_customer("Cliente do Caos", consent=False)
        return Talk(customer=customer, taken_over=taken_over)

    def received(self, talks: Sequence[Talk], after: int = 0) -> dict[str, list[Received]]:
        """What reached each phone; what Meta refused afterwards did not."""
        phones = {talk.customer.phone for talk in talks}
        found: dict[str, list[Received]] = {phone: [] for phone in phones}
        while True:
            page = self.vitrine.look(f"ledger?direction=out&after={after}&limit=5000")
            for entry in page["items"]:
                if entry["customer"] in phones and entry["status"] != "failed":
                    found[entry["customer"]].append(received_from(entry))
            if len(page["items"]) < 5000:
                return found
            after = page["next_after"]

    def acknowledged(self, talk: Talk) -> int:
        """How many of the customer's messages were answered 200."""
        return sum(m["status"] in {"taken", "read"} for m in talk.customer.messages("in"))

    def posts_met(self) -> tuple[int, int]:
        """(messages Meta took, POSTs whose outcome nobody knew), since the beginning."""
        page = self.vitrine.look(f"ledger?direction=out&after={self._seen}&limit=5000")
        self._seen, self._taken = page["next_after"], self._taken + len(page["items"])
        unknown = "SELECT count(*) FROM send_attempts WHERE outcome IN ('unknown', 'not_sent')"
        return self._taken, int(self.vitrine.sql(unknown))

    def faults(self, **switches: Any) -> None:
        self.vitrine.control("faults", **switches)

    def clear_faults(self) -> None:
        self.vitrine.http.delete(f"{self.vitrine.sandbox_url}/control/faults").raise_for_status()
        self.faults(retry_base_s=0.25)

    # ---- the database

    def restless(self, talks: Sequence[Talk]) -> list[str]:
        rows = self.vitrine.rows(_RESTLESS, [t.customer.phone[-8:] for t in talks])
        return sorted(row["what"] for row in rows)

    def attempts(self, talks: Sequence[Talk]) -> list[dict[str, Any]]:
        return self.vitrine.rows(_ATTEMPTS, [t.customer.phone[-8:] for t in talks])

    def end_grace(self) -> None:
        self.vitrine.sql(_END_GRACE)

    def let_rows_fall_due(self) -> None:
        """Only the rows' own clock: whether the intake is healthy is for the product to say."""
        self.vitrine.sql("UPDATE outbox SET not_before = clock_timestamp() WHERE state = 'unknown'")

    def make_room_for_an_own_actor(self) -> None:
        self.vitrine.sql(_AGE_OWN)

    def set_timer(self) -> str:
        """Due now, of the newest conversation; returns its id."""
        return str(self.vitrine.sql(_SET_TIMER))

    def timer_was_worked_once(self, timer: str) -> bool:
        worked = self.vitrine.rows(_TIMER_EVENTS, f"timer:{timer}")
        return [row["worked"] for row in worked] == [True]

    # ---- processes

    def pid_of(self, name: str) -> int:
        return self.vitrine.pid_of(name, self.headers)

    def living_pid(self, name: str) -> int:
        """Of the named actor (or the first whose name begins so) whose process is there."""
        found: int = wait_for(
            f"a living {name}",
            lambda: next(
                (
                    a["pid"]
                    for a in self.vitrine.actors(self.headers)
                    if a["name"].startswith(name) and psutil.pid_exists(a["pid"])
                ),
                None,
            ),
            within=60,
        )
        return found

    def kill_actor(self, name: str) -> None:
        os.kill(self.living_pid(name), signal.SIGKILL)

    def cut_postgres(self) -> None:
        self.vitrine.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name LIKE 'vitrine %' AND pid <> pg_backend_pid()"
        )

    def empty_redis(self) -> None:
        with Redis.from_url(str(self.vitrine.record["redis_url"])) as client:
            client.flushall()

    def server(self, folder: str, name: str) -> psutil.Process:
        """The embedded server's main process."""
        found = working_in(self.vitrine.folder / folder, name)
        mains = [p for p in found if p.ppid() not in {q.pid for q in found}]
        assert len(mains) == 1, f"{name}: {found}"
        return mains[0]

    def kill_ray_head(self) -> None:
        """The GCS of this Vitrine's own cluster, and of no other."""
        ours = psutil.Process(self.vitrine.process.pid).children(recursive=True)
        (gcs,) = [p for p in ours if p.name() == "gcs_server"]
        gcs.kill()

    # ---- a person

    def act(
        self,
        talk: Talk,
        path: str,
        is_done: Callable[[dict[str, Any]], bool],
        **body: Any,
    ) -> None:
        """Does it as a careful person would: when the answer is lost, looks before trying again."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if self._is_taken(path, body) or is_done(self.look_at(talk)):
                return
            time.sleep(0.5)
        raise AssertionError(f"POST {path} did not come about")

    def _is_taken(self, path: str, body: Mapping[str, Any]) -> bool:
        """Whether the API said so; when the line is cut or it is away, nobody knows."""
        try:
            answer = self.vitrine.http.post(
                f"{self.vitrine.url}{path}", headers=self.headers, json=body
            )
        except (httpx.HTTPError, AssertionError):
            return False
        return answer.is_success

    def settle_parked(self, talks: Sequence[Talk]) -> None:
        """What waits for a person's decision gets a careful one's: they ask the customer whether it came."""
        phones = {talk.customer.phone[-8:]: talk for talk in talks}
        for row in self.vitrine.rows(_PARKED, list(phones)):
            talk = phones[row["phone"]]
            came = {one.text for one in self.received([talk])[talk.customer.phone]}
            decision = "arrived" if row["body"] in came else "resend"
            self._is_taken(f"/messages/{row['id']}/{decision}", {})

    def look_at(self, talk: Talk) -> dict[str, Any]:
        """The conversation as the API shows it, once the API answers."""

        def look() -> dict[str, Any] | None:
            try:
                return talk.customer.conversation(self.headers)
            except (httpx.HTTPError, AssertionError):
                return None

        return wait_for("the API to answer", look, within=_PATIENCE_S, every=0.5)


@contextmanager
def chaos_ground(vitrine: RunningVitrine) -> Iterator[Ground]:
    """The ground with its echoing model; afterwards everything is as it was."""
    ground = Ground(vitrine)
    before = vitrine.look("model")
    low, high = before["latency_ms"]
    vitrine.control("model", persona="echo", latency_ms=400)
    ground.clear_faults()
    try:
        yield ground
    finally:
        for point in Failpoint:
            disarm(ground.failpoints, point)
        vitrine.http.delete(f"{vitrine.sandbox_url}/control/faults").raise_for_status()
        vitrine.control("model", persona="seller", latency_ms=[low, high])
