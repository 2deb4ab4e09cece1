"""What is known for a sale: need, budget, timing; and the score that follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.model.rehearsal.intents import plain

_NEED = re.compile(
    r"tenho (um|uma|dois|duas|\d+)|minha (loja|padaria|empresa|papelaria|farmacia|oficina)|meu (mercad\w*|negocio|comercio|restaurante|bar|pet ?shop|bazar|salao|emporio)"
    r"|trabalho com|controlar|controle de|organizar|emitir|preciso (de|que|vender|controlar|emitir)|para (minha|meu|uma|um) "
    r"|padaria|mercadinho|mercearia|papelaria|farmacia|restaurante|lanchonete|pet ?shop|oficina|loja de|estoque|nota fiscal|frente de caixa|caixa"
    r"|i (have|own|run) a|my (store|shop|business)|tengo una? |mi (tienda|negocio)"
)
_BUDGET = re.compile(
    r"r\$ ?\d|\d+ ?(reais|conto)|ate (uns )?\d{2,5}\b|orcamento|posso pagar|pago hoje|cabe no|dentro do (meu )?orcamento|consigo pagar|budget|presupuesto"
    r"|esse (valor|preco) (ta|esta|e) (bom|ok|otimo|tranquilo)|(valor|preco) (ta )?(ok|bom|tranquilo|otimo)|gostei do (preco|valor)"
)
_TIMING = re.compile(
    r"\b(hoje|urgente|(?:pra|para|comecar|quero|preciso) (?:ja|agora)|o quanto antes|imediat\w*|amanha|ess[ae] (semana|mes)|est[ae] (semana|mes)|proxim[ao] (semana|mes)|semana que vem|mes que vem"
    r"|comec[oa]r? (em|no|ja)|ate o fim do|daqui a|em \d+ (dias|semanas|meses)|janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro"
    r"|novembro|dezembro|this (week|month)|next (week|month)|right away|asap|esta semana|proxima semana|cuanto antes)\b"
)
_GREETING_TIME = re.compile(r"tudo bem( hoje)?|bom dia|ate agora")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    need: bool
    budget: bool
    timing: bool
    need_words: str
    budget_words: str = ""
    timing_words: str = ""

    @property
    def known(self) -> int:
        return self.need + self.budget + self.timing

    def score(self, *, interested: bool, wants_call: bool) -> float:
        """0.1 for a hello; 0.87 with need, budget and timing; never above 0.95."""
        value = 0.1 + 0.22 * self.known + (0.11 if interested else 0) + (0.08 if wants_call else 0)
        return round(min(0.95, value), 2)


def facts_from(texts: list[str]) -> Facts:
    """From everything the customer wrote."""
    folded = [_GREETING_TIME.sub(" ", plain(t)) for t in texts]
    words = {
        name: next((texts[i].strip()[:200] for i, t in enumerate(folded) if pattern.search(t)), "")
        for name, pattern in (("need", _NEED), ("budget", _BUDGET), ("timing", _TIMING))
    }
    return Facts(
        need=bool(words["need"]),
        budget=bool(words["budget"]),
        timing=bool(words["timing"]),
        need_words=words["need"],
        budget_words=words["budget"],
        timing_words=words["timing"],
    )
