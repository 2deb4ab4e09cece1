"""The JSON of a reply: the schema asked for, and a reader that also accepts plain text."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from domain.reply import NextAction, Reply
from domain.storable import storable, storable_text

METADATA_FIELDS: Final = (
    "need", "budget", "authority", "timing", "facts", "offers", "open_question", "summary",
)  # fmt: skip
_METADATA_CHARS: Final = 600
_FENCED: Final = re.compile(r"^```(?:json)?\s*(.*?)\s*```$", re.DOTALL)

SCHEMA: Final[dict[str, object]] = {
    "type": "object",
    "properties": {
        "message": {"type": "string"},
        # Bounds are checked by the reader: the API's schemas know no minimum or maximum.
        "qualification_score": {"type": "number"},
        "next_action": {"type": "string", "enum": [action.value for action in NextAction]},
        "metadata": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in METADATA_FIELDS},
            "required": list(METADATA_FIELDS),
            "additionalProperties": False,
        },
    },
    "required": ["message", "qualification_score", "next_action", "metadata"],
    "additionalProperties": False,
}


def read_reply(text: str, *, last_score: float) -> Reply:
    """A model that ignores the schema is understood: its whole text is the message."""
    clean = _clean(text)
    fenced = _FENCED.match(clean)
    data = _object(fenced[1] if fenced else clean)
    if data is None or not isinstance(data.get("message"), str):
        return Reply(message=clean, qualification_score=last_score)
    return Reply(
        message=_clean(data["message"]),
        qualification_score=_score(data.get("qualification_score"), last_score),
        next_action=_action(data.get("next_action")),
        metadata=_metadata(data.get("metadata")),
    )


def _clean(message: str) -> str:
    """Two halves of one character are put together again; what is left half is replaced."""
    whole = message.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return storable_text(whole.replace("\x00", "")).strip()


def _object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _score(value: object, last: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124 - NaN
        return last
    return min(max(float(value), 0.0), 1.0)


def _action(value: object) -> NextAction:
    known = {action.value: action for action in NextAction}
    return known.get(value, NextAction.CONTINUE) if isinstance(value, str) else NextAction.CONTINUE


def _metadata(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    return {
        str(key): item[:_METADATA_CHARS] if isinstance(item, str) else item
        for key, item in storable(value).items()
        if item not in ("", None, [], {})
    }
