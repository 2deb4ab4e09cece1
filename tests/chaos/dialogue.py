"""One customer's part in a scenario: what they write, and what they should get back.

Every line carries a token of its customer and its place in the dialogue (`KQXWZB-C`). The model twin
says back what is pending, so each answer tells whose words it answers, and which.
"""

from __future__ import annotations

import itertools
import re
import string
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from tests.running import Customer

TOKEN: Final = re.compile(r"\b([A-Z]{7})-([A-Z])\b")
#: The line written while a person has the conversation: that person deals with it, unless the AI had
#: answered before.
UNDER_TAKEOVER: Final = "D"
PERSON: Final = "pessoa"
CONSENT: Final = "consent"

_serial = itertools.count(int(time.time()))


def _name() -> str:
    """Seven letters nobody has: no digits, so that no guard-rail takes them for money or a date."""
    rest, letters = next(_serial) * 48271 % 26**7, ""
    for _ in range(7):
        rest, place = divmod(rest, 26)
        letters += string.ascii_uppercase[place]
    return letters


@dataclass(kw_only=True)
class Talk:
    """A customer and their lines. `taken_over`: a person speaks to this one for a while."""

    customer: Customer
    taken_over: bool = False
    name: str = field(default_factory=_name)
    #: When each line was written (epoch seconds).
    said_at: dict[str, float] = field(default_factory=dict)
    #: From a takeover's answer to the wish to hand back: no claim of an AI's row may lie between.
    fenced: tuple[float, float] | None = None

    def say(self, line: str, *, copies: int = 1) -> None:
        self.said_at[line] = time.time()
        self.customer.say(f"Sobre {self.name}-{line}, como funciona", copies=copies)

    @property
    def persons_words(self) -> str:
        return f"Aqui é a Ana, {PERSON}, sobre {self.name}."

    def shows_persons_words(self, conversation: dict[str, Any]) -> bool:
        """Whether the API's picture of the conversation has them."""
        return self.persons_words in {m["text"] for m in conversation["messages"]}


@dataclass(frozen=True, kw_only=True)
class Received:
    """One message that reached the customer's phone."""

    customer: str
    at: float
    text: str
    callback: str

    @property
    def tokens(self) -> list[tuple[str, str]]:
        return TOKEN.findall(self.text)


def received_from(entry: dict[str, Any]) -> Received:
    """From an outbound line of the twin's ledger."""
    content = entry["content"]
    if content.get("type") == "interactive":
        text = str(content["interactive"]["body"]["text"])
    else:
        text = str(content.get("text", {}).get("body", ""))
    return Received(
        customer=entry["customer"], at=entry["at"], text=text, callback=entry["callback"] or ""
    )


def lines_of(talk: Talk, received: list[Received]) -> Counter[str]:
    """How often each line of the talk was answered, and each other message came."""
    found: Counter[str] = Counter()
    for one in received:
        own = [line for name, line in one.tokens if name == talk.name]
        if own:
            found.update(own)
        elif PERSON in one.text and talk.name in one.text:
            found[PERSON] += 1
        elif "assistente virtual" in one.text:
            found[CONSENT] += 1
    return found


def crossed_in(talk: Talk, received: list[Received]) -> int:
    """Messages on this phone that speak of somebody else's words."""
    return sum(any(name != talk.name for name, _ in one.tokens) for one in received)
