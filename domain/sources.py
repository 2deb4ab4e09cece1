"""Where a figure may come from, and which figures of a text come from nowhere.

A figure has a source when a tool of this turn returned it, or when it was said to this contact before
by the AI (lately) or by a person of ours. One that only the contact wrote is borrowed: it may be handed
back ("você mencionou R$ 500", see `attribution`) and never becomes our word. Neither an earlier echo of
it nor a plain "fechado!" to what the contact proposed can make it so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from domain.assent import adds_nothing, assents, keeps_distance, proposes
from domain.attribution import BORROWED, OURS, hands_back
from domain.mention import DayRef, Mention, MentionKind
from domain.mentions import find_mentions, sentences_of
from domain.money import BRL, Money
from domain.plain_text import code_of, plain
from domain.priced_numbers import numbers_in
from domain.turn_context import Author, TurnContext

AGENT_QUOTE_VALID: Final = timedelta(hours=24)
"""Prices change: an older quote of the AI has to be looked up again. A person's word stands."""

_LATELY: Final = 8
_PAYING: Final = re.compile(
    r"\b(?:pix|chave|boletos?|pag\w+|quit\w+|transfer\w+|deposit\w+|venc\w*|parcel\w+|faturas?|entrada|debitos?|cobranca|acordo|"
    r"mensalidade|acert(?:o|ar|amos))\b"
)
#: A day of which people only speak or meet: naming it again grants nothing.
_MEETING: Final = re.compile(
    r"\b(?:fal(?:ar|amos|o)|convers\w+|lig(?:o|ar|amos|acao|a)|call|reuniao|visita\w*|demonstracao|agend\w+|marc(?:ar|ado|amos|o|ou)|"
    r"retorn\w+|contato|encontro|evento|aniversario|casamento|viagem|festa|inaugur\w+|comec\w+|precisa\w*)\b"
)
_NAMING: Final = frozenset(
    {
        "plano",
        "pacote",
        "combo",
        "kit",
        "modulo",
        "versao",
        "modelo",
        "fibra",
        "linha",
        "internet",
        "turbo",
    }
)
_NO_NAME: Final = re.compile(
    r"(?:por|a|de|em|o|os|so|apenas|somente|ate|e|ou|cust\w+|sa[ie]\w*|fic\w+|fa[cz]\w*|pag\w+|cobr\w+|vale|valor|preco|total|consig\w+|"
    r"d[oa]u?|deix\w+|fech\w+|uns|umas|mensal\w*|cerca|tipo|r\$|rs|reais|[^a-z].*|)"
)


@dataclass(slots=True, kw_only=True)
class Figures:
    """Figures of one origin, ready to be compared."""

    amounts: set[Money] = field(default_factory=set)
    percents: set[Decimal] = field(default_factory=set)
    instalments: set[int] = field(default_factory=set)
    days: set[DayRef] = field(default_factory=set)
    #: Days that are no single day ("mês que vem", "em 30 dias"), as they were written.
    spans: set[str] = field(default_factory=set)
    #: Numbers of what the contact wrote, whatever they count: "500" answers "qual o orçamento?".
    loose: set[Decimal] = field(default_factory=set)
    #: All words, without what people put between characters: codes are looked up in it.
    squeezed: str = ""
    #: Plain text: "plano 500" is looked up in it.
    words: str = ""

    def read(self, text: str, *, bare: bool = True, due: bool = False) -> None:
        """Adds every figure of a text. Without `bare`, a number needs a sign of being money.

        `due`: relative days count whatever their sentence speaks of.
        """
        for mention in find_mentions(text, bare=bare, due=due):
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
            case None:
                self.spans.add(mention.quote)
            case str():
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
                return mention.quote in self.spans or (
                    isinstance(mention.value, DayRef)
                    and any(_same_day(mention.value, known) for known in self.days)
                )
            case MentionKind.CODE:
                return str(mention.value) in self.squeezed

    def names(self, mention: Mention, *, closely: bool = False) -> bool:
        """A bare number that belongs to a name found here ("plano 500"), not to a price ("por 500").

        `closely`: the words are not ours alone, so only what introduces a name may stand before it.
        """
        word = mention.before.split(" ", 1)[0]
        if not mention.bare or (word not in _NAMING if closely else _NO_NAME.fullmatch(word)):
            return False
        return f" {mention.before} " in f" {self.words} ".replace("\n", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Talk:
    """Whether the contact speaks of paying: in what waits for an answer, or lately."""

    paying_now: bool
    paying: bool

    @classmethod
    def of(cls, context: TurnContext) -> _Talk:
        now = any(_PAYING.search(plain(p.text)) for p in context.pending)
        lately = (e.text for e in context.history[-_LATELY:] if e.author is Author.CONTACT)
        return cls(
            paying_now=now, paying=now or any(_PAYING.search(plain(text)) for text in lately)
        )


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
                self.said.read(value, bare=False, due=True)

    def unsourced(self, message: str, context: TurnContext) -> tuple[Mention, ...]:
        """The figures of an outgoing message that come from nowhere, or that it lets the contact dictate."""
        today = context.now.date()
        talk = _Talk.of(context)
        mentions = find_mentions(message, today=today, due=talk.paying)
        ours = [m for m in mentions if self._is_ours(m)]
        foreign = [m for m in mentions if m not in ours and not self._is_free_day(m, talk)]
        marks: dict[str, dict[str, str]] = {}
        for mention in mentions:
            if mention in ours or mention in foreign:
                mark = OURS if mention in ours else BORROWED
                marks.setdefault(mention.sentence, {})[mention.quote] = mark
        wrong = [
            m
            for m in foreign
            if not self._is_borrowed(m)
            or not hands_back(m.sentence, marks[m.sentence])
            or (m.kind is MentionKind.CODE and _PAYING.search(plain(message)))
        ]
        if wrong:
            return tuple(wrong)
        asked = [m for p in context.pending for m in find_mentions(p.text, today=today)]
        proposed = [m for m in asked if self._is_proposal(m)]
        borrowed = [m for m in foreign if m.kind is not MentionKind.CODE]
        stated = {m.kind for m in ours}
        unanswered = [m for m in proposed if m.kind not in stated]
        # "Em 3x?" may be answered "Sim, em até 12x"; no figure of ours makes a yes to "por 50?" harmless.
        granted = [m for m in proposed if m in unanswered or m.kind is not MentionKind.INSTALMENTS]
        if (borrowed or granted) and assents(message):
            return tuple(borrowed or granted)
        if unanswered and not keeps_distance(message):
            return tuple(unanswered)
        if borrowed and not (ours or keeps_distance(message)):
            sentences = sentences_of(message)
            name = context.contact.name
            if not all(adds_nothing(s, marks.get(s, {}), name) for s in sentences):
                return tuple(borrowed)
        return ()

    def _is_ours(self, mention: Mention) -> bool:
        said, contact = self.said, self.contact
        if said.has(mention) or contact.names(mention, closely=True):
            return True
        return said.names(mention, closely=_value_of(mention) in contact.loose)

    def _is_borrowed(self, mention: Mention) -> bool:
        """The contact wrote it, whatever it counted there."""
        if self.contact.has(mention) or _value_of(mention) in self.contact.loose:
            return True
        return mention.kind is MentionKind.DATE and mention.quote in self.contact.words

    def _is_free_day(self, mention: Mention, talk: _Talk) -> bool:
        """A day the contact named, where nobody speaks of paying: it may be repeated freely."""
        if mention.kind is not MentionKind.DATE or not self._is_borrowed(mention):
            return False
        if talk.paying_now or _PAYING.search(mention.sentence):
            return False
        return not talk.paying or _MEETING.search(mention.sentence) is not None

    def _is_proposal(self, mention: Mention) -> bool:
        """The contact asks for a condition that is not ours: a yes to it would be a promise."""
        if self._is_ours(mention):
            return False
        if mention.kind is MentionKind.CODE:
            return "?" in mention.sentence and _PAYING.search(mention.sentence) is not None
        if mention.kind is MentionKind.DATE:
            return _PAYING.search(mention.sentence) is not None
        return mention.kind is not MentionKind.AMOUNT or proposes(mention.sentence, mention.quote)


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
    """Our earlier words. Those of the AI count without what they only echoed of the contact."""
    if by_person:
        sources.said.read(text, due=True)
        return
    sources.said.words += "\n" + re.sub(r"\s+", " ", plain(text))
    for mention in find_mentions(text):
        echoed = sources.contact.has(mention) or _value_of(mention) in sources.contact.loose
        if echoed or hands_back(mention.sentence, {mention.quote: BORROWED}):
            continue
        if mention.kind is MentionKind.CODE:
            sources.said.squeezed += "\n" + str(mention.value)
        else:
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
