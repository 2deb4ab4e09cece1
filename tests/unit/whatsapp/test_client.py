from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import traceback
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.content import Content, Text
from domain.errors import InvalidInputError
from integrations.whatsapp import client as client_module
from integrations.whatsapp.client import GraphClient
from integrations.whatsapp.errors import (
    ForeignMediaHostError,
    GraphError,
    GraphUnavailableError,
    MediaUnusableError,
    NotSentError,
    UnknownOutcomeError,
    WhatsAppError,
)
from integrations.whatsapp.failures import Action
from integrations.whatsapp.outbound import Recipient
from integrations.whatsapp.reports import MediaLocation, NumberReport, SendResult

TOKEN = "EAAG-very-secret"
BASE = "https://graph.example"
ANA = Recipient(phone="553188887777")
ACCEPTED = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "+553188887777", "wa_id": "5531988887777"}],
    "messages": [{"id": "wamid.NEW", "message_status": "accepted"}],
}


class Graph:
    """A Graph API that answers what it is told and remembers what it was asked."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))
        self.client = GraphClient(self.http, base_url=BASE, version="v26.0", token=TOKEN)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @property
    def body(self) -> Any:
        return json.loads(self.requests[-1].content)

    async def send(self, content: Content | None = None) -> SendResult:
        return await self.client.send_message("106", ANA, content or Text(body="Olá"), "att-1")


def error(code: int, status: int = 400, **more: Any) -> httpx.Response:
    body = {"error": {"message": f"(#{code})", "code": code, "fbtrace_id": "trace-1", **more}}
    return httpx.Response(status, json=body)


async def test_a_message_is_sent_once_with_token_version_and_attempt_id():
    graph = Graph(httpx.Response(200, json=ACCEPTED))
    assert await graph.send() == SendResult(
        wamid="wamid.NEW", wa_id="5531988887777", message_status="accepted"
    )
    (request,) = graph.requests
    assert request.method == "POST"
    assert str(request.url) == f"{BASE}/v26.0/106/messages"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"
    assert graph.body["biz_opaque_callback_data"] == "att-1"


async def test_a_send_to_a_user_id_is_answered_without_phone():
    answer = {"contacts": [{"input": "BR.1", "user_id": "BR.1"}], "messages": [{"id": "w"}]}
    graph = Graph(httpx.Response(200, json=answer))
    result = await graph.client.send_message("106", Recipient(bsuid="BR.1"), Text(body="a"), "c")
    assert result == SendResult(wamid="w", bsuid="BR.1")


async def test_another_account_shares_the_connections_but_not_the_token():
    graph = Graph(httpx.Response(200, json=ACCEPTED))
    await graph.client.with_token("other").send_message("106", ANA, Text(body="a"), "c")
    assert graph.requests[0].headers["authorization"] == "Bearer other"


async def test_what_may_not_be_sent_never_reaches_meta():
    graph = Graph(httpx.Response(200, json=ACCEPTED))
    with pytest.raises(InvalidInputError):
        await graph.send(Text(body=" "))
    assert graph.requests == []


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("busy")],
    ids=lambda failure: type(failure).__name__,
)
async def test_without_a_connection_nothing_was_sent(failure):
    graph = Graph(failure)
    with pytest.raises(NotSentError):
        await graph.send()
    assert len(graph.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.WriteTimeout("slow"),
        httpx.RemoteProtocolError("closed"),
        httpx.DecodingError("gzip"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_a_broken_answer_leaves_the_outcome_unknown_and_is_not_repeated(failure):
    graph = Graph(failure)
    with pytest.raises(UnknownOutcomeError):
        await graph.send()
    assert len(graph.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="<html>oops</html>"),
        httpx.Response(502, content=b""),
        httpx.Response(503, json={"message": "no graph error"}),
        httpx.Response(408),
        httpx.Response(500, json={"error": {"message": "no code"}}),
        httpx.Response(200, text="ok"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"success": True}),
        error(1),
        error(2, 503),
        error(131000, 500),
        error(131016, 500),
    ],
)
async def test_an_answer_that_settles_nothing_leaves_the_outcome_unknown(answer):
    with pytest.raises(UnknownOutcomeError):
        await Graph(answer).send()


async def test_a_refusal_keeps_code_details_and_trace():
    answer = error(131042, error_data={"details": "no payment method"}, error_subcode=2494055)
    with pytest.raises(GraphError) as refused:
        await Graph(answer).send()
    graph_error = refused.value
    assert (graph_error.code, graph_error.http_status) == (131042, 400)
    assert (graph_error.details, graph_error.fbtrace_id) == ("no payment method", "trace-1")
    assert graph_error.subcode == 2494055
    assert graph_error.failure.action is Action.STOP


@pytest.mark.parametrize("status", [400, 500])
async def test_the_code_decides_and_not_the_http_status(status):
    with pytest.raises(GraphError) as refused:
        await Graph(error(130429, status)).send()
    assert refused.value.failure.action is Action.RETRY


@pytest.mark.parametrize(
    ("status", "action"),
    [(401, Action.STOP), (404, Action.STOP), (302, Action.STOP), (429, Action.RETRY)],
)
async def test_a_refusal_by_somebody_in_between_is_judged_by_its_status(status, action):
    answer = httpx.Response(status, text="nope", headers={"location": "https://evil.example/"})
    graph = Graph(answer)
    with pytest.raises(GraphError) as refused:
        await graph.send()
    assert refused.value.failure.action is action
    assert len(graph.requests) == 1


async def test_a_send_takes_no_longer_than_its_limit_in_all(monkeypatch):
    monkeypatch.setattr(client_module, "SEND_TIMEOUT", timedelta(milliseconds=20))
    never = asyncio.Event()

    async def silent(_request):
        await never.wait()

    async with httpx.AsyncClient(transport=httpx.MockTransport(silent)) as http:
        client = GraphClient(http, base_url=BASE, version="v26.0", token=TOKEN)
        with pytest.raises(UnknownOutcomeError, match="no answer in time"):
            await client.send_message("106", ANA, Text(body="a"), "c")


@pytest.mark.parametrize(
    "answer", [error(190, 401), httpx.ReadTimeout("slow"), httpx.ConnectError("no")]
)
async def test_no_error_tells_the_token(answer):
    with pytest.raises(WhatsAppError) as failed:
        await Graph(answer).send()
    told = "".join(traceback.format_exception(failed.value)) + repr(failed.value)
    assert TOKEN not in told


async def test_reading_and_typing_are_one_call():
    graph = Graph(httpx.Response(200, json={"success": True}))
    await graph.client.mark_read_and_typing("106", "wamid.1", typing=True)
    assert graph.body == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.1",
        "typing_indicator": {"type": "text"},
    }
    await graph.client.mark_read_and_typing("106", "wamid.1", typing=False)
    assert "typing_indicator" not in graph.body


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(404), httpx.Response(500), error(100), error(131000), httpx.ReadTimeout("slow"),
     httpx.ConnectError("no"), httpx.Response(200, text="ok")],
)  # fmt: skip
async def test_a_server_without_reads_and_polls_raises_what_callers_may_count(answer):
    graph = Graph(answer)
    for call in (
        graph.client.mark_read_and_typing("106", "w", typing=True),
        graph.client.get_number("106"),
        graph.client.media_url("m"),
        graph.client.subscribe_app("102"),
        graph.client.upload_media("106", b"x", "image/png", "a.png"),
    ):
        with pytest.raises((GraphError, GraphUnavailableError)):
            await call


async def test_a_number_is_reported_with_its_health():
    answer = {
        "id": "106", "display_phone_number": "+55 11 3000-1234", "verified_name": "Loja Exemplo",
        "status": "CONNECTED", "quality_rating": "GREEN", "throughput": {"level": "STANDARD"},
        "whatsapp_business_manager_messaging_limit": "TIER_2K", "is_official_business_account": False,
        "health_status": {"can_send_message": "LIMITED", "entities": [
            {"entity_type": "PHONE_NUMBER", "id": "106", "can_send_message": "LIMITED", "additional_info": ["a"]},
            {"entity_type": "APP", "id": "9", "can_send_message": "BLOCKED",
             "errors": [{"error_code": 141002, "error_description": "b"}]}]},
    }  # fmt: skip
    graph = Graph(httpx.Response(200, json=answer))
    report = await graph.client.get_number("106")
    assert (report.status, report.quality_rating, report.messaging_limit) == (
        "CONNECTED",
        "GREEN",
        "TIER_2K",
    )
    assert (report.throughput_level, report.can_send_message) == ("STANDARD", "LIMITED")
    assert report.is_official is False
    assert [entity.notes for entity in report.entities] == [("a",), ("b",)]
    assert report.entities[1].error_codes == (141002,)
    assert "health_status" in graph.requests[0].url.params["fields"]


async def test_a_report_without_any_field_is_still_a_report():
    assert await Graph(httpx.Response(200, json={})).client.get_number("106") == NumberReport(
        phone_number_id="106"
    )


async def test_an_upload_names_number_type_and_file():
    graph = Graph(httpx.Response(200, json={"id": "77"}))
    assert await graph.client.upload_media("106", b"PNG!", "image/png", "a.png") == "77"
    sent = graph.requests[0].content
    assert b'name="messaging_product"' in sent
    assert b'filename="a.png"' in sent
    assert b"PNG!" in sent


async def test_a_media_address_is_asked_for_the_own_number_only():
    graph = Graph(httpx.Response(200, json={"url": "https://a.fbsbx.com/x", "file_size": "12"}))
    location = await graph.client.media_url("m/1", "106")
    assert location == MediaLocation(url="https://a.fbsbx.com/x", file_size=12)
    assert str(graph.requests[0].url) == f"{BASE}/v26.0/m%2F1?phone_number_id=106"


def digests(data: bytes) -> list[str | None]:
    digest = hashlib.sha256(data)
    return [digest.hexdigest(), base64.b64encode(digest.digest()).decode(), None, "unreadable"]


@pytest.mark.parametrize("sha256", digests(b"file"))
async def test_a_file_is_downloaded_with_the_token_and_checked(sha256):
    graph = Graph(httpx.Response(200, content=b"file"))
    location = MediaLocation(url="https://lookaside.fbsbx.com/x?mid=1", sha256=sha256)
    assert await graph.client.download_media(location) == b"file"
    assert graph.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_file_from_the_apis_own_address_is_downloaded():
    graph = Graph(httpx.Response(200, content=b"file"))
    assert await graph.client.download_media(MediaLocation(url=f"{BASE}/media/1")) == b"file"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "http://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com:8443/x",
        "https://fbsbx.com.evil.example/x",
        "https://evilfbsbx.com/x",
        "https://graph.example@evil.example/x",
        "http://graph.example/x",
        "https://lookaside.fbsbx.com@evil.example/x",
        "https://user:pass@lookaside.fbsbx.com/x",
        "https://[broken/x",
        "https://lookaside.fbsbx.com:port/x",
        "file:///etc/passwd",
        "",
    ],
)
async def test_the_token_never_goes_to_another_host(url):
    graph = Graph(httpx.Response(200, content=b"file"))
    with pytest.raises(ForeignMediaHostError):
        await graph.client.download_media(MediaLocation(url=url))
    assert graph.requests == []


async def test_a_redirect_of_a_file_is_not_followed():
    graph = Graph(httpx.Response(302, headers={"location": "https://evil.example/x"}))
    with pytest.raises(GraphError):
        await graph.client.download_media(MediaLocation(url=f"{BASE}/media/1"))
    assert len(graph.requests) == 1


async def test_a_file_that_is_too_large_or_another_is_refused():
    graph = Graph(httpx.Response(200, content=b"file"))
    with pytest.raises(MediaUnusableError, match="larger"):
        await graph.client.download_media(MediaLocation(url=f"{BASE}/m"), limit=3)
    other = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(MediaUnusableError, match="announced"):
        await graph.client.download_media(MediaLocation(url=f"{BASE}/m", sha256=other))


async def test_an_address_that_ran_out_is_told_as_such():
    with pytest.raises(GraphError) as gone:
        await Graph(httpx.Response(404)).client.download_media(MediaLocation(url=f"{BASE}/m"))
    assert gone.value.http_status == 404


async def test_subscribing_names_the_account():
    graph = Graph(httpx.Response(200, json={"success": True}))
    await graph.client.subscribe_app("102")
    assert graph.requests[0].url.path == "/v26.0/102/subscribed_apps"
