"""SYNTHETIC: how people type on WhatsApp in Brazil, as assumed here; no recording of anybody.

Words: scripts written by hand, the way sellers see them: a greeting alone, a clause broken off, the
question at the end; six in ten are sent without their closing marks. How many fragments a burst has
follows from the scripts (mostly one to four). Pauses between two fragments, in seconds: a person's
own pace (lognormal, median 1.9, sigma 0.35) times the chance of the moment (lognormal, median 1,
sigma 0.35) times the length of what is typed next (0.6 for nothing, 1 for 14 characters, 1.8 at
most). So about seven in ten pauses are between 1 and 3 s, and one in twenty is above 4.5 s. Webhooks
take 0.05 to 0.4 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Final

PACE_S: Final = 1.9
_SIGMA: Final = 0.35
_UNMARKED: Final = 0.6
WEBHOOK_S: Final = (0.05, 0.4)

SCRIPTS: Final = (
    ("Quanto custa o plano de 500 mega?",),
    ("Boa tarde, gostaria de saber o valor da instalação.",),
    ("Vocês atendem no bairro Floresta?",),
    ("quero cancelar meu plano",),
    ("Qual o prazo de entrega?",),
    ("oi",),
    ("Bom dia!",),
    ("ok, pode fechar",),
    ("Obrigada!",),
    ("Tem desconto à vista?",),
    ("Preciso da segunda via do boleto, por favor.",),
    ("sim",),
    ("pode ser amanhã às 10h?",),
    ("Não recebi o código de rastreio.",),
    ("vocês têm loja física?",),
    ("manda o link do catálogo",),
    ("Quero o plano anual.",),
    ("oi", "quanto custa o plano de 500?"),
    ("bom dia", "vocês entregam em Contagem?"),
    ("Boa tarde", "queria ver o preço do roteador."),
    ("oi tudo bem?", "ainda tem aquele celular?"),
    ("quero o plano de 500", "com roteador incluso?"),
    ("meu pedido não chegou", "já faz 10 dias"),
    ("pode ser no boleto?", "ou só cartão"),
    ("qual o valor", "do plano família?"),
    ("fechado", "me manda o contrato"),
    ("não entendi", "esse valor é por mês?"),
    ("oi", "bom dia", "queria saber do plano de 300"),
    ("olá", "tenho uma padaria", "preciso de internet pra loja."),
    ("boa noite", "eu vi o anúncio", "ainda está valendo?"),
    ("oi", "sou a Carla", "falei com vocês ontem sobre o orçamento"),
    ("queria saber", "se vocês parcelam", "em quantas vezes?"),
    ("então", "eu pensei melhor", "vou querer o anual"),
    ("tenho interesse", "mas achei caro", "tem como melhorar?"),
    ("estou sem internet", "desde ontem", "podem mandar alguém?"),
    ("oi", "uma dúvida", "a instalação é grátis", "ou paga por fora?"),
    ("bom dia", "meu nome é João", "sou de Betim", "vocês atendem aqui?"),
    ("oi", "é sobre o boleto", "venceu sexta", "dá pra pagar sem juros?"),
    ("olha", "eu quero", "dois roteadores", "e um repetidor."),
    ("gente", "alguém pode me ajudar", "comprei semana passada", "e veio errado"),
    ("oi", "tudo bem?", "seguinte", "quero trocar de plano", "pro de 700 mega"),
    ("boa tarde", "vi no instagram", "o kit de câmeras", "tem a pronta entrega", "e quanto fica?"),
    ("oi", "então", "minha loja é pequena", "umas 3 máquinas", "uso pouco", "qual plano serve?"),
)
#: How much more often a script of that many fragments is drawn than its share of the list.
_WEIGHT: Final = {1: 1.3, 2: 1.4, 3: 1.1, 4: 1.0, 5: 0.9, 6: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What one person sends in a row: (seconds after the first, text)."""

    fragments: tuple[tuple[float, str], ...]


def bursts(count: int, *, seed: int, pace_s: float = PACE_S) -> list[Burst]:
    dice = Random(seed)
    weights = [_WEIGHT[len(script)] for script in SCRIPTS]
    return [_burst(dice, dice.choices(SCRIPTS, weights)[0], pace_s) for _ in range(count)]


def _burst(dice: Random, script: tuple[str, ...], pace_s: float) -> Burst:
    own = dice.lognormvariate(math.log(pace_s), _SIGMA)
    unmarked = dice.random() < _UNMARKED
    at, fragments = 0.0, []
    for place, text in enumerate(script):
        if place:
            length = min(0.6 + 0.4 * len(text) / 14, 1.8)
            at += own * dice.lognormvariate(0, _SIGMA) * length
        fragments.append((at, text.rstrip(".?!") if unmarked else text))
    return Burst(fragments=tuple(fragments))
