"""Tools as a product might offer them to the model twin, answered from the seeded company."""

from __future__ import annotations

from typing import Any

from sandbox.model.rehearsal.intents import plain
from sandbox.model.rehearsal.offers import money_text
from sandbox.seed.words import KNOWLEDGE, PRODUCTS


def _tool(name: str, description: str, required: list[str], **properties: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {"name": name, "description": description, "input_schema": schema}


_TEXT = {"type": "string"}
TOOLS = [
    _tool("search_catalogue", "Search products and their prices.", ["query"], query=_TEXT),
    _tool("search_knowledge", "Search opening hours and policies.", ["query"], query=_TEXT),
    _tool("lookup_contact", "Look up the contact in the CRM.", []),
    _tool("add_note", "Add a note to the contact.", ["text"], text=_TEXT),
    _tool("schedule_call", "Schedule a call.", ["at", "subject"], at=_TEXT, subject=_TEXT),
    _tool(
        "hand_over",
        "Hand the conversation over to a person.",
        ["reason", "priority"],
        reason=_TEXT,
        priority={"type": "string", "enum": ["low", "normal", "high", "urgent"]},
    ),
]


def use_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Full-text search without the text search."""
    words = [w for w in plain(str(arguments.get("query", ""))).split() if len(w) > 3]
    if name == "search_catalogue":
        rows = [p for p in PRODUCTS if any(w in plain(p["name"] + p["description"]) for w in words)]
        return {
            "products": [
                {
                    "name": p["name"],
                    "price": money_text(p["price_centavos"]),
                    "unit": p["unit"],
                    "description": p["description"],
                }
                for p in rows[:5]
            ]
        }
    if name == "search_knowledge":
        rows = [k for k in KNOWLEDGE if any(w in plain(k["title"] + k["body"]) for w in words)]
        return {"pages": [{"title": k["title"], "body": k["body"]} for k in rows]}
    return {"ok": True}
