"""The context document as the model reads it: JSON inside tags it cannot break out of, oldest first.

The order is made for the cache: what only grows (history, a block per message) comes before what
changes every turn (context, pending). Every text stays inside a JSON string without a raw "<", so
that nothing a contact writes can open or close a tag.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from domain.storable import storable
from domain.turn_context import Author, HistoryEntry, PendingMessage, TurnContext

Block = dict[str, Any]

_CACHED: Final = {"type": "ephemeral"}
_TAGS: Final = {
    Author.CONTACT: "contato",
    Author.AGENT: "assistente",
    Author.OPERATOR: "equipe",
    Author.SYSTEM: "sistema",
}
_QUOTED_CHARS: Final = 300
_WEEKDAYS: Final = ("segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo")


def system_blocks(prompt: str) -> list[Block]:
    """The stable prefix: tools (before it in the request) and prompt share this cache border."""
    return [{"type": "text", "text": prompt, "cache_control": _CACHED}]


def first_message(context: TurnContext) -> dict[str, Any]:
    """The one user message of a turn: history, context, pending."""
    blocks = [_history_block(entry, context) for entry in context.history]
    if blocks:
        # The next turn's history begins with the same blocks: they are read from the cache.
        blocks[-1]["cache_control"] = _CACHED
    blocks.append(_tagged("contexto", _document(context)))
    pending = [_pending(message, context) for message in context.pending]
    blocks.append({**_tagged("contato", {"pending": pending}), "cache_control": _CACHED})
    return {"role": "user", "content": blocks}


def tool_results(results: Sequence[tuple[str, Mapping[str, Any], bool]]) -> dict[str, Any]:
    """The user message that answers tool calls: (tool_use_id, output, ok)."""
    return {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": use_id,
                "content": orjson.dumps(storable(output), default=str).decode(),
                **({} if ok else {"is_error": True}),
            }
            for use_id, output, ok in results
        ],
    }


def _history_block(entry: HistoryEntry, context: TurnContext) -> Block:
    at = f"{entry.at.astimezone(context.now.tzinfo):%Y-%m-%d %H:%M}"
    line = {"author": entry.author.value, "at": at, "text": entry.text}
    return _tagged(_TAGS[entry.author], {"history": [line]})


def _pending(message: PendingMessage, context: TurnContext) -> dict[str, Any]:
    at = f"{message.at.astimezone(context.now.tzinfo):%Y-%m-%d %H:%M}"
    line: dict[str, Any] = {"at": at, "kind": message.kind, "text": message.text}
    if message.quoted is not None:
        line["quoted"] = message.quoted[:_QUOTED_CHARS]
    return line


def _document(context: TurnContext) -> dict[str, Any]:
    document = replace(context, history=(), pending=()).to_json()
    for told_elsewhere in ("history", "pending"):
        del document[told_elsewhere]
    document["weekday"] = _WEEKDAYS[context.now.weekday()]
    conversation = document["conversation"]
    conversation["known"] = conversation.pop("state").get("metadata", {})
    return document


def _tagged(tag: str, document: Mapping[str, Any]) -> Block:
    raw = orjson.dumps(storable(document), option=orjson.OPT_NON_STR_KEYS, default=str).decode()
    safe = raw.replace("<", "\\u003c").replace(">", "\\u003e")
    return {"type": "text", "text": f"<{tag}>{safe}</{tag}>"}
