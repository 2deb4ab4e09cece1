"""The rehearsal agent: a deterministic seller behind the model twin.

It reads whatever the request offers (system prompt, tools, context document, conversation), uses
the tools that exist, and says nothing about money that a tool did not say first.
"""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.ids import new_model_id
from sandbox.model.rehearsal.filling import fill
from sandbox.model.rehearsal.reading import Situation, read
from sandbox.model.rehearsal.seller import Seller, Spoken
from sandbox.model.rehearsal.toolbox import Toolbox

ROUNDS_MAX = 5


def answer_blocks(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The content of the assistant's message for a checked request."""
    situation = read(body)
    seller = Seller(situation)
    box = Toolbox(situation.tools)
    choice = (body.get("tool_choice") or {}).get("type", "auto")
    forced = str((body.get("tool_choice") or {}).get("name", "")) if choice == "tool" else ""
    thinking = _thinking(body)
    if forced:
        return [_use(box, forced, _known(seller, seller.speak()))]
    if choice != "none" and len(situation.used) < ROUNDS_MAX:
        calls = _wanted(seller, box, situation)
        if calls:
            return [*thinking, *calls]
    spoken = seller.speak()
    if choice != "none" and box.has("reply"):
        return [*thinking, _use(box, box.by_role["reply"], _known(seller, spoken))]
    return [*thinking, {"type": "text", "text": _text(body, seller, spoken)}]


def echo_blocks(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Says back what is pending: whoever reads the answer sees whose words it answers, and which."""
    situation = read(body)
    spoken = Spoken(
        message="Você escreveu: " + " / ".join(situation.new), score=0.2, next_action="continue"
    )
    return [{"type": "text", "text": _text(body, Seller(situation), spoken)}]


def _wanted(seller: Seller, box: Toolbox, situation: Situation) -> list[dict[str, Any]]:
    """The next tool this turn still needs: reading ones together, then each effect."""
    used = [u.name for u in situation.used]
    calls: list[dict[str, Any]] = []
    for wish in seller.wishes():
        name = box.by_role.get(wish.role)
        if name is None or name in used or any(c["name"] == name for c in calls):
            continue
        effect = wish.role in ("note", "schedule", "hand_over")
        if effect and calls:
            break
        calls.append(_block(name, box.arguments(wish.role, {**wish.known, "score": seller.score})))
        if effect:
            break
    return calls


def _use(box: Toolbox, name: str, known: dict[str, Any]) -> dict[str, Any]:
    schema = box.tools[name]["input_schema"]
    filled = fill(schema, {**known, "text": known["message"], "answer": known["message"]})
    return _block(name, filled if isinstance(filled, dict) else {})


def _block(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": new_model_id("toolu_"), "name": name, "input": arguments}


def _known(seller: Seller, spoken: Spoken) -> dict[str, Any]:
    """Everything a schema may ask for: the reply's fields, and those of triage and summaries."""
    high = seller.intent.value in ("insult", "complaint", "dispute", "cancel", "support")
    summary = f"Cliente: {seller.it.text[:300]}" if seller.it.text else "Sem mensagem nova."
    return {
        "message": spoken.message,
        "qualification_score": spoken.score,
        "score": spoken.score,
        "next_action": spoken.next_action,
        "metadata": spoken.metadata,
        **spoken.metadata,
        "priority": "high" if high else "normal",
        "summary": summary,
        "reason": seller.intent.value,
        "confidence": 0.5,
    }


def _text(body: dict[str, Any], seller: Seller, spoken: Spoken) -> str:
    output = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    schema = output.get("schema")
    if output.get("type") != "json_schema" or not isinstance(schema, dict):
        return spoken.message
    return orjson.dumps(fill(schema, _known(seller, spoken))).decode()


def _thinking(body: dict[str, Any]) -> list[dict[str, Any]]:
    if (body.get("thinking") or {}).get("type") != "enabled":
        return []
    signature = new_model_id("sig_")
    return [{"type": "thinking", "thinking": "Ensaio sem modelo real.", "signature": signature}]
