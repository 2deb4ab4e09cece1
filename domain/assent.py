"""Whether a message says yes to what the contact proposed, without having to name the figure.

"Faz por 50?", "Fechado!": no figure of ours stands there, and yet a price was granted. A proposal may only
be answered at a distance: refused, passed to a person, or with a figure of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from domain.attribution import BORROWED, clauses_of
from domain.plain_text import plain

_NOT: Final = r"(?<!nao )(?<!se )(?<!nem )(?<!ser )(?<!quem )(?<!precisa ser )"
_YES: Final = re.compile(
    _NOT
    + r"\b(?:fechad[oa]s?|fechamos|fecho|fechei|combinad[oa]s?|top(?:o|amos|ado)|aceit(?:o|ei)|"
    r"aceitamos(?= (?:sim|sua|a sua|essa|esse|o valor|a proposta|#))|aprovad[oa]s?|concedid[oa]s?|conced(?:o|emos)|liberad[oa]s?|"
    r"liber(?:o|amos|ei)|garant(?:o|ido|ida|imos)|(?:negocio|trato) feito|(?:ta|esta) valendo|cubro|cobrimos|igual(?:o|amos)|"
    r"(?:consigo|conseguimos|posso|podemos|vou|vamos|da para|da pra) (?:(?:sim|te|lhe|voce) )*"
    r"(?:fazer|dar|oferecer|manter|liberar|conceder|baixar|chegar|fechar|aplicar|reduzir|cobrir|deixar)|"
    r"(?:vou|vamos|ja|estou|posso) (?:\w+ )?(?:prepar|emit|ger|mand|envi|mont|separ)\w+ (?:\w+ ){0,2}"
    r"(?:contrato|boleto|link|pix|cobranca|pedido|fatura|assinatura)|pode (?:assinar|pagar|mandar|transferir)|deixei (?:assim|registrado)|"
    r"(?:aprov|liber|autoriz|aceit|top|concord)ou|mas (?:\w+ ){0,3}(?:tudo bem|ok|pode ser|faco|consigo sim)|"
    r"(?:deixa|deixe) comigo|(?:ta|esta) (?:feito|certo)|(?:a gente|nos|eu) (?:tambem|cobr\w+|faz\w*|fech\w+|top\w+|igual\w+|aceit\w+))\b"
)
_BY_THAT: Final = re.compile(
    r"\b(?:(?:por|nesse|neste|nessa|nesta|esse|este|essa|esta|nesses|desse)s? (?:mesm[oa] )?(?:valor|preco|desconto|parcelamento|prazo|"
    r"condic\w+|data|quantia)|"
    r"(?:sai\w*|fica\w*|custa\w*|faco|faz\w*|fecha\w*) (?:por )?(?:isso|nisso|assim)|(?:pel)?o que (?:voce )?(?:pediu|disse|queria)|"
    r"sua (?:oferta|proposta))\b"
)
_DEFERRED: Final = re.compile(
    r"\b(?:nao|nem|confirmar|verificar|conferir|consultar|passar|avaliar?|analisar|precisa|sobre|quanto a|outr[oa]|duvida)\b"
)
_ONLY_YES: Final = re.compile(
    r"(?:(?:sim|ok|okay|pode(?: ser| sim| pagar| fazer)?|podemos(?: sim)?|claro(?: que (?:sim|pode|da|consigo))?|com certeza|feito|beleza|"
    r"consigo(?: sim)?|conseguimos(?: sim)?|da sim|da|faco(?: sim)?|fazemos(?: sim)?|sem problemas?|nao tem problema|tranquilo|"
    r"pode deixar|aceitamos(?: sim)?|fica assim|esta bem|ta bom|isso mesmo|maravilha fechado|por mim ok|vamos nessa|bora)(?: |$))+"
)


def assents(message: str) -> bool:
    """The message says yes to something: "fechado", "consigo fazer", "pode sim", "por esse valor"."""
    text = re.sub(r"[*_~\"'“”]", "", plain(message))
    if not re.search(r"[a-z]", text):
        return True  # a thumb up is a yes
    for sentence in re.split(r"(?<=[.!?\n])\s*", text):
        if _YES.search(sentence):
            return True
        if _BY_THAT.search(sentence) and not _DEFERRED.search(sentence):
            return True
        if sentence.rstrip().endswith("?"):
            continue
        if any(_ONLY_YES.fullmatch(clause) for clause in clauses_of(sentence, {})):
            return True
    return False


_PROPOSING: Final = re.compile(
    r"\b(?:faz|fazem|fizer(?:em)?|faria|fecha|fecho|fechamos|fechado|consegu\w+|aceita\w*|topa\w*|libera\w*|deixa\w*|da para|"
    r"da pra|me da|baixa\w*|pode ser|rola|combinado)\b"
)


_OF_OTHERS: Final = re.compile(r"\bconcorren\w+(?!.*\b(?:cobre\w*|igual\w*|mesmo)\b)")


def proposes(sentence: str, figure: str) -> bool:
    """The contact's sentence (plain) asks for the figure it names: "50?", "fecho agora se fizer por 50"."""
    if re.search(rf"{re.escape(figure)}[^,;.!?]*\?", sentence):
        return True
    return _PROPOSING.search(sentence) is not None and not _OF_OTHERS.search(sentence)


# ---- distance

_REFUSES: Final = re.compile(
    r"\b(?:nao|nem|infelizmente)\b(?![^.!?]*\bproblem)[^.!?]{0,40}\b(?:consigo|posso|podemos|conseguimos|temos|tenho|encontrei|achei|"
    r"localizei|da|possivel|disponivel|parcelamos|fazemos|trabalhamos|oferecemos|existe|ha|sei|confirm\w+|mud\w+)\b"
)
_PASSES_ON: Final = re.compile(
    r"\b(?:equipe|pessoa|gerente|supervisor\w*|alguem|consultor\w*|vendedor\w*|atendente|colega|time|financeiro|comercial|responsavel)\b"
)
_COURTESY: Final = frozenset(
    [
        "entendi",
        "entendo",
        "certo",
        "perfeito",
        "otimo",
        "otima",
        "legal",
        "bacana",
        "show",
        "obrigado",
        "obrigada",
        "anotado",
        "anotei",
        "registrado",
        "registrei",
        "que",
        "bom",
        "boa",
        "interessante",
        "oi",
        "ola",
        "dia",
        "tarde",
        "noite",
        "por",
        "pela",
        "contar",
        "informar",
        "compartilhar",
        "responder",
        "informacao",
        "resposta",
        "muito",
        "parabens",
        "aqui",
        "ja",
        "e",
    ]
)


def keeps_distance(message: str) -> bool:
    """It refuses, or leaves the decision to a person."""
    text = plain(message)
    return _REFUSES.search(text) is not None or _PASSES_ON.search(text) is not None


def adds_nothing(sentence: str, marks: Mapping[str, str], name: str) -> bool:
    """Beside what it hands back, the plain sentence only asks, thanks or greets; `name` is the contact's."""
    if sentence.rstrip().endswith("?"):
        return True
    known = _COURTESY | set(plain(name).split())
    clauses = (c for c in clauses_of(sentence, marks) if BORROWED not in c)
    return all(set(clause.split()) <= known for clause in clauses)
