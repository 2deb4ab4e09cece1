"""The Messages protocol around the rehearsal agent: checks, error shapes, answers, event stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from sandbox.ids import new_model_id
from sandbox.model.cache import Usage, as_blocks, tokens_in

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
CACHE_MARKS_MAX = 4


class ModelError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def body(self, request_id: str) -> dict[str, Any]:
        error = {"type": TYPES.get(self.status, "api_error"), "message": self.message}
        return {"type": "error", "error": error, "request_id": request_id}


def check_request(body: Any, *, counting: bool = False) -> dict[str, Any]:
    """Raise the 400 the service would; returns the body."""
    if not isinstance(body, dict):
        raise ModelError(400, "Request body must be a JSON object.")
    for key in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        if key not in body:
            raise ModelError(400, f"{key}: Field required")
    if not counting and (not isinstance(body["max_tokens"], int) or body["max_tokens"] < 0):
        raise ModelError(400, "max_tokens: Input should be greater than or equal to 0")
    if "does-not-exist" in str(body["model"]):
        raise ModelError(404, f"model: {body['model']}")
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        raise ModelError(400, "messages: at least one message is required")
    for index, message in enumerate(messages):
        _check_message(index, message)
    _check_pairs(messages)
    _check_marks(body)
    _check_tools(body)
    _check_thinking(body)
    return body


def _check_message(index: int, message: Any) -> None:
    blocks: list[Any]
    if not isinstance(message, dict) or message.get("role") not in ("user", "assistant", "system"):
        raise ModelError(400, f"messages.{index}.role: Input should be 'user' or 'assistant'")
    if index == 0 and message["role"] != "user":
        raise ModelError(400, 'messages: first message must use the "user" role')
    if "content" not in message:
        raise ModelError(400, f"messages.{index}.content: Field required")
    blocks = list(as_blocks(message["content"]))
    for position, block in enumerate(blocks):
        if not isinstance(block, dict) or "type" not in block:
            raise ModelError(400, f"messages.{index}.content.{position}.type: Field required")
        if block["type"] == "text" and not str(block.get("text", "")).strip():
            raise ModelError(400, "messages: text content blocks must be non-empty")


def _check_pairs(messages: list[dict[str, Any]]) -> None:
    """Every tool_use is answered in the very next message, and nothing else is."""
    open_ids: list[str] = []
    for index, message in enumerate(messages):
        blocks = as_blocks(message["content"])
        results = [str(b.get("tool_use_id")) for b in blocks if b["type"] == "tool_result"]
        missing = [i for i in open_ids if i not in results]
        if missing:
            raise ModelError(
                400, f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately"
                f" after: {', '.join(missing)}."
            )  # fmt: skip
        if strange := [i for i in results if i not in open_ids]:
            raise ModelError(
                400, f"messages.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {strange[0]}."
            )  # fmt: skip
        open_ids = [str(b["id"]) for b in blocks if b["type"] == "tool_use"]
    if open_ids:
        raise ModelError(400, "messages: `tool_use` ids were found without `tool_result` blocks")


def _check_marks(body: dict[str, Any]) -> None:
    places = [*(body.get("tools") or ()), *as_blocks(body.get("system"))]
    for message in body["messages"]:
        places.extend(as_blocks(message["content"]))
    marks = sum(1 for block in places if isinstance(block, dict) and block.get("cache_control"))
    if marks + bool(body.get("cache_control")) > CACHE_MARKS_MAX:
        raise ModelError(
            400,
            f"A maximum of {CACHE_MARKS_MAX} blocks with cache_control may be provided. Found {marks}.",
        )


def _check_tools(body: dict[str, Any]) -> None:
    tools = body.get("tools") or []
    names = [t.get("name") for t in tools]
    if len(set(names)) != len(names):
        raise ModelError(400, "tools: Tool names must be unique.")
    for index, tool in enumerate(tools):
        if tool.get("type") in (None, "custom") and not isinstance(tool.get("input_schema"), dict):
            raise ModelError(400, f"tools.{index}.custom.input_schema: Field required")
    choice = body.get("tool_choice")
    if not choice:
        return
    if not tools and choice.get("type") != "none":
        raise ModelError(400, "tool_choice may only be specified while providing tools.")
    if choice.get("type") == "tool" and choice.get("name") not in names:
        raise ModelError(400, f"Tool '{choice.get('name')}' not found in provided tools")


def _check_thinking(body: dict[str, Any]) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < 1024:
        raise ModelError(
            400, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        )
    if body.get("max_tokens", 0) <= budget:
        raise ModelError(400, "`max_tokens` must be greater than `thinking.budget_tokens`.")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise ModelError(400, "Thinking may not be enabled when tool_choice forces tool use.")


def answer(
    body: dict[str, Any],
    content: list[dict[str, Any]],
    usage: Usage,
    *,
    stop_reason: str | None = None,
) -> dict[str, Any]:
    """A whole `message`; cut at `max_tokens` as the service would."""
    reason = stop_reason or (
        "tool_use" if any(b["type"] == "tool_use" for b in content) else "end_turn"
    )
    output = sum(
        tokens_in(b.get("text") or b.get("input") or b.get("thinking") or "") for b in content
    )
    if output > body["max_tokens"]:
        output = body["max_tokens"]
        reason = "max_tokens"
        for block in content:
            if block["type"] == "text":
                block["text"] = block["text"][: max(0, int(output * 3.6))]
        content = [b for b in content if b["type"] != "tool_use"] if output == 0 else content
    return {
        "id": new_model_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage.body(output_tokens=output),
    }


def events(message: dict[str, Any]) -> Iterator[bytes]:
    """The server-sent events of one message, in the service's order."""
    opening = {**message, "content": [], "stop_reason": None}
    opening["usage"] = {**message["usage"], "output_tokens": 1}
    yield sse("message_start", {"message": opening})
    for index, block in enumerate(message["content"]):
        yield from _block_events(index, block)
        if index == 0:
            yield sse("ping", {})
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    usage = {
        k: v for k, v in message["usage"].items() if k not in ("service_tier", "cache_creation")
    }
    yield sse("message_delta", {"delta": delta, "usage": usage})
    yield sse("message_stop", {})


def _block_events(index: int, block: dict[str, Any]) -> Iterator[bytes]:
    kind = block["type"]
    empty: dict[str, Any]
    if kind == "text":
        empty, pieces = {"type": "text", "text": ""}, ("text_delta", "text", block["text"])
    elif kind == "thinking":
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        pieces = ("thinking_delta", "thinking", block["thinking"])
    else:
        empty = {**block, "input": {}}
        pieces = ("input_json_delta", "partial_json", orjson.dumps(block["input"]).decode())
    yield sse("content_block_start", {"index": index, "content_block": empty})
    name, key, text = pieces
    for start in range(0, len(text), 24):
        delta = {"type": name, key: text[start : start + 24]}
        yield sse("content_block_delta", {"index": index, "delta": delta})
    if kind == "thinking":
        delta = {"type": "signature_delta", "signature": block["signature"]}
        yield sse("content_block_delta", {"index": index, "delta": delta})
    yield sse("content_block_stop", {"index": index})


def sse(name: str, data: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps({"type": name, **data}) + b"\n\n"
