"""The benchmarks' stand-ins speak the real wire formats, and their loops count right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import orjson
import pytest

from agent.reply_format import read_reply
from bench.servers.outside import Arrivals, Outside
from bench.servers.wire import Client, serve
from bench.webhooks import APP_SECRET, Person, message_request, new_wamid, status_request
from bench.world import World
from domain.inbound import InboundMessage, StatusUpdate
from integrations.whatsapp.signature import SIGNATURE_HEADER, signature_is_valid
from integrations.whatsapp.webhook import parse_webhook

PERSON = Person(n=7)


def parts_of(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, body


def at_once(outside: Outside, path: str, body: bytes) -> tuple[int, bytes]:
    answer = outside.answer("POST", path, body)
    assert isinstance(answer, tuple)
    return answer


def test_a_message_is_signed_and_parses_as_one_of_this_person():
    headers, body = parts_of(message_request(PERSON, "/webhook/whatsapp", "127.0.0.1:1"))
    assert signature_is_valid(body, headers[SIGNATURE_HEADER.lower()], (APP_SECRET,))
    (item,) = parse_webhook(body, datetime.now(UTC)).items
    assert isinstance(item, InboundMessage)
    assert item.sender.wa_id == PERSON.wa_id
    assert item.sender.bsuid == PERSON.bsuid
    assert item.phone_number_id == PERSON.phone_number_id


def test_a_status_names_the_attempt():
    callback = "01a20920-68b0-7382-b678-315a464f4946"
    request = status_request(PERSON, "wamid.X", "delivered", callback, "/w", "127.0.0.1:1")
    (item,) = parse_webhook(parts_of(request)[1], datetime.now(UTC)).items
    assert isinstance(item, StatusUpdate)
    assert (item.status, item.callback_data) == ("delivered", callback)


def test_wamids_do_not_repeat():
    assert len({new_wamid() for _ in range(1000)}) == 1000


def test_graph_gives_a_wamid_and_tells_who_was_answered():
    outside, heard = Outside(), []
    outside.on_message = lambda *told: heard.append(told)
    sent = {"to": f"+{PERSON.wa_id}", "type": "text", "biz_opaque_callback_data": "a1"}
    status, body = at_once(outside, "/graph/v26.0/106/messages", orjson.dumps(sent))
    wamid = orjson.loads(body)["messages"][0]["id"]
    assert status == 200
    assert heard == [(PERSON.wa_id, wamid, "a1")]


def test_a_read_mark_is_no_message():
    outside = Outside()
    mark = orjson.dumps({"status": "read", "message_id": "wamid.X"})
    assert at_once(outside, "/graph/v26.0/106/messages", mark) == (200, b'{"success":true}')
    assert (outside.counts["reads"], outside.counts["messages"]) == (1, 0)


def test_the_model_answers_with_a_reply_the_product_reads():
    _, body = at_once(Outside(), "/anthropic/v1/messages", b"{}")
    reply = read_reply(orjson.loads(body)["content"][0]["text"], last_score=0.0)
    assert reply.qualification_score == 0.4


async def test_the_client_sends_again_what_found_no_answer():
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        hung_up.set()

    hung_up = asyncio.Event()
    first = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = first.sockets[0].getsockname()[1]
    client = Client("127.0.0.1", port)
    sending = asyncio.get_running_loop().create_task(
        client.send(message_request(PERSON, "/", "127.0.0.1"))
    )
    async with asyncio.timeout(10):
        await hung_up.wait()
    first.close()
    await first.wait_closed()
    server = await serve(lambda *_: (200, b"{}"), port)
    assert await sending == 200
    assert client.repeated >= 1
    client.close()
    await server.close()


async def test_what_nobody_waits_for_is_counted():
    arrivals = Arrivals()
    arrival = arrivals.expect("1")
    arrivals.arrived("1")
    arrivals.arrived("1")
    assert await arrival > 0
    assert arrivals.unawaited == 1


@pytest.fixture
async def answering() -> AsyncIterator[tuple[World, str, list[str]]]:
    """A world, and a house that answers each message at once through the world's Graph."""
    world = World()
    graph = await serve(world.outside.answer)
    sender = Client("127.0.0.1", graph.port)
    heard: list[str] = []

    def take(_method: str, _path: str, body: bytes) -> tuple[int, bytes]:
        value = orjson.loads(body)["entry"][0]["changes"][0]["value"]
        heard.append("message" if "messages" in value else "status")
        for message in value.get("messages", ()):
            sent = orjson.dumps({"to": message["from"], "type": "text"})
            head = (
                f"POST /graph/v26.0/1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: {len(sent)}"
            )
            task = asyncio.get_running_loop().create_task(
                sender.send(f"{head}\r\n\r\n".encode() + sent)
            )
            running.add(task)
        return 200, b""

    running: set[asyncio.Task[int]] = set()
    house = await serve(take)
    yield world, f"http://127.0.0.1:{house.port}/webhook/whatsapp", heard
    sender.close()
    await house.close()
    await graph.close()


async def test_turns_are_counted_with_their_statuses(answering):
    world, url, heard = answering
    run = await world.turns(url=url, seconds=0.3, in_flight=4, first=0, people=100, statuses=True)
    assert run["count"] > 0
    assert (run["unanswered"], run["unawaited"]) == (0, 0)
    assert run["calls"]["messages"] == heard.count("message")
    assert heard.count("status") == 3 * run["calls"]["messages"]


async def test_one_turn_at_a_time_is_timed(answering):
    world, url, heard = answering
    run = await world.single(url=url, count=12, first=0, pause_s=0.0)
    assert (run["count"], run["unanswered"]) == (7, 0)
    assert heard == ["message"] * 12


async def test_load_never_leaves_loopback():
    with pytest.raises(AssertionError, match="only loopback"):
        await World().post(url="http://192.0.2.1:80/", seconds=1, connections=1, people=1)
