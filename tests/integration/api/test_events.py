from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from storage.feed import STREAM, Feed
from tests.house import inbound, store
from tests.integration.api.desk import Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@dataclass
class Got:
    event: str
    id: str | None
    data: dict[str, Any]


async def read(client: httpx.AsyncClient, last: str | None = None) -> list[Got]:
    """One whole connection: the desk's feed closes after a second."""
    answer = await client.get("/events", headers={"Last-Event-ID": last} if last else {})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    got: list[Got] = []
    for block in answer.text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if "event" in fields:
            got.append(Got(fields["event"], fields.get("id"), json.loads(fields["data"])))
    return got


async def until_open(desk: Desk) -> None:
    """Until a screen is open and nothing after this moment is missed."""
    live = desk.app.state.live
    async with asyncio.timeout(10):
        while not live._screens:  # noqa: ASYNC110 -- the hub tells nobody who looks at it
            await asyncio.sleep(0)
        await live._positioned.wait()


def kinds(got: list[Got]) -> list[str]:
    return [one.event for one in got]


async def test_what_happens_is_seen_live_and_resumed_without_gap_or_repeat(desk: Desk):
    conversation_id = await desk.conversation("Oi")
    first = await read(desk.ana)
    assert kinds(first) == ["ready"]

    reading = asyncio.create_task(read(desk.ana))
    await until_open(desk)
    await desk.ana.post(
        "/conversation", json={"conversation_id": str(conversation_id), "text": "Olá"}
    )
    live = await reading
    assert kinds(live) == ["ready", "trace", "message", "conversation"]
    assert live[1].data["stage"] == "human.took_over"
    assert live[2].data["message"]["text"] == "Olá"
    assert live[3].data["conversation"]["mode"] == "operator"

    await desk.parts.feed.publish("conversation", {"conversation_id": conversation_id})
    resumed = await read(desk.ana, live[2].id)
    assert kinds(resumed) == ["ready", "conversation", "conversation"]
    assert resumed[1].id == live[3].id
    assert kinds(await read(desk.ana, resumed[2].id)) == ["ready"]


async def test_a_seller_sees_only_own_rows_masked_and_resets_when_one_is_taken_away(desk: Desk):
    own = await desk.conversation(wa_id="553188887771", to="bia")
    foreign = await desk.conversation(wa_id="553188887772", to="caio")
    await desk.parts.feed.publish("trace", {"conversation_id": own, "stage": "turn.started"})
    place = str(await desk.parts.feed.place())
    for event in ("conversation", "trace"):
        await desk.parts.feed.publish(event, {"conversation_id": foreign, "stage": "turn.started"})
    assert kinds(await read(desk.bia, place)) == ["ready"], "foreign rows are not shown"
    assert kinds(await read(desk.ana, place)) == ["ready", "conversation", "trace"]

    await desk.parts.feed.publish("conversation", {"conversation_id": own})
    [_, mine] = await read(desk.bia, place)
    assert mine.data["conversation"]["contact"]["phone"] == "+55 31 •••••-7771"

    reading = asyncio.create_task(read(desk.bia))
    await until_open(desk)
    body = {"operator_id": str(desk.people["caio"].id)}
    await desk.ana.post(f"/conversations/{own}/assign", json=body)
    assert kinds(await reading) == ["ready", "reset"]


async def test_an_unknown_place_resets(desk_with: Callable[..., Awaitable[Desk]]):
    desk = await desk_with(feed_life=timedelta(milliseconds=10))
    await desk.parts.feed.publish("trace", {"conversation_id": await desk.conversation()})
    for last in ("nobody-12", "x", "-", "a-b", "😀-1"):
        answer = await desk.ana.get("/events", headers={b"Last-Event-ID": last.encode()})
        assert "event: reset" in answer.text, last


async def test_a_trimmed_or_lost_stream_resets(desk: Desk):
    conversation_id = await desk.conversation()
    await desk.parts.feed.publish_many([("trace", {"conversation_id": conversation_id})] * 3)
    place = str(await desk.parts.feed.place())
    assert desk.parts.redis is not None
    await desk.parts.redis.xtrim(STREAM, maxlen=0, approximate=False)
    assert kinds(await read(desk.ana, place)) == ["reset"]
    await desk.parts.redis.flushall()
    await desk.parts.feed.publish("trace", {"conversation_id": conversation_id})
    again = await read(desk.ana, place)
    assert kinds(again) == ["reset", "trace"], "what is still known is shown all the same"
    assert kinds(await read(desk.ana, again[-1].id)) == ["ready"]
    feed, _, n = str(await desk.parts.feed.place()).rpartition("-")
    assert int(n) > int(place.rpartition("-")[2]), "numbers never go back"
    assert not place.startswith(feed)


async def test_a_publisher_that_dropped_events_begins_a_new_feed(redis_url: str):
    redis = Redis.from_url(redis_url)
    feed = Feed(redis)
    await feed.publish("trace", {"n": 1})
    before = await feed.place()
    feed._script, script = _failing, feed._script
    await feed.publish("trace", {"n": 2})
    feed._script = script
    await feed.publish("trace", {"n": 3})
    after = await feed.place()
    assert before is not None
    assert after is not None
    assert before.feed != after.feed
    assert await feed.list_after(before) is None, "what was dropped cannot be proven away"
    await redis.aclose()


async def _failing(**_given: object) -> None:
    raise OSError


async def test_without_redis_the_feed_says_reset_and_publishing_never_raises(
    desk_with: Callable[..., Awaitable[Desk]],
):
    gone = Redis(host="127.0.0.1", port=1, socket_timeout=0.2, socket_connect_timeout=0.2)
    desk = await desk_with(redis=gone, feed_life=timedelta(seconds=2))
    await desk.parts.feed.publish("trace", {"conversation_id": "x"})
    assert kinds(await read(desk.ana)) == ["reset"]
    await gone.aclose()


async def test_following_the_feed_needs_a_session_and_marks_the_person_online(desk: Desk):
    assert (await desk.anyone.get("/events")).status_code == 401
    await read(desk.bia)
    online = "SELECT name FROM operators WHERE online_until > now()"
    assert [row["name"] for row in await desk.pool.fetch(online)] == ["Bia"]


async def test_the_pause_is_told_to_every_screen_and_resumed_without_repeat(desk: Desk):
    await desk.conversation("Oi")
    reading = asyncio.create_task(read(desk.bia))
    await until_open(desk)
    await desk.ana.post("/system/pause", json={"reason": "preço errado"})
    got = await reading
    assert kinds(got) == ["ready", "system"], "a vendor without conversations, too"
    assert got[1].data == {"ai_paused": True}
    assert kinds(await read(desk.bia, got[1].id)) == ["ready"]


async def test_screens_look_again_when_a_conversation_was_merged_away(desk: Desk):
    gone = await desk.conversation("pelo telefone", wa_id="553188887777")
    receipt = await store(desk.pool, inbound("pelo id", wa_id=None, bsuid="BR.1"))
    kept = receipt.events[0].conversation_id
    merged = await store(desk.pool, inbound("sou eu", wa_id="553188887777", bsuid="BR.1"))
    assert set(merged.merged) == {gone, kept}
    reading = asyncio.create_task(read(desk.ana))
    await until_open(desk)
    await desk.parts.feed.publish_many(
        [("conversation", {"conversation_id": one}) for one in (gone, kept)]
    )
    live = await reading
    assert kinds(live) == ["ready", "reset", "conversation"]
    assert live[2].data["conversation"]["id"] == str(kept)
