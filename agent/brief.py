"""What the operator reads first when the AI hands a conversation over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from domain.handoff import HandoffKind
from domain.reply import Reply, ToolCall
from domain.turn_context import TurnContext

_LAST_WORDS: Final = 500


def brief_of(
    context: TurnContext, reply: Reply, kind: HandoffKind, calls: Sequence[ToolCall]
) -> dict[str, Any]:
    """Need, facts, offers and the open question, as the model noted them in this turn or before.

    Offers come from what the catalogue returned, so that a price in them is a real one.
    """
    known = {**context.conversation.state.get("metadata", {}), **reply.metadata}
    asked = " / ".join(message.text for message in context.pending)[-_LAST_WORDS:]
    return {
        "kind": kind.value,
        "summary": known.get("summary") or f"O cliente escreveu: {asked}",
        "need": known.get("need", ""),
        "facts": _facts(known),
        "offers": known.get("offers", ""),
        "catalogue": _seen_products(calls),
        "open_question": known.get("open_question") or asked,
        "score": reply.qualification_score,
        "last_message": asked,
    }


def _facts(known: dict[str, Any]) -> dict[str, Any]:
    names = ("facts", "budget", "authority", "timing")
    return {name: known[name] for name in names if known.get(name)}


def _seen_products(calls: Sequence[ToolCall]) -> list[str]:
    seen: dict[str, None] = {}
    for call in calls:
        if call.ok and call.name == "search_catalogue":
            for product in call.output.get("products", ()):
                seen[f"{product['name']}: {product['price']} {product['billing']}"] = None
    return list(seen)
