"""The model twin through the real SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import anthropic
import httpx2
import orjson
import pytest
from pydantic import BaseModel

from tests.unit.sandbox.conftest import Stage
from tests.unit.sandbox.servers import no_tls, until
from tests.unit.sandbox.tools import TOOLS, use_tool


class Metadata(BaseModel):
    intent: str
    language: str


class Reply(BaseModel):
    message: str
    qualification_score: float
    next_action: Literal["continue", "handoff", "schedule", "wait", "close"]
    metadata: Metadata


@pytest.fixture
async def claude(stage: Stage) -> AsyncIterator[anthropic.AsyncAnthropic]:
    http = httpx2.AsyncClient(verify=no_tls())
    async with anthropic.AsyncAnthropic(
        api_key="any", base_url=f"{stage.base}/anthropic", max_retries=0, http_client=http
    ) as client:
        yield client


ASK: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 800,
    "messages": [{"role": "user", "content": "Quem ganhou o jogo ontem?"}],
}


async def test_a_plain_answer_has_usage_and_a_request_id(claude):
    message = await claude.messages.create(**ASK)
    assert message.content[0].type == "text"
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0
    assert message._request_id.startswith("req_01")
    assert message.id.startswith("msg_01")


async def test_a_stream_has_the_events_of_the_protocol_and_the_same_text(claude):
    plain = await claude.messages.create(**ASK)
    events = [event async for event in await claude.messages.create(**ASK, stream=True)]
    kinds = [e.type for e in events]
    assert kinds[0] == "message_start"
    assert kinds[1] == "content_block_start"
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    text = "".join(e.delta.text for e in events if e.type == "content_block_delta")
    assert text == plain.content[0].text
    assert events[-2].usage.output_tokens == plain.usage.output_tokens


async def test_the_streaming_helper_puts_tool_use_together(claude):
    messages = [{"role": "user", "content": "Oi, quero saber do plano"}]
    async with claude.messages.stream(**{**ASK, "messages": messages}, tools=TOOLS) as stream:
        final = await stream.get_final_message()
    assert final.stop_reason == "tool_use"
    uses = [b for b in final.content if b.type == "tool_use"]
    assert {u.name for u in uses} == {"lookup_contact", "search_catalogue"}
    assert next(u for u in uses if u.name == "search_catalogue").input == {"query": "plano"}


async def test_the_tool_loop_ends_in_an_answer_with_prices_from_the_results(claude):
    messages: list[Any] = [{"role": "user", "content": "Quanto custa o plano?"}]
    answer = await claude.messages.create(**{**ASK, "messages": messages}, tools=TOOLS)
    while answer.stop_reason == "tool_use":
        uses = [b for b in answer.content if b.type == "tool_use"]
        results = [
            {
                "type": "tool_result",
                "tool_use_id": u.id,
                "content": orjson.dumps(use_tool(u.name, u.input)).decode(),
            }
            for u in uses
        ]
        messages += [
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": results},
        ]
        answer = await claude.messages.create(**{**ASK, "messages": messages}, tools=TOOLS)
    assert "R$ 169,90" in answer.content[-1].text


async def test_structured_output_is_parsed_by_the_sdk(claude):
    message = await claude.messages.parse(**ASK, output_format=Reply)
    assert message.parsed_output.next_action == "continue"
    assert message.parsed_output.metadata.intent == "off_topic"
    assert 0 <= message.parsed_output.qualification_score <= 1


async def test_a_forced_tool_gets_arguments_that_fit_its_schema(claude):
    choice = {"type": "tool", "name": "hand_over"}
    message = await claude.messages.create(**ASK, tools=TOOLS, tool_choice=choice)
    (use,) = message.content
    assert use.name == "hand_over"
    assert use.input["priority"] in ("low", "normal", "high", "urgent")


async def test_no_tool_is_used_when_the_choice_is_none(claude):
    messages = [{"role": "user", "content": "Quanto custa o plano?"}]
    answer = await claude.messages.create(
        **{**ASK, "messages": messages}, tools=TOOLS, tool_choice={"type": "none"}
    )
    assert [b.type for b in answer.content] == ["text"]
    assert "R$" not in answer.content[0].text


async def test_thinking_comes_before_the_answer_and_is_signed(claude):
    body = {**ASK, "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2000}}
    message = await claude.messages.create(**body)
    assert [b.type for b in message.content] == ["thinking", "text"]
    assert message.content[0].signature


async def test_cache_figures_reach_the_sdk(claude):
    system = [{"type": "text", "text": "regras " * 1500, "cache_control": {"type": "ephemeral"}}]
    first = await claude.messages.create(**ASK, system=system)
    second = await claude.messages.create(**ASK, system=system)
    assert first.usage.cache_creation_input_tokens > 1024
    assert first.usage.cache_read_input_tokens == 0
    assert second.usage.cache_read_input_tokens == first.usage.cache_creation_input_tokens
    assert second.usage.input_tokens == first.usage.input_tokens


async def test_tokens_are_counted(claude):
    counted = await claude.messages.count_tokens(model="claude-sonnet-5", messages=ASK["messages"])
    created = await claude.messages.create(**ASK)
    assert counted.input_tokens == created.usage.input_tokens


async def test_a_rate_limit_says_when_to_come_back(claude, stage):
    await stage.control("model", {"fail": 429, "next": 1, "retry_after_s": 7})
    with pytest.raises(anthropic.RateLimitError) as refused:
        await claude.messages.create(**ASK)
    assert refused.value.response.headers["retry-after"] == "7"
    assert refused.value.type == "rate_limit_error"
    assert str(refused.value.request_id).startswith("req_")
    assert (await claude.messages.create(**ASK)).stop_reason == "end_turn"


async def test_overload_is_529(claude, stage):
    await stage.control("model", {"fail": "529", "next": 1})
    with pytest.raises(anthropic.APIStatusError) as refused:
        await claude.messages.create(**ASK)
    assert (refused.value.status_code, refused.value.type) == (529, "overloaded_error")


async def test_the_sdk_retries_by_itself_when_it_may(claude, stage):
    await stage.control("model", {"fail": "529", "next": 1, "retry_after_s": 0})
    message = await claude.with_options(max_retries=2).messages.create(**ASK)
    assert message.stop_reason == "end_turn"


async def test_a_timeout_never_answers_and_the_hang_up_is_noticed(claude, stage):
    await stage.control("model", {"fail": "timeout", "next": 1})
    with pytest.raises(anthropic.APITimeoutError):
        await claude.with_options(timeout=0.3).messages.create(**ASK)
    calls = await until(lambda: _hung_up(stage))
    assert calls[0]["disconnected_at"] > calls[0]["started_at"]


async def test_a_cancelled_call_closes_the_connection(claude, stage):
    await stage.control("model", {"latency_ms": 30_000})
    call = asyncio.create_task(claude.messages.create(**ASK))
    await until(lambda: _in_flight(stage))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: _hung_up(stage))


async def _in_flight(stage: Stage) -> int:
    return int((await stage.client.get("/control/model")).json()["in_flight"])


async def _hung_up(stage: Stage) -> list[dict[str, Any]]:
    calls = (await stage.client.get("/control/model/calls")).json()["items"]
    return [c for c in calls if c["disconnected_at"]]


@pytest.mark.parametrize(
    "change",
    [
        {"messages": []},
        {"messages": [{"role": "assistant", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]},
        {"max_tokens": -1},
        {"tools": [TOOLS[0], TOOLS[0]]},
        {"tools": TOOLS, "tool_choice": {"type": "tool", "name": "nope"}},
        {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * 5},
        {
            "messages": [
                {"role": "user", "content": "x"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "a", "input": {}}]},
                {"role": "user", "content": "sem resultado"},
            ]
        },
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9", "content": "x"}]}]},
    ],
)  # fmt: skip
async def test_a_wrong_request_is_400(claude, change):
    with pytest.raises(anthropic.BadRequestError) as refused:
        await claude.messages.create(**{**ASK, **change})
    assert refused.value.type == "invalid_request_error"


async def test_a_missing_key_is_401(stage):
    answer = await stage.client.post(
        "/anthropic/v1/messages", json=ASK, headers={"anthropic-version": "1"}
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")


async def test_a_small_limit_cuts_the_answer(claude):
    message = await claude.messages.create(**{**ASK, "max_tokens": 5})
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 5


async def test_the_echo_says_back_what_is_pending_until_the_seller_returns(stage: Stage, claude):
    seller = (await claude.messages.create(**ASK)).content[0].text
    await stage.control("model", {"persona": "echo"})
    assert (await claude.messages.create(**ASK)).content[0].text == (
        "Você escreveu: Quem ganhou o jogo ontem?"
    )
    await stage.control("model", {"persona": "seller"})
    assert (await claude.messages.create(**ASK)).content[0].text == seller
