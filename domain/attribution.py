"""Whether a sentence hands a figure back to the contact who wrote it, and asserts nothing of ours with it.

A closed grammar over plain text in which figures are marks: BORROWED (only the contact wrote it) or
OURS (it has a source). A clause with a borrowed figure must be, from end to end, one of the shapes
below; a word that no shape knows blocks it. So a false alarm is possible and costs a repair; a price
that the contact dictates is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from domain.plain_text import plain

BORROWED: Final = "#"
OURS: Final = "§"

# ---- words

_HEARD_WORD: Final = r"(?:entendi|entendo|certo|anotei|anotado|registrei|registrado|vi|percebi|lembro|sei|compreendi)"
_HEARD: Final = rf"(?:{_HEARD_WORD}\s(?:aqui\s)?(?:que\s)?(?::\s)?)"
_ASIDE: Final = (
    rf"(?:{_HEARD}|(?:oi|ola|ah|bom|bem|olha|e|eu|aqui|perfeito|otimo|legal|obrigad[oa]|desculpe|confirmando|so|para|pra|"
    r"se|quando|era|seria|foi)\s)*"
)
_SAID: Final = (
    r"(?:disse|falou|mencionou|citou|comentou|informou|contou|escreveu|perguntou|pediu|propos|sugeriu|queria|quer|"
    r"gostaria|pretende|pretendia|pensa|pensou|pensava|imaginou|imaginava|esta pensando|estava pensando|"
    r"tem (?:um |uma )?(?:orcamento|limite|teto|verba))"
)
_BUDGET: Final = r"(?:orcamento|teto|limite|verba)"
_BELONGING: Final = r"(?:email|cnpj|cpf|cep|telefone|celular|numero|whatsapp|contato|site|evento|aniversario|casamento|viagem)"
_ELSEWHERE: Final = (
    r"(?:(?:o|a|no|na|do|da|seu|sua|um|uma|outro|outra)\s)?"
    r"(?:concorrente|concorrencia|(?:plano|sistema|fornecedor|contrato|operadora|programa) atual)"
)
#: What may stand around a borrowed figure: it counts, joins and points, and promises nothing.
_FILLER: Final = (
    r"(?:o|a|os|as|um|uma|uns|umas|e|ou|de|do|da|dos|das|em|no|na|nos|nas|por|pelo|pela|para|pra|com|sem|ate|entre|que|se|sobre|"
    r"seu|sua|mais|menos|cerca|aproximadamente|torno|volta|faixa|maximo|minimo|valor|preco|desconto|orcamento|limite|teto|verba|"
    r"proposta|parcelas?|parcelamento|parcelado|parcelar|vezes|juros|entrada|mes|mensa(?:l|is)|ano|anua(?:l|is)|vista|pix|cartao|"
    r"boleto|cada|usuario|pagar|pagando|pagaria|gastar|investir|receber|comprar|fazer|fechar|marcar|dia|vencimento|loja|empresa|"
    r"padaria|casa|projeto|sistema|plano|concorrente|site|anuncio|internet|la|ali|aqui|antes|hoje|ontem|agora|esse|essa|"
    r"ja|tambem|me|nos|pode|podia|poderia|mudar|vencer|:|#|§)"
)
_FILLERS: Final = rf"(?:\s{_FILLER})*"
_UNIT: Final = (
    r"(?:\s(?:por|no|na|ao|a|o|de|em|mes|ano|mensa(?:l|is)|anua(?:l|is)|maximo|total|vista))*"
)

_REFUSING: Final = (
    r"(?:nao|nem)\s(?:consigo|posso|podemos|conseguimos|temos|tenho|encontrei|achei|localizei|confirmo|ha|existe|vejo|vi|"
    r"trabalhamos com|chegamos|chego|fazemos|faco|oferecemos|ofereco|damos|dou|da para|da pra|e possivel|tem como)"
)
_REFUSED: Final = (
    r"(?:fazer|oferecer|chegar|confirmar|dar|conceder|garantir|parcelar|prometer|fechar|aplicar|baixar|vender|aceitar|um|uma|o|a|os|as|"
    r"nosso|nossa|nada|esse|essa|esses|essas|este|plano|produto|pacote|opcao|condicao|parcelamento|desconto|valor|preco|de|do|da|em|por|"
    r"para|pra|com|no|na|catalogo|aqui|sistema|mes|ano|mensa(?:l|is)|vezes|vista|pix|cartao|boleto|voce|hoje|vencimento|dia|#)"
)
_PEOPLE: Final = r"(?:(?:o|a|uma|um|nossa|nosso)\s)?(?:equipe|pessoa(?: da (?:nossa )?equipe)?|time|gerente|supervisor(?:a)?|financeiro|comercial)"

# ---- shapes: each fits a whole clause

_SHAPES: Final = tuple(
    re.compile(shape)
    for shape in (
        # "voce mencionou # por mes", "entendi que voce quer pagar #"
        rf"{_ASIDE}voces?\s(?:(?:me|nos|ja|tambem|so|mesmo|tinha)\s)*{_SAID}{_FILLERS}",
        # "com o seu orcamento de #", "entendi seu orcamento e de #"
        rf"{_ASIDE}(?:(?:o|do|no|ao|com|pelo|sobre|dentro|esse|nesse)\s)*seu\s{_BUDGET}(?:\smensal)?(?:\s(?:de|ate|:))+\s#{_UNIT}",
        rf"(?:{_HEARD})+(?:(?:o|de)\s)*(?:seu\s)?{_BUDGET}{_FILLERS}",
        # "anotei o seu email #"
        rf"{_ASIDE}(?:(?:o|a|no|na|do|da|com|sobre|para|pra)\s)*(?:seu|sua)\s{_BELONGING}(?:\s(?:e|de|do|da|no|na|dia|em|:))*\s#",
        # "sobre os #", "quanto ao desconto de #"
        (
            rf"(?:(?:e|agora)\s)?(?:sobre|quanto)\s(?:(?:o|os|a|as|ao|aos|esse|esses|seu|sua|valor|desconto|pedido|parcelamento|prazo|proposta|"
            rf"de|em)\s)*#{_UNIT}"
        ),
        # "nao consigo fazer por #", "por # eu nao consigo"
        rf"(?:(?:infelizmente|eu|aqui|ainda|hoje|e)\s)*{_REFUSING}(?:\s{_REFUSED})*",
        (
            rf"(?:(?:o|a|um|esse|este|por|em|com|valor|preco|desconto|parcelamento|de)\s)*#{_UNIT}\s(?:(?:infelizmente|eu|ainda|ja)\s)*{_REFUSING}"
            rf"(?:\s{_REFUSED})*"
        ),
        # "preciso confirmar os # com a equipe", "quem avalia desconto de # e uma pessoa da equipe"
        (
            rf"(?:(?:eu|mas|entao|antes)\s)*(?:preciso|vou|precisamos|vamos)\s(?:confirmar|verificar|conferir|consultar)\s"
            rf"(?:(?:o|os|a|as|esse|esses|valor|desconto|parcelamento|pedido|prazo|de|em|dia)\s)*#{_UNIT}\scom\s{_PEOPLE}"
        ),
        rf"quem\s(?:avalia|decide|aprova|define|confirma)\s(?:(?:o|os|um|esse|desconto|valor|parcelamento|prazo|de|em)\s)*#{_UNIT}\se\s{_PEOPLE}",
        # "o concorrente cobra #"
        rf"{_ASIDE}(?:voces?\s{_SAID}\s(?:que\s)?)?{_ELSEWHERE}\s(?:cobra|faz|oferece|pede|custa|sai)(?:\s(?:por|a|em))?\s#{_UNIT}",
    )
)

_JOINS: Final = re.compile(
    r"[,;.!?\n]|:(?!\s*#)|\s[-–—]+\s|\b(?:mas|porem|entao|porque|pois|so que|enquanto)\b"
    r"|\be\s(?=(?:o|a|os|as|nosso|nossa|por|eu|aqui)\b)"
)
_HEARD_FIRST: Final = re.compile(rf"^\W*({_HEARD_WORD})\s?[,!.]+\s?")
#: A clause of our own that would complete the thought: it needs a figure of ours beside it.
_OWN_CLAIM: Final = re.compile(
    r"(?<!nao )(?<!nem )\b(?:custa\w*|sa(?:i|em)|fica|ficam|faco|faz(?:emos)?|temos|tenho|cobr(?:o|amos)|vale|dou|damos|cabe\w*|atende|"
    r"serve|encaixa|consigo|conseguimos|indico|recomendo|da (?:sim|certo|para|pra))\b"
)


def hands_back(sentence: str, marks: Mapping[str, str]) -> bool:
    """Every borrowed figure of the sentence stands in a clause that gives it to the contact.

    `sentence` is plain; `marks` says for each quoted figure in it BORROWED or OURS.
    """
    clauses = list(_clauses(_marked(sentence, marks)))
    borrowed = [clause for clause in clauses if BORROWED in clause]
    if not borrowed or not all(any(s.fullmatch(c) for s in _SHAPES) for c in borrowed):
        return False
    if sentence.rstrip().endswith("?") and any(re.search(_REFUSING, c) for c in borrowed):
        return False  # "não posso fazer por 50?" offers it
    others = [clause for clause in clauses if BORROWED not in clause and OURS not in clause]
    return not any(_OWN_CLAIM.search(clause) for clause in others)


def _marked(sentence: str, marks: Mapping[str, str]) -> str:
    quotes = sorted(filter(None, marks), key=len, reverse=True)
    figures = "|".join(re.escape(quote) for quote in quotes)
    if not figures:
        return sentence
    whole = re.compile(rf"(?<![\w$])(?<!\d[.,])(?:{figures})(?!\w)(?![.,]\d)")
    return whole.sub(lambda match: f" {marks[match.group()]} ", sentence)


def _clauses(marked: str) -> Iterable[str]:
    text = marked.replace("e-mail", "email")
    text = _HEARD_FIRST.sub(r"\1 ", text)
    for part in _JOINS.split(text):
        words = re.sub(
            r"\s+", " ", re.sub(r"[^a-z0-9#§:\s]", " ", part.replace(":", " : "))
        ).strip()
        words = re.sub(r"^(?:e|:) | (?:e|:)$", "", words)
        if words:
            yield words


# ---- assent: a yes to a figure that need not be repeated

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
    r"(?:deixa|deixe) comigo|(?:ta|esta) (?:feito|certo)|(?:a gente|nos|eu) (?:tambem|cobr\w+|faz\w*|fech\w+|top\w+|igual\w+|aceit\w+))\b"
)
_BY_THAT: Final = re.compile(
    r"\b(?:(?:por|nesse|neste|nessa|nesta|esse|este|essa|esta|nesses|desse)s? (?:mesm[oa] )?(?:valor|preco|desconto|parcelamento|prazo|"
    r"condic\w+|data|quantia)|(?:sai|fica|custa|faco|fazemos|fecha\w*) (?:por )?(?:isso|nisso|assim))\b"
)
_DEFERRED: Final = re.compile(
    r"\b(?:nao|nem|confirmar|verificar|conferir|consultar|avaliar?|precisa|sobre|quanto a|outr[oa]|duvida)\b"
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
        if any(_ONLY_YES.fullmatch(clause) for clause in _clauses(sentence)):
            return True
    return False


_PROPOSING: Final = re.compile(
    r"\b(?:faz|fazem|fizer(?:em)?|faria|fecha|fecho|fechamos|fechado|consegu\w+|aceita\w*|topa\w*|libera\w*|deixa\w*|da para|"
    r"da pra|me da|baixa\w*|pode ser|rola|combinado)\b"
)


def proposes(sentence: str, figure: str) -> bool:
    """The contact's sentence (plain) asks for the figure it names: "50?", "fecho agora se fizer por 50"."""
    asked = rf"{re.escape(figure)}[^,;.!?]*\?"
    return _PROPOSING.search(sentence) is not None or re.search(asked, sentence) is not None
