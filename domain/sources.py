"""Where a figure may come from, and which figures of a text come from nowhere.

A figure has a source when a tool of this turn returned it, when it was said to this contact before
by the AI (lately) or by a person of ours, or when the contact wrote it and the sentence only hands it
back ("você mencionou R$ 500"). What the contact wrote never becomes our word for it: an earlier
answer that merely echoed the contact is no source either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from domain.mention import DayRef, Mention, MentionKind
from domain.mentions import find_mentions
from domain.money import BRL, Money
from domain.plain_text import code_of, plain
from domain.priced_numbers import numbers_in
from domain.turn_context import Author, TurnContext

AGENT_QUOTE_VALID: Final = timedelta(hours=24)
"""Prices change: an older quote of the AI has to be looked up again. A person's word stands."""

_ECHO: Final = re.compile(
    r"\b(?:orcamento|voce (?:disse|falou|mencionou|citou|comentou|informou|quer|queria|pretende|tem|pensou|paga|gasta|viu|recebeu|perguntou)|"
    r"mencion\w+|nao|infelizmente|preciso (?:confirmar|verificar|conferir)|vou (?:confirmar|verificar|conferir|registrar|anotar)|"
    r"anotei|registrei|entendi|entendo)\b"
)
_PAYING: Final = re.compile(
    r"\b(?:pix|chave|boleto|pag\w+|transfer\w+|deposit\w+|venc\w*|parcel\w+|fatura|entrada)\b"
)


@dataclass(slots=True, kw_only=True)
class Figures:
    """Figures of one origin, ready to be compared."""

    amounts: set[Money] = field(default_factory=set)
    percents: set[Decimal] = field(default_factory=set)
    instalments: set[int] = field(default_factory=set)
    days: set[DayRef] = field(default_factory=set)
    #: Numbers of what the contact wrote, whatever they count: "500" answers "qual o orçamento?".
    loose: set[Decimal] = field(default_factory=set)
    #: All words, without what people put between characters: codes are looked up in it.
    squeezed: str = ""
    #: Plain text: "plano 500" is looked up in it.
    words: str = ""

    def read(self, text: str, *, bare: bool = True) -> None:
        """Adds every figure of a text. Without `bare`, a number needs a sign of being money."""
        for mention in find_mentions(text, bare=bare):
            self.add(mention)
        self.squeezed += "\n" + code_of(text)
        self.words += "\n" + re.sub(r"\s+", " ", plain(text))

    def add(self, mention: Mention) -> None:
        match mention.value:
            case Money():
                self.amounts.add(mention.value)
            case Decimal():
                self.percents.add(mention.value)
            case DayRef():
                self.days.add(mention.value)
            case int():
                self.instalments.add(mention.value)
            case str() | None:
                pass

    def has(self, mention: Mention) -> bool:
        match mention.kind:
            case MentionKind.AMOUNT:
                return mention.value in self.amounts
            case MentionKind.PERCENT:
                return mention.value in self.percents
            case MentionKind.INSTALMENTS:
                return mention.value in self.instalments
            case MentionKind.DATE:
                return isinstance(mention.value, DayRef) and any(
                    _same_day(mention.value, known) for known in self.days
                )
            case MentionKind.CODE:
                return str(mention.value) in self.squeezed

    def names(self, mention: Mention) -> bool:
        """A bare number that belongs to a name found here ("plano 500"), not to a price."""
        return mention.bare and f"{mention.before} " in f"{self.words} ".replace("\n", " ")


@dataclass(slots=True, kw_only=True)
class Sources:
    """Every origin of a turn. Tool results are added as they come."""

    said: Figures = field(default_factory=Figures)
    contact: Figures = field(default_factory=Figures)

    def read_tool_result(self, result: Mapping[str, Any]) -> None:
        """A result of a tool that may be quoted; `*_centavos` are exact amounts."""
        for key, value in _leaves(result):
            if key.endswith("_centavos") and isinstance(value, int):
                self.said.amounts.add(
                    Money(centavos=value, currency=str(result.get("currency", BRL)))
                )
            elif isinstance(value, str):
                self.said.read(value, bare=False)

    def unsourced(self, message: str, context: TurnContext) -> tuple[Mention, ...]:
        """The figures of an outgoing message that come from nowhere."""
        mentions = find_mentions(message, today=context.now.date())
        return tuple(m for m in mentions if not self._stands(m))

    def _stands(self, mention: Mention) -> bool:
        if self.said.has(mention) or self.said.names(mention) or self.contact.names(mention):
            return True
        if not (self.contact.has(mention) or _value_of(mention) in self.contact.loose):
            return False
        if mention.kind in {MentionKind.DATE, MentionKind.CODE}:
            return not _PAYING.search(mention.sentence)
        return bool(_ECHO.search(mention.sentence))


def sources_of(context: TurnContext) -> Sources:
    """What may be said before any tool was called."""
    sources = Sources()
    for entry in context.history:
        if entry.author is Author.CONTACT:
            _read_contact(sources, entry.text)
        elif entry.author is Author.OPERATOR or context.now - entry.at <= AGENT_QUOTE_VALID:
            _read_said(sources, entry.text, by_person=entry.author is Author.OPERATOR)
    for pending in context.pending:
        _read_contact(sources, pending.text)
    for call in context.past.calls:
        local = call.at.astimezone(context.now.tzinfo)
        sources.said.days.add(DayRef(local.day, local.month, local.year))
    return sources


def carries_money(message: str) -> bool:
    """An amount, a percentage, instalments or a payment code stands in the message."""
    kinds = {m.kind for m in find_mentions(message)}
    return bool(kinds - {MentionKind.DATE})


def _read_contact(sources: Sources, text: str) -> None:
    sources.contact.read(text)
    sources.contact.loose |= numbers_in(plain(text))


def _value_of(mention: Mention) -> Decimal | None:
    match mention.value:
        case Money():
            return Decimal(mention.value.centavos) / 100
        case Decimal():
            return mention.value
        case int():
            return Decimal(mention.value)
        case _:
            return None


def _read_said(sources: Sources, text: str, *, by_person: bool) -> None:
    if by_person:
        sources.said.read(text)
        return
    sources.said.words += "\n" + re.sub(r"\s+", " ", plain(text))
    for mention in find_mentions(text):
        if mention.kind is MentionKind.CODE:
            if not sources.contact.has(mention):
                sources.said.squeezed += "\n" + str(mention.value)
        elif not sources.contact.has(mention):
            sources.said.add(mention)


def _same_day(said: DayRef, known: DayRef) -> bool:
    return (
        said.day == known.day
        and (said.month is None or known.month is None or said.month == known.month)
        and (said.year is None or known.year is None or said.year == known.year)
    )


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _leaves(item, key)
    else:
        yield key, value
