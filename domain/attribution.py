"""Whether a sentence hands a figure back to the contact who wrote it, and asserts nothing of ours with it.

A closed grammar over plain text in which figures are marks: BORROWED (only the contact wrote it) or
OURS (it has a source). A clause with a borrowed figure must be, from end to end, one of the shapes
below; a word that no shape knows blocks it. So a false alarm is possible and costs a repair; a price
that the contact dictates is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

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
    r"viu(?! que)|gostaria|prefere|pretende|pretendia|pensa|pensou|pensava|imaginou|imaginava|esta pensando|estava pensando|"
    r"tem (?:um |uma )?(?:orcamento|limite|teto|verba))"
)
_THANKS: Final = (
    r"(?:obrigad[oa]\s(?:por|pela)\s(?:compartilhar|informar|contar|dizer|mandar|enviar)\s)"
)
_BUDGET: Final = r"(?:orcamento|teto|limite|verba)"
_BELONGING: Final = r"(?:email|cnpj|cpf|cep|telefone|celular|numero|whatsapp|contato|site|evento|aniversario|casamento|viagem)"
_ELSEWHERE: Final = (
    r"(?:(?:o|a|no|na|do|da|seu|sua|um|uma|outro|outra)\s)?"
    r"(?:concorrente|concorrencia)"
)
#: What may stand around a borrowed figure: it counts, joins and points, and promises nothing.
_FILLER: Final = (
    r"(?:o|a|os|as|um|uma|uns|umas|e|ou|de|do|da|dos|das|em|no|na|nos|nas|por|pelo|pela|para|pra|com|sem|ate|entre|que|se|sobre|"
    r"seu|sua|mais|menos|cerca|aproximadamente|torno|volta|faixa|maximo|minimo|valor|preco|desconto|orcamento|limite|teto|verba|"
    r"proposta|parcelas?|parcelamento|parcelado|parcelar|vezes|juros|entrada|mes|mensa(?:l|is)|ano|anua(?:l|is)|vista|pix|cartao|"
    r"boleto|cada|usuario|pagar|pagando|pagaria|gastar|investir|receber|comprar|fazer|fechar|marcar|dia|vencimento|loja|empresa|"
    r"padaria|casa|projeto|sistema|plano|concorrente|site|anuncio|internet|la|ali|aqui|antes|hoje|ontem|agora|esse|essa|"
    r"ja|tambem|me|nos|pode|podia|poderia|mudar|vencer|paga|pagava|pagou|gasta|gastava|consegue|conseguiria|atual|atualmente|primeir[oa]|instalacao|frete|adesao|teste|periodo|"
    r"dias|meses|instagram|facebook|google|:|#|§)"
)
_FILLERS: Final = rf"(?:\s{_FILLER})*"
_UNIT: Final = (
    r"(?:\s(?:por|no|na|ao|a|o|de|em|mes|ano|mensa(?:l|is)|anua(?:l|is)|maximo|total|vista))*"
)

_REFUSING: Final = (
    r"(?:nao|nem)\s(?:consigo|posso|podemos|conseguimos|temos|tenho|encontrei|achei|localizei|confirmo|ha|existe|vejo|vi|"
    r"trabalhamos com|chegamos|chego|fazemos|faco|oferecemos|ofereco|damos|dou|da para|da pra|da|e possivel|te(?:m|nho) como|"
    r"tenho autorizacao para|esta disponivel|esta no catalogo|consta)"
)
_REFUSED: Final = (
    r"(?:fazer|oferecer|chegar|confirmar|dar|conceder|garantir|parcelar|prometer|fechar|aplicar|baixar|vender|aceitar|um|uma|o|a|os|as|"
    r"ate|oferta|informacao|confirmad[oa]|nosso|nossa|nada|esse|essa|esses|essas|este|plano|produto|pacote|opcao|condicao|parcelamento|desconto|valor|preco|de|do|da|em|por|"
    r"para|pra|com|no|na|catalogo|aqui|sistema|mes|ano|mensa(?:l|is)|vezes|vista|pix|cartao|boleto|voce|hoje|vencimento|dia|#)"
)
_PEOPLE: Final = r"(?:(?:o|a|ao|uma|um|nossa|nosso|alguem da|alguem do)\s)?(?:alguem|equipe|pessoa(?: da (?:nossa )?equipe)?|time|gerente|supervisor(?:a)?|financeiro|comercial)"

# ---- shapes: each fits a whole clause

_SHAPES: Final = tuple(
    re.compile(shape)
    for shape in (
        # "voce mencionou # por mes", "entendi que voce quer pagar #"
        rf"{_ASIDE}voces?\s(?:(?:me|nos|ja|tambem|so|mesmo|tinha)\s)*{_SAID}{_FILLERS}",
        # "dos # que voce mencionou"
        (
            rf"(?:(?:um|pouco|bem|muito|menos|mais|que|abaixo|acima|dentro|longe|diferente|do|dos|da|de|o|os|esse|esses|aos|ao|sobre|valor|desconto)\s)*#{_UNIT}"
            rf"(?:\sde\sdesconto)?\sque\svoces?\s{_SAID}{_FILLERS}"
        ),
        # "com o seu orcamento de #", "entendi seu orcamento e de #"
        (
            rf"{_ASIDE}(?:(?:o|esse)\s)?(?:do|no|ao|com o|para o|pelo|sobre o|dentro do|nesse|com esse|{_THANKS}|{_HEARD})\s?(?:o\s)?seu\s"
            rf"{_BUDGET}(?:\smensal)?(?:\s(?:de|ate|:))+\s#{_UNIT}"
        ),
        rf"(?:{_HEARD})+(?:(?:o|de)\s)*seu\s{_BUDGET}{_FILLERS}",
        # "anotei a sua proposta de #", "vou passar o seu pedido de # para a equipe"
        rf"(?:{_HEARD})+(?:o|a)\s(?:seu|sua)\s(?:proposta|pedido)\sde\s#{_UNIT}(?:\se\s(?:vou|vamos)\s\w+\s(?:para\s|com\s)?{_PEOPLE})?",
        (
            rf"(?:vou|posso|vamos)\s(?:passar|levar|encaminhar|enviar)\s(?:o|a)\s(?:seu|sua)\s(?:proposta|pedido|desconto)\sde\s#{_UNIT}"
            rf"(?:\s(?:para|a|ao))?\s{_PEOPLE}(?:\s(?:avaliar|analisar|confirmar|ver|verificar))?"
        ),
        # "um desconto de # precisa ser avaliado pela equipe", "# fica abaixo do nosso preco"
        (
            rf"(?:um|o|esse)\s(?:desconto|valor|parcelamento)\sde\s#{_UNIT}\s(?:precisa|tem que|depende)(?:\sser)?"
            rf"(?:\s(?:avaliad|aprovad|confirmad|autorizad|analisad)[oa])?\s(?:pela|pelo|por|com|da|do)\s{_PEOPLE}"
        ),
        (
            rf"(?:(?:o|esse)\svalor\sde\s)?#{_UNIT}\s(?:fica|esta|e)\s(?:(?:bem|muito)\s)?(?:abaixo|fora)\sd[oae]\s(?:nosso\s|nossa\s)?"
            r"(?:preco|valor|tabela|catalogo|plano|politica)"
        ),
        rf"{_PEOPLE}\s(?:liga|vai\sligar|retorna|fala)\s(?:no|pelo|para\so)\s(?:numero\s|telefone\s|whatsapp\s)?#",
        # "anotei o seu email #", "o melhor numero para contato e #"
        rf"(?:registrei|anotei|vou\s(?:registrar|anotar))\s(?:aqui\s)?(?:o|a)\s(?:seu\s|sua\s)?{_BELONGING}\s(?:de\s)?#(?:\sno\s(?:seu\s)?cadastro)?",
        rf"o\s(?:melhor\s)?{_BELONGING}\s(?:para|de)\s(?:contato|retorno)\se\s#",
        rf"{_ASIDE}(?:(?:o|a|no|na|do|da|com|sobre|para|pra)\s)*(?:seu|sua)\s{_BELONGING}(?:\s(?:e|de|do|da|no|na|dia|em|:))*\s#",
        # "sobre os #", "quanto ao desconto de #"
        (
            rf"(?:(?:e|agora)\s)?(?:sobre|quanto)\s(?:(?:o|os|a|as|ao|aos|esse|esses|seu|sua|valor|desconto|pedido|parcelamento|prazo|proposta|"
            rf"vencimento|pagamento|data|no|dia|de|em)\s)*#{_UNIT}"
        ),
        # "nao consigo fazer por #", "por # eu nao consigo"
        rf"(?:(?:infelizmente|eu|aqui|ainda|hoje|e)\s)*{_REFUSING}(?:\s{_REFUSED})*",
        (
            rf"(?:(?:infelizmente|o|a|um|esse|este|por|em|com|valor|preco|desconto|parcelamento|de)\s)*#{_UNIT}"
            rf"\s(?:(?:infelizmente|eu|ainda|ja)\s)*{_REFUSING}(?:\s{_REFUSED})*"
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
    r"|\be\s(?=(?:o|a|os|as|nosso|nossa|por|aqui)\b[^,;.!?#]*§)"
)
_HEARD_FIRST: Final = re.compile(rf"^\W*({_HEARD_WORD})\s?[,!.]+\s?")
#: A clause of our own that would complete the thought: it needs a figure of ours beside it.
_OWN_CLAIM: Final = re.compile(
    r"(?<!nao )(?<!nem )\b(?:custa\w*|sa(?:i|em)|fica|ficam|faco|faz(?:emos)?|temos|tenho|cobr(?:o|amos)|vale|dou|damos|cabe\w*|atende|"
    r"serve|encaixa|consigo|conseguimos|indico|recomendo|da (?:sim|certo|para|pra))\b"
)
#: "cabe no seu orcamento de #": true only beside a figure of ours.
_FITS: Final = re.compile(
    rf"(?:que\s)?(?:cabe|fica|esta)\s(?:(?:bem|dentro|no|do|abaixo)\s)*seu\s{_BUDGET}\s(?:de|ate)\s#{_UNIT}"
)


def hands_back(sentence: str, marks: Mapping[str, str]) -> bool:
    """Every borrowed figure of the sentence stands in a clause that gives it to the contact.

    `sentence` is plain; `marks` says for each quoted figure in it BORROWED or OURS.
    """
    clauses = clauses_of(sentence, marks)
    borrowed = [clause for clause in clauses if BORROWED in clause]
    shapes = (*_SHAPES, _FITS) if any(OURS in clause for clause in clauses) else _SHAPES
    if not borrowed or not all(any(s.fullmatch(c) for s in shapes) for c in borrowed):
        return False
    if sentence.rstrip().endswith("?") and any(re.search(_REFUSING, c) for c in borrowed):
        return False  # "não posso fazer por 50?" offers it
    others = [clause for clause in clauses if BORROWED not in clause and OURS not in clause]
    return not any(_OWN_CLAIM.search(clause) for clause in others)


def clauses_of(sentence: str, marks: Mapping[str, str]) -> list[str]:
    """The clauses of a plain sentence: words and marks only."""
    text = _marked(sentence, marks).replace("e-mail", "email")
    text = _HEARD_FIRST.sub(r"\1 ", text)
    clauses = []
    for part in _JOINS.split(text):
        words = re.sub(r"[^a-z0-9#§:\s]", " ", part.replace(":", " : "))
        words = re.sub(r"\s+", " ", words).strip()
        words = re.sub(r"^(?:e|:) | (?:e|:)$", "", words)
        if words:
            clauses.append(words)
    return clauses


def _marked(sentence: str, marks: Mapping[str, str]) -> str:
    figures = "|".join(re.escape(q) for q in sorted(filter(None, marks), key=len, reverse=True))
    if not figures:
        return sentence
    whole = re.compile(rf"(?<![\w$])(?<!\d[.,])(?:{figures})(?!\w)(?![.,]\d)")
    return whole.sub(lambda match: f" {marks[match.group()]} ", sentence)
