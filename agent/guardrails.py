"""Checks an outgoing message must pass before it may leave.

A broken rule is repaired once by the model, told exactly what was wrong; broken again, approved
wording leaves instead. Rules that code can put right by itself (markdown that WhatsApp shows as signs) are put right here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from agent.language import language_of
from domain.mention import Mention
from domain.mentions import find_mentions
from domain.plain_text import plain
from domain.reply import GuardVerdict, Verdict
from domain.sources import Sources
from domain.turn_context import TurnContext

MONEY_RULE: Final = "money.unsourced"
HUMAN_RULE: Final = "identity.claims_human"
HANDOFF_RULE: Final = "handoff.promised"
MESSAGE_MAX: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message before it may leave, with what it is checked against."""

    message: str
    context: TurnContext
    sources: Callable[[], Sources]
    prompt: str
    tool_names: Sequence[str]
    #: A person was asked for in this turn, or is awaited already.
    handing_over: bool
    #: A call is fixed: times may be promised.
    call_fixed: bool


def check_draft(draft: Draft) -> tuple[GuardVerdict, ...]:
    """The broken rules, each with what the model should be told; empty when it may leave."""
    return tuple(
        GuardVerdict(rule=rule, verdict=Verdict.REPAIR, detail=detail)
        for rule, check in _RULES
        if (detail := check(draft)) is not None
    )


# ---- form


def tidied(message: str) -> tuple[str, GuardVerdict | None]:
    """The message in WhatsApp's own marks: *bold*, _italic_, ~struck~, no headings, tables or links."""
    text = message
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    text = text.strip()
    if text == message:
        return message, None
    detail = "markdown trocado por texto do WhatsApp"
    return text, GuardVerdict(rule="form.markdown", verdict=Verdict.PASS, detail=detail)


_MARKDOWN: Final = (
    (re.compile(r"\*\*(.+?)\*\*", re.DOTALL), r"*\1*"),
    (re.compile(r"__(.+?)__", re.DOTALL), r"_\1_"),
    (re.compile(r"~~(.+?)~~", re.DOTALL), r"~\1~"),
    (re.compile(r"^#{1,6}\s+", re.MULTILINE), ""),
    (re.compile(r"!?\[([^\]\n]+)\]\((\S+?)\)"), r"\1: \2"),
    (re.compile(r"^\|?(?:\s*:?-{3,}:?\s*\|)+\s*:?-*:?\s*\|?\s*$\n?", re.MULTILINE), ""),
    (re.compile(r"^-{3,}\s*$\n?", re.MULTILINE), ""),
    (re.compile(r"</?(?:b|i|strong|em|p|div|span|ul|ol|li|h\d|br)\b[^>]*>", re.IGNORECASE), ""),
)


def _empty(draft: Draft) -> str | None:
    return None if draft.message.strip() else "A mensagem está vazia."


def _too_long(draft: Draft) -> str | None:
    if len(draft.message.encode("utf-16-le")) // 2 <= MESSAGE_MAX:
        return None
    return f"A mensagem passa de {MESSAGE_MAX} caracteres; escreva bem menos."


def _raw_json(draft: Draft) -> str | None:
    if draft.message.startswith("{") and '"message"' in draft.message:
        return "O objeto JSON veio incompleto ou inválido."
    return None


def _language(draft: Draft) -> str | None:
    said = language_of(draft.message)
    wanted = language_of(" ".join(m.text for m in draft.context.pending)) or "pt"
    if said is None or said in {wanted, "pt"}:
        return None
    return "A mensagem não está no idioma do cliente (na dúvida, português do Brasil)."


# ---- truth


def _money(draft: Draft) -> str | None:
    asked = (p.text for p in draft.context.pending)
    if not any(find_mentions(text, due=True) for text in (draft.message, *asked)):
        return None  # no figure said and none to say yes to: most answers end here
    unsourced = draft.sources().unsourced(draft.message, draft.context)
    if not unsourced:
        return None
    named = "; ".join(dict.fromkeys(_named(m) for m in unsourced))
    return (
        f"Sem fonte em nenhuma ferramenta: {named}. O que só o cliente disse pode ser retomado como dele "
        "(“você mencionou …”), sem concordar."
    )


def _named(mention: Mention) -> str:
    names = {
        "amount": "valor",
        "percent": "porcentagem",
        "instalments": "parcelas",
        "date": "data",
        "code": "código ou link",
    }
    return f"{names[mention.kind.value]} “{mention.quote}”"


_PERSON: Final = r"(?:atendentes?|vendedor\w*|consultor\w*|especialistas?|pessoa|equipe|colega|humano|supervisor\w*|time|alguem|gerente)"
_WILL_ACT: Final = re.compile(
    r"\b(?:vai|ira|responde\w*|liga\w*|entra\w*|retorn\w*|chama\w*|atende\w*|fala\w*|assum\w*|contat\w*)\b"
)
_PERSON_WORD: Final = re.compile(rf"\b{_PERSON}\b")
_WHEN: Final = re.compile(
    r"\b(?:em (?:ate )?\w+ (?:minut\w*|horas?|dias?|segundos?)|em (?:instantes|breve|seguida|poucos? \w+)|instantes|ja ja|agora mesmo|"
    r"imediatamente|ainda hoje|hoje|amanha|daqui a|rapidinho|minutinhos?|(?:as|ate as) \d{1,2}(?:h|:\d\d)?|\d{1,2}(?:h|:)\d{0,2})"
)
_SENTENCES: Final = re.compile(r"[^.!?\n]+[.!?]*")


def _promised_hours(draft: Draft) -> str | None:
    """A time for a person may be told only from the hours of the context, a tool, or a call that is fixed."""
    if draft.call_fixed:
        return None
    hours = plain(draft.context.conversation.hours)
    for sentence in _sentences(draft.message):
        if sentence.endswith("?") or not (
            _PERSON_WORD.search(sentence) and _WILL_ACT.search(sentence)
        ):
            continue
        unknown = [m.group() for m in _WHEN.finditer(sentence) if m.group() not in hours]
        if unknown and any(when not in draft.sources().said.words for when in unknown):
            return f"Promete quando uma pessoa responde (“{unknown[0]}”) sem que isso esteja combinado."
    return None


_HANDING: Final = re.compile(
    rf"\b(?:vou|irei|estou|ja)\s+(?:te\s+|lhe\s+|a\s+)?(?:passar|passando|transferir|transferindo|encaminhar|encaminhando|chamar|chamando|"
    rf"conectar|conectando|passei|transferi|encaminhei|chamei|pedi)\b[^.!?\n]*\b{_PERSON}\b"
)


def promises_person(message: str) -> bool:
    """The message itself says that a person is called or will answer."""
    return any(
        _HANDING.search(s) or (_PERSON_WORD.search(s) and _WILL_ACT.search(s))
        for s in _sentences(message)
        if not s.endswith("?")
    )


def _handoff_promised(draft: Draft) -> str | None:
    if draft.handing_over:
        return None
    if any(_HANDING.search(s) for s in _sentences(draft.message) if not s.endswith("?")):
        return "Diz que vai chamar uma pessoa sem ter chamado."
    return None


_HUMAN: Final = re.compile(
    r"(?<!nao )(?<!nao e que )\b(?:eu )?sou (?:um |uma )?(?:ser humano|human[oa]|pessoa|atendente human\w+|gente|homem|mulher)\b"
    r"|\b(?:nao sou|nao e|nem sou) (?:um |uma |nenhum |nenhuma )?(?:robo|bot|chatbot|ia|inteligencia artificial|assistente virtual|maquina|automatic\w+)\b"
    r"|\b(?:i am|i'm) (?:a )?(?:human|real person)\b|\b(?:i am|i'm) not (?:a |an )?(?:bot|robot|ai)\b|\bsoy (?:un |una )?(?:human[oa]|persona)\b"
)


def _claims_human(draft: Draft) -> str | None:
    if _HUMAN.search(re.sub(r"\s+", " ", plain(draft.message))):
        return "Diz ou dá a entender que é uma pessoa; você é o assistente virtual."
    return None


_INSIDE: Final = re.compile(
    r"qualification_score|next_action|</?(?:contato|contexto|assistente|revisao|equipe|sistema)\b|system prompt|prompt do sistema"
)
_PROMPT_PIECE_MIN: Final = 40


def _leak(draft: Draft) -> str | None:
    message = re.sub(r"\s+", " ", plain(draft.message))
    if _INSIDE.search(message) or any(name in message for name in draft.tool_names if "_" in name):
        return "Mostra nomes internos (ferramentas, campos ou instruções)."
    if any(piece in message for piece in _pieces(draft.prompt)):
        return "Repete as suas instruções."
    return None


@cache
def _pieces(prompt: str) -> tuple[str, ...]:
    """The prompt's longer sentences; a process has few prompts and a check in every turn."""
    return tuple(
        re.sub(r"\s+", " ", sentence).strip(" .!?-*#:;")
        for sentence in _sentences(prompt)
        if len(sentence) >= _PROMPT_PIECE_MIN
    )


def _sentences(text: str) -> tuple[str, ...]:
    return tuple(match.strip() for match in _SENTENCES.findall(plain(text)))


_RULES: Final[tuple[tuple[str, Callable[[Draft], str | None]], ...]] = (
    ("form.empty", _empty),
    ("form.too_long", _too_long),
    ("form.raw_json", _raw_json),
    ("form.language", _language),
    (MONEY_RULE, _money),
    ("handoff.hours", _promised_hours),
    (HANDOFF_RULE, _handoff_promised),
    (HUMAN_RULE, _claims_human),
    ("prompt.leak", _leak),
)
