"""Reads a model request as a person would: who is asking, what was said, which tools are at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.model.cache import as_blocks

_TAG = re.compile(r"<([a-zA-Z_À-ú][\w\-À-ú]*)(?:\s[^>]*)?>(.*?)</\1>", re.DOTALL)
_NEW_TAGS = re.compile(
    r"pend|new|nova|inbound|customer_?message|^message|mensagem|mensagens|cliente_?(diz|escreveu)|user_?message",
    re.IGNORECASE,
)
_CONTACT = ("contact", "customer", "cliente", "user", "lead", "inbound", "contato", "in")
_PREFIX = re.compile(
    r"^\s*(?:\[[\d:/ ,hT.Z+-]{2,40}\]\s*)?(?:(?:cliente|contato|contact|customer|user)\s*:\s*)?",
    re.IGNORECASE,
)
_JSON_START = re.compile(r"[{\[]")


@dataclass(slots=True, kw_only=True)
class Used:
    """A tool used in this turn and what came back, parsed when it was JSON."""

    name: str
    input: dict[str, Any]
    output: Any
    failed: bool


@dataclass(slots=True, kw_only=True)
class Situation:
    """`new` waits for an answer; `before` is everything the customer wrote earlier, oldest first."""

    new: list[str]
    before: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # our side, oldest first
    document: dict[str, Any] = field(default_factory=dict)
    tools: list[dict[str, Any]] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)
    system: str = ""
    media: str = ""
    correction: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.new).strip()

    @property
    def first_contact(self) -> bool:
        return not self.said and not self.before

    @property
    def name(self) -> str:
        contact = self.document.get("contact") or self.document.get("lead") or {}
        name = (
            str(contact.get("name") or contact.get("nome") or "")
            if isinstance(contact, dict)
            else ""
        )
        first = name.split()[0] if name.split() else ""
        return first if re.fullmatch(r"[^\W\d_]{2,20}", first) else ""


def read(body: dict[str, Any]) -> Situation:
    """Understand a checked request."""
    messages: list[dict[str, Any]] = [m for m in body["messages"] if m["role"] != "system"]
    start = _turn_start(messages)
    situation = Situation(
        new=[],
        tools=[t for t in body.get("tools") or () if t.get("input_schema") is not None],
        system="\n".join(str(b.get("text", "")) for b in as_blocks(body.get("system"))),
    )
    for message in messages[:start]:
        _read_past(message, situation)
    situation.used = _used(messages[start:])
    situation.correction = "\n".join(
        str(block["text"])
        for message in messages[start + 1 :]
        if message["role"] == "user"
        for block in as_blocks(message["content"])
        if block["type"] == "text"
    )
    blocks = as_blocks(messages[start]["content"])
    situation.media = _media_of(blocks)
    texts = [str(b.get("text", "")) for b in blocks if b["type"] == "text"]
    _read_present(texts, situation)
    if not situation.new:
        situation.new = _orphaned(situation)
    if situation.new and not situation.media:
        situation.media = _media_word(situation.new[-1])
    return situation


def _turn_start(messages: list[dict[str, Any]]) -> int:
    """The last message with a context document, else the last in which somebody speaks."""
    for index in range(len(messages) - 1, -1, -1):
        for block in as_blocks(messages[index]["content"]):
            if (
                messages[index]["role"] == "user"
                and block["type"] == "text"
                and '"pending"' in block["text"]
            ):
                return index
    for index in range(len(messages) - 1, -1, -1):
        blocks = as_blocks(messages[index]["content"])
        if messages[index]["role"] == "user" and any(
            b["type"] in ("text", "image", "document") for b in blocks
        ):
            return index
    return 0


def _read_past(message: dict[str, Any], situation: Situation) -> None:
    for block in as_blocks(message["content"]):
        if block["type"] != "text":
            continue
        text = str(block["text"])
        if message["role"] == "assistant":
            situation.said.append(_spoken(text))
            continue
        document, rest = _split(text)
        _take_document(document, situation, past=True)
        situation.before.extend(_lines(rest))


def _spoken(text: str) -> str:
    """Our earlier structured reply counts as its message."""
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return str(parsed.get("message", text)) if isinstance(parsed, dict) else text


def _read_present(texts: list[str], situation: Situation) -> None:
    for text in texts:
        tagged = [m for m in _TAG.finditer(text) if _NEW_TAGS.search(m[1])]
        document, rest = _split(text)
        took = _take_document(document, situation, past=False)
        if tagged:
            situation.new.extend(line for m in tagged for line in _lines(_inner(m[2])))
        elif not took or not situation.new:
            situation.new.extend(_lines(rest))


def _inner(text: str) -> str:
    """The text of nested tags, or the JSON list of messages inside."""
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "\n".join(m[2] for m in _TAG.finditer(text)) or text
    return "\n".join(_texts_of(parsed)) or text


def _split(text: str) -> tuple[list[dict[str, Any]], str]:
    """JSON documents found anywhere in the text, and the prose around tags and documents."""
    found = list(_documents(text))
    rest = text
    for _, raw in found:
        rest = rest.replace(raw, " ")
    rest = _TAG.sub(" ", rest)
    rest = re.sub(r"</?[a-zA-Z_][^>\n]{0,60}>", " ", rest)
    return [d for d, _ in found], rest


def _documents(text: str) -> Iterator[tuple[dict[str, Any], str]]:
    position = 0
    while match := _JSON_START.search(text, position):
        raw = _balanced(text, match.start())
        position = match.start() + 1
        if raw is None or len(raw) < 8:
            continue
        try:
            parsed = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if isinstance(parsed, dict):
            position = match.start() + len(raw)
            yield parsed, raw
        elif isinstance(parsed, list) and parsed and isinstance(parsed[0], dict):
            position = match.start() + len(raw)
            yield {"pending": parsed}, raw


def _balanced(text: str, start: int) -> str | None:
    depth, quoted, escaped = 0, False, False
    for index in range(start, len(text)):
        char = text[index]
        if quoted:
            escaped = char == "\\" and not escaped
            if char == '"' and not escaped:
                quoted = False
            continue
        if char == '"':
            quoted, escaped = True, False
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth == 0:
                return text[start : index + 1]
    return None


def _take_document(documents: list[dict[str, Any]], situation: Situation, *, past: bool) -> bool:
    """Merge context documents; True when one of them carried the pending messages."""
    carried = False
    for document in documents:
        inner = document.get("context") if isinstance(document.get("context"), dict) else None
        for part in (document, inner):
            if part is None:
                continue
            situation.document.update(part)
            if not past:
                carried = _take_history(part, situation) or carried
    return carried


def _take_history(part: dict[str, Any], situation: Situation) -> bool:
    for entry in part.get("history") or part.get("historico") or ():
        if not isinstance(entry, dict):
            continue
        text = _text_of(entry)
        if text and _author(entry) in _CONTACT:
            situation.before.append(text)
        elif text:
            situation.said.append(text)
    pending = part.get("pending") or part.get("pendentes") or part.get("new_messages")
    if not pending:
        return False
    situation.new.extend(_texts_of(pending))
    return True


def _texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        if "text" in value or "body" in value:
            return [_text_of(value)]
        return [t for v in value.values() if isinstance(v, (list, dict)) for t in _texts_of(v)]
    if isinstance(value, list):
        return [t for item in value for t in _texts_of(item) if t]
    return []


def _text_of(entry: dict[str, Any]) -> str:
    kind = str(entry.get("kind") or entry.get("type") or "text")
    text = str(entry.get("text") or entry.get("body") or entry.get("content") or "")
    if (
        kind in ("image", "audio", "video", "document", "sticker", "location")
        and f"[{kind}" not in text
    ):
        return f"[{kind}] {text}".strip()
    return text


def _author(entry: dict[str, Any]) -> str:
    return str(
        entry.get("author")
        or entry.get("from")
        or entry.get("direction")
        or entry.get("role")
        or ""
    ).lower()


def _orphaned(situation: Situation) -> list[str]:
    """A document whose history ends with the customer, and nothing marked as pending."""
    return situation.before[-1:]


def _lines(text: str) -> list[str]:
    cleaned = (_PREFIX.sub("", line).strip() for line in text.splitlines())
    return [line for line in cleaned if line and not line.startswith(("#", "---"))]


def _used(messages: list[dict[str, Any]]) -> list[Used]:
    found: dict[str, Used] = {}
    for message in messages:
        for block in as_blocks(message["content"]):
            if block["type"] == "tool_use":
                found[str(block["id"])] = Used(
                    name=str(block["name"]),
                    input=dict(block.get("input") or {}),
                    output=None,
                    failed=False,
                )
            elif block["type"] == "tool_result" and str(block["tool_use_id"]) in found:
                used = found[str(block["tool_use_id"])]
                used.failed = bool(block.get("is_error"))
                used.output = _parsed(
                    "".join(str(b.get("text", "")) for b in as_blocks(block.get("content")))
                )
    return list(found.values())


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        documents = [d for d, _ in _documents(text)]
        return documents or text


def _media_of(blocks: list[dict[str, Any]]) -> str:
    kinds = [b["type"] for b in blocks if b["type"] in ("image", "document")]
    return kinds[-1] if kinds else ""


def _media_word(text: str) -> str:
    match = re.match(
        r"[\[<(*]?\s*(imagem|image|foto|áudio|audio|voz|voice|vídeo|video|documento|document|figurinha|sticker"
        r"|localização|location|contato)\b[^\n]{0,80}?[\])>*]", text.strip(), re.IGNORECASE,
    )  # fmt: skip
    if match is None:
        return ""
    word = match[1].lower()
    for kind, words in _MEDIA_WORDS.items():
        if word in words:
            return kind
    return ""


_MEDIA_WORDS = {
    "image": ("imagem", "image", "foto"),
    "audio": ("áudio", "audio", "voz", "voice"),
    "video": ("vídeo", "video"),
    "document": ("documento", "document"),
    "sticker": ("figurinha", "sticker"),
    "location": ("localização", "location"),
}
