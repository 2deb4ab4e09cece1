"""The rehearsal seller: first which tools this turn needs, then, with their results, what to say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.model.rehearsal.facts import Facts, facts_from
from sandbox.model.rehearsal.intents import Intent, intent_of, language_of, plain, sentiment_of
from sandbox.model.rehearsal.offers import Offer, offers_in, pages_in
from sandbox.model.rehearsal.reading import Situation
from sandbox.model.rehearsal.words import TOPICS, say

KNOWLEDGE_INTENTS = (
    Intent.HOURS, Intent.DELIVERY, Intent.ADDRESS, Intent.TRIAL, Intent.INVOICE, Intent.INTEGRATION, Intent.PAYMENT,
)  # fmt: skip
HANDOVER = {
    Intent.HUMAN: ("customer_asked", "normal", "human"),
    Intent.INSULT: ("anger", "high", "anger"),
    Intent.COMPLAINT: ("anger", "high", "anger"),
    Intent.DISPUTE: ("dispute", "high", "dispute"),
    Intent.CANCEL: ("cancellation", "high", "cancel"),
    Intent.SECOND_COPY: ("billing", "normal", "second_copy"),
    Intent.PAID: ("billing", "normal", "paid"),
    Intent.SUPPORT: ("support", "high", "support"),
    Intent.PRIVACY: ("privacy", "normal", "privacy"),
}
PLAIN_ANSWERS = {
    Intent.INJECTION: "injection",
    Intent.STOP: "stop",
    Intent.WRONG_PERSON: "wrong_person",
    Intent.ROBOT: "robot",
    Intent.JOB: "job",
    Intent.OFF_TOPIC: "off_topic",
    Intent.THANKS: "thanks",
    Intent.EMOJI: "emoji",
    Intent.NO: "no",
}
_WORDS_FOR_CATALOGUE = (
    "delivery", "estoque", "nota fiscal", "loja virtual", "leitor", "implantacao", "usuario adicional", "rede", "crescer",
    "inicial", "anual", "modulo", "pdv", "plano",
)  # fmt: skip
_TIME = re.compile(r"(\d{1,2}) ?(?:h|:|horas?)(\d{2})?")
_WHEN = re.compile(
    r"((?:depois de )?(?:hoje|amanh[ãa]|segunda|ter[çc]a|quarta|quinta|sexta)(?:-feira)?)?"
    r"[ ,]*(?:(?:às|as|a partir das|depois das|pelas|umas)?\s*\d{1,2} ?(?:h\d{0,2}|:\d\d| ?horas?)|de manhã|à tarde|a tarde)?",
    re.IGNORECASE,
)
_REASONS = {
    "customer_asked": "Cliente pediu uma pessoa",
    "anger": "Cliente irritado",
    "dispute": "Cliente contesta uma cobrança",
    "cancellation": "Pedido de cancelamento",
    "billing": "Assunto financeiro",
    "support": "Problema técnico",
    "privacy": "Pedido sobre dados pessoais",
    "qualified": "Cliente qualificado: necessidade, orçamento e prazo conhecidos",
}
_KINDS = {
    "customer_asked": "wish",
    "anger": "anger",
    "dispute": "dispute",
    "qualified": "qualified",
}
_DAYS = {"segunda": 0, "terca": 1, "quarta": 2, "quinta": 3, "sexta": 4, "sabado": 5, "domingo": 6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A tool to use before answering."""

    role: str
    known: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Spoken:
    message: str
    score: float
    next_action: str
    metadata: dict[str, Any] = field(default_factory=dict)


class Seller:
    """One turn. Deterministic: the same request gets the same answer."""

    def __init__(self, situation: Situation) -> None:
        self.it = situation
        texts = [*situation.before, *situation.new]
        self.facts: Facts = facts_from(texts)
        self.new_facts: Facts = facts_from(situation.new)
        self.language = language_of(situation.new) if situation.new else "pt"
        self.intent = self._intent()
        self.interested = any(intent_of(t) in (Intent.PRODUCT, Intent.SCHEDULE) for t in texts)
        self.wants_call = self.intent is Intent.SCHEDULE
        self.score = self.facts.score(interested=self.interested, wants_call=self.wants_call)
        company = str(situation.document.get("company") or "") or _company_in(situation.system)
        self.company = company.split("—")[0].strip() or "nossa empresa"

    def _intent(self) -> Intent:
        whole = intent_of(self.it.text, media=self.it.media)
        if whole in (
            Intent.UNKNOWN,
            Intent.YES,
            Intent.GREETING,
            Intent.SCHEDULE,
            Intent.THANKS,
            Intent.PRODUCT,
        ):
            asked_call = bool(self.it.said) and "ligação" in self.it.said[-1]
            hour = _TIME.search(plain(self.it.text))
            if (
                whole is Intent.SCHEDULE
                and not hour
                and self.new_facts.known
                and not _explicit_call(self.it.text)
            ):
                return Intent.QUALIFIES
            if whole in (Intent.UNKNOWN, Intent.YES) and asked_call and hour:
                return Intent.SCHEDULE
            if (
                whole is not Intent.SCHEDULE
                and self.new_facts.known
                and not (whole is Intent.PRODUCT and not self.new_facts.need)
            ):
                return Intent.QUALIFIES
        return whole

    # -- tools

    def wishes(self) -> list[Wish]:
        """Tools in the order of use; the caller drops those it does not have or has used."""
        wanted: list[Wish] = []
        if self.it.first_contact:
            wanted.append(Wish(role="contact", known={"query": self.it.name, "name": self.it.name}))
        if self.intent in (Intent.PRODUCT, Intent.DISCOUNT) or self._offers_due():
            wanted.append(
                Wish(role="catalogue", known={"query": self._catalogue_query(), "limit": 5})
            )
        topic = TOPICS.get(self.intent.value)
        if topic is not None:
            wanted.append(Wish(role="knowledge", known={"query": topic, "limit": 3}))
        if self.intent is Intent.QUALIFIES and self.new_facts.known:
            note = f"Lead informou: {self.it.text[:300]}"
            wanted.append(Wish(role="note", known={"summary": note, "subject": "Qualificação"}))
        if self.intent in (Intent.STOP, Intent.WRONG_PERSON, Intent.JOB):
            wanted.append(
                Wish(role="note", known={"summary": f"Cliente disse: {self.it.text[:300]}"})
            )
        if self.intent is Intent.SCHEDULE and (at := self.call_time()) is not None:
            wanted.append(Wish(role="schedule", known=_when(at, self.it.text)))
        if (reason := self._handover_reason()) is not None:
            wanted.append(Wish(role="hand_over", known=self._handover_known(reason)))
        return wanted

    def _offers_due(self) -> bool:
        if self.intent is Intent.QUALIFIES and self.new_facts.need:
            return not any("R$" in said for said in self.it.said)
        return self.intent is Intent.YES and not self.facts.need

    def _catalogue_query(self) -> str:
        folded = plain(self.it.text)
        for word in _WORDS_FOR_CATALOGUE:
            if word in folded:
                return {
                    "implantacao": "implantação",
                    "usuario adicional": "usuário",
                    "modulo": "módulo",
                }.get(word, word)
        return "plano"

    def _handover_reason(self) -> tuple[str, str] | None:
        if self.intent in HANDOVER:
            reason, priority, _ = HANDOVER[self.intent]
            return (reason, priority)
        if self.intent is Intent.YES and self.it.said and _offered_person(self.it.said[-1]):
            return ("customer_asked", "normal")
        if self._just_qualified():
            return ("qualified", "normal")
        return None

    def _just_qualified(self) -> bool:
        """Need, budget and timing are known, and nobody was told yet."""
        if self.score <= 0.8 or self.intent not in (
            Intent.QUALIFIES,
            Intent.SCHEDULE,
            Intent.YES,
            Intent.PRODUCT,
        ):
            return False
        conversation = self.it.document.get("conversation")
        queued = isinstance(conversation, dict) and conversation.get("handoff")
        return not queued and say("qualified", self.language) not in "\n".join(self.it.said)

    def _handover_known(self, reason: tuple[str, str]) -> dict[str, Any]:
        summary = f"Cliente: {self.it.text[:240]}"
        if self.facts.need_words:
            summary += f" | Necessidade: {self.facts.need_words}"
        return {
            "reason": f"{_REASONS[reason[0]]}: {self.it.text[:200]}",
            "kind": _KINDS.get(reason[0], "complexity"),
            "priority": reason[1],
            "summary": summary,
            "score": self.score,
        }

    def call_time(self) -> datetime | None:
        """The moment the customer named, in the document's zone; None when no hour was said."""
        folded = plain(self.it.text)
        hour = _TIME.search(folded)
        if hour is None or not 0 <= int(hour[1]) <= 23:
            return None
        now = _now_of(self.it.document)
        day = now
        if "amanha" in folded:
            day = now + timedelta(days=2 if "depois de amanha" in folded else 1)
        else:
            for word, weekday in _DAYS.items():
                if word in folded:
                    day = now + timedelta(days=(weekday - now.weekday()) % 7 or 7)
        at = day.replace(hour=int(hour[1]), minute=int(hour[2] or 0), second=0, microsecond=0)
        return at if at > now else at + timedelta(days=1)

    # -- words

    def speak(self) -> Spoken:
        """The answer, once every wanted tool was used."""
        message, action = self._message()
        if self.it.correction:
            message = say("checked", self.language)
        if self.it.said and plain(message) == plain(self.it.said[-1]):
            message, action = say("again", self.language), "continue"
        if self.it.first_contact and self.intent not in (Intent.INSULT, Intent.STOP):
            name = f", {self.it.name}" if self.it.name else ""
            message = say("greet", self.language, name=name, company=self.company) + "\n" + message
        metadata = {
            "intent": self.intent.value,
            "language": self.language,
            "sentiment": sentiment_of(self.intent, self.it.text),
            "need": self.facts.need_words,
            "budget": self.facts.budget_words,
            "timing": self.facts.timing_words,
            "rehearsal": True,
        }
        return Spoken(message=message, score=self.score, next_action=action, metadata=metadata)

    def _message(self) -> tuple[str, str]:
        intent, language = self.intent, self.language
        if intent in HANDOVER:
            return say(HANDOVER[intent][2], language, fact=self._fact()), "handoff"
        if intent in PLAIN_ANSWERS:
            action = "close" if intent in (Intent.STOP, Intent.WRONG_PERSON) else "continue"
            return say(PLAIN_ANSWERS[intent], language, company=self.company), action
        if intent in KNOWLEDGE_INTENTS:
            fact = self._fact()
            if not fact:
                return say("fact_missing", language), "continue"
            return fact.strip() + "\n\n" + say("fact_more", language), "continue"
        if intent is Intent.MEDIA:
            key = self.it.media if self.it.media in ("image", "audio") else "file"
            return say(key, language), "continue"
        return self._sales_message()

    def _sales_message(self) -> tuple[str, str]:
        intent, language = self.intent, self.language
        if intent is Intent.SCHEDULE:
            return self._schedule_message()
        if intent in (Intent.TRUST, Intent.DISCOUNT):
            return say(intent.value, language, fact=self._fact()), "continue"
        if intent is Intent.YES and self.it.said and _offered_person(self.it.said[-1]):
            return say("human", language), "handoff"
        if intent is Intent.GREETING:
            return say("ask_need", language), "continue"
        if intent in (Intent.PRODUCT, Intent.QUALIFIES, Intent.YES):
            return self._offer_message()
        return say("unknown", language), "continue"

    def _offer_message(self) -> tuple[str, str]:
        language = self.language
        if self._just_qualified():
            return say("qualified", language), "handoff"
        parts = [say("understood", language)] if self.intent is Intent.QUALIFIES else []
        offers = self._offers()
        if offers:
            parts.append(say("offers", language) + "\n" + "\n".join(o.line() for o in offers[:3]))
        elif self.intent is Intent.PRODUCT:
            return say("no_offers", language), "continue"
        parts.append(self._next_question(priced=bool(offers)))
        return "\n\n".join(parts), "continue"

    def _next_question(self, *, priced: bool) -> str:
        if not self.facts.need:
            return say("ask_need", self.language)
        if not self.facts.budget:
            return say(
                "ask_budget"
                if priced or any("R$" in t for t in self.it.said)
                else "ask_budget_plain",
                self.language,
            )
        if not self.facts.timing:
            return say("ask_timing", self.language)
        return say("ask_call", self.language)

    def _schedule_message(self) -> tuple[str, str]:
        if self.call_time() is None:
            return say("ask_when", self.language), "continue"
        tried = [u for u in self.it.used if re.search(r"schedul|agend|book", u.name)]
        if not tried or tried[-1].failed or _refused(tried[-1].output):
            return say("schedule_failed", self.language), "continue"
        output = tried[-1].output
        told = output.get("when") if isinstance(output, dict) else None
        words = (m[0].strip(" ,") for m in _WHEN.finditer(self.it.text) if re.search(r"\d", m[0]))
        when = str(told or next(words, ""))
        action = "handoff" if self._just_qualified() else "schedule"
        return say("scheduled", self.language, when=when or "o horário que você pediu"), action

    def _fact(self) -> str:
        """The page of knowledge nearest to the topic among this turn's results, verbatim."""
        pages = [p for used in self.it.used if not used.failed for p in pages_in(used.output)]
        words = [w for w in plain(TOPICS.get(self.intent.value, "")).split() if len(w) > 3]
        ranked = sorted(pages, key=lambda p: -sum(w in plain(p) for w in words))
        return ranked[0].split("\n", 1)[-1][:600].strip() + " " if ranked else ""

    def _offers(self) -> list[Offer]:
        found = [o for used in self.it.used if not used.failed for o in offers_in(used.output)]
        asked = [
            o
            for o in found
            if any(w in plain(self.it.text) for w in plain(o.name).split() if len(w) > 5)
        ]
        return asked or found


def _offered_person(said: str) -> bool:
    return bool(re.search(r"(uma pessoa|a person|una persona)[^?]*\?|chamá-la\?", said))


def _explicit_call(text: str) -> bool:
    return bool(re.search(r"agend|marcar|lig(a|ue|ar|acao|ação)\b|call|reuni|llamada", plain(text)))


def _refused(output: Any) -> bool:
    return isinstance(output, dict) and (output.get("ok") is False or bool(output.get("error")))


def _when(at: datetime, text: str) -> dict[str, Any]:
    return {
        "at": at.isoformat(),
        "date": at.date().isoformat(),
        "subject": "Ligação de vendas",
        "summary": f"Cliente pediu: {text[:200]}",
        "duration_minutes": 30,
    }


def _now_of(document: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(document.get("now")))
    except ValueError:
        return datetime.now().astimezone()


def _company_in(system: str) -> str:
    match = re.search(r"\b(Mercante Demo|Vitrine)\b", system)
    return match[1] if match else ""
