"""What a message wants, by plain patterns: enough for a rehearsal, honest about the rest."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Intent(StrEnum):
    """What a message wants; the order of `_PATTERNS` decides between two that fit."""

    INJECTION = "injection"
    STOP = "stop"
    PRIVACY = "privacy"
    HUMAN = "human"
    WRONG_PERSON = "wrong_person"
    INSULT = "insult"
    CANCEL = "cancel"
    COMPLAINT = "complaint"
    DISPUTE = "dispute"
    SECOND_COPY = "second_copy"
    PAID = "paid"
    DISCOUNT = "discount"
    SUPPORT = "support"
    HOURS = "hours"
    DELIVERY = "delivery"
    ADDRESS = "address"
    TRIAL = "trial"
    INVOICE = "invoice"
    INTEGRATION = "integration"
    PAYMENT = "payment"
    SCHEDULE = "schedule"
    PRODUCT = "product"
    ROBOT = "robot"
    JOB = "job"
    TRUST = "trust"
    OFF_TOPIC = "off_topic"
    THANKS = "thanks"
    GREETING = "greeting"
    YES = "yes"
    NO = "no"
    EMOJI = "emoji"
    MEDIA = "media"
    QUALIFIES = "qualifies"
    UNKNOWN = "unknown"


_PATTERNS: tuple[tuple[Intent, str], ...] = (
    (Intent.INJECTION, (r"ignor\w+ (todas )?(as )?(suas |tuas |your |all )?(previous )?(instruc|regras|instruction|orders)"
                       r"|system prompt|prompt de sistema|modo (desenvolvedor|dan)|developer mode|jailbreak"
                       r"|finja (que|ser)|aja como se|revele (seu|suas|o) (prompt|instruc)|</?(system|instructions)>")),
    (Intent.STOP, (r"^(parar|pare|sair|stop|descadastr\w*|unsubscribe)[.! ]*$|nao quero (mais )?(receber|mensage)"
                  r"|para(r)? de (me )?mandar mensage|me tir(a|e) d(essa|a) lista")),
    (Intent.PRIVACY, r"lgpd|apag\w+ (os )?meus dados|exclu\w+ (os )?meus dados|meus dados pessoais|politica de privacidade"),
    (Intent.HUMAN, (r"(falar|conversar|atendid\w*|fala) com (um |uma |o |a |algum |alguem)?\s*(humano|pessoa|atendente|alguem|gente"
                   r"|vendedor\w*|gerente|supervisor\w*|consultor\w*|financeiro|comercial|cobranca|suporte|responsavel|dono|equipe|time)|quero (um |uma )?(humano|atendente|pessoa de verdade)"
                   r"|^(atendente|humano|pessoa)[.! ]*$|me (passa|transfer\w+)|speak (to|with) (a )?(human|person|agent|someone)"
                   r"|talk to (a )?(human|person|someone|agent)|hablar con (una persona|alguien|un humano|un asesor)")),
    (Intent.WRONG_PERSON, (r"(nao sou|nao e) (a|o|ess[ae]) ?(maria|joao|pessoa|cliente|numero)|numero errado|engano"
                          r"|nao conheco (esse|essa|nenhum)|pessoa errada")),
    (Intent.INSULT, (r"idiota|imbecil|burr[oa]\b|merda|porra|caralho|filh[oa] da puta|\bfdp\b|vai se f\w+|vtnc|\bvsf\b|lixo de"
                    r"|palhac|vagabund|ladr(ao|oes)|incompetente|otari[oa]|fuck|stupid|estupid|que (odio|raiva)")),
    (Intent.COMPLAINT, (r"reclama|procon|reclame aqui|absurdo|pessim|horrivel|ningu[e]m (me )?(responde|atende|resolve)"
                       r"|cobr\w+ (indevid|duas vezes|em dobro)|insatisfeit|decepcion|advogado|process(ar|o) voces|enganad|[😡🤬😠👿💢🖕]")),
    (Intent.DISPUTE, (r"(fatura|conta|cobranca|boleto|valor)\w* (veio |esta |ta )?(errad|duplicad|a mais|com erro)|nao reconheco (ess[ae]|est[ae]|a) "
                     r"(compra|cobranca|fatura|divida|conta)|nao devo (isso|nada)|contestar")),
    (Intent.CANCEL, r"cancel(ar|amento|o|em|a)\b|encerrar (a |minha |meu )?(conta|assinatura|plano|contrato)|rescind|cancel my|cancelar mi"),
    (Intent.SECOND_COPY, (r"(2|segunda)\W{0,3}(a|ª)? ?via|boleto (venc|atras|atualiz|nao chegou)|(preciso|quero|manda\w*|envia\w*|cade)"
                         r" (d?[oae] )?(meu |um )?boleto|codigo de barras d[oa] (boleto|fatura)|minha fatura")),
    (Intent.PAID, r"ja paguei|ja foi pago|paguei (ontem|hoje|o boleto|a fatura)|comprovante|fiz o pix"),
    (Intent.DISCOUNT, r"desconto|se fizer por|(faz|fecho|fecha|fechamos) (agora )?por|mais barato|abaix\w+ (o )?(preco|valor)|melhor preco|negociar|\bcaro\b|promoc|cupom|discount|descuento"),
    (Intent.SUPPORT, (r"nao (funciona|abre|liga|entra|consigo|imprime|carrega)|travou|travando|deu (erro|problema|pau)|bug\b|caiu o sistema"
                     r"|sistema (fora|caiu|lento|parado)|esqueci (a|minha) senha|suporte|erro \d+|is not working|no funciona")),
    (Intent.HOURS, (r"horario|que horas|ate que horas|(abre|fecha|atende|funciona)\w* .{0,12}(que horas|hoje|amanha|sabado|domingo|feriado|fim de semana)|funciona\w* (hoje"
                   r"|dia \d)|trabalha\w* (dia|hoje|amanha|sabado|domingo|aos|no feriado)|(abre|fecha|atende|funciona)\w* (dia \d|hoje"
                   r"|sabado|domingo|aos|no feriado)|atende\w* (hoje|sabado|domingo|aos|no feriado|fim de semana)|opening hours|horarios|business hours")),
    (Intent.DELIVERY, r"entrega\b|entregam\b|frete|prazo de entrega|instala(cao|m|r)\b|quanto tempo (demora|leva)|enviam para|do you deliver|delivery time"),
    (Intent.ADDRESS, r"onde (voces )?(fica|ficam|sao|e a loja)|endereco|loja fisica|posso (ir|visitar)|voces sao de onde|where are you"),
    (Intent.TRIAL, r"teste? gratis|testar|periodo de teste|experiment|demonstracao|\bdemo\b|trial|prueba"),
    (Intent.INVOICE, r"nota fiscal|\bnf-?c?e\b|cupom fiscal|\bnfs-?e\b|sat fiscal"),
    (Intent.INTEGRATION, (r"integra|ifood|balanca|impressora|maquininha|\bapi\b|conecta com|funciona (no|com|em) (celular|tablet|mac|windows"
                         r"|android|iphone|impressora)|\btef\b")),
    (Intent.PAYMENT, (r"(formas?|meios?) de pag|aceita\w* (pix|cartao|boleto|debito)|(paga|pagar|pago) (no|na|com|em|por) (pix|cartao|boleto|debito)"
                     r"|parcel(a|ar|am|ado)\b|chave pix|payment methods|formas de pago")),
    (Intent.SCHEDULE, (r"agendar|agenda\b|marcar (uma )?(call|ligacao|reuniao|conversa|horario|demonstr)|me lig(a|ue|uem)|liga(r|cao)?\b (pra|para) mim"
                      r"|(hoje|amanha|segunda|terca|quarta|quinta|sexta)[- ,]*(feira)?[ ,]*(de manha|a tarde|a noite|(as|a partir das|depois das|pelas)? ?\d{1,2} ?(h|:\d\d|horas))"
                      r"|schedule a call|call me|agendar una llamada")),
    (Intent.PRODUCT, (r"plan(o|os|e|s|es)\b|preco|valor(es)?\b|quanto (custa|e|sai|fica|ta)|mensalidade|produto|catalogo|sistema|programa|software|modulo|pdv|estoque"
                     r"|frente de caixa|orcamento|contratar|assinar|comprar|interess|saber mais|leitor|implanta|usuario adicional|loja virtual|delivery"
                     r"|price|pricing|how much|cost|plans|cuanto|precio|informac")),
    (Intent.ROBOT, (r"(e|voce e|to falando com|isso e|fala com) (um |uma )?(robo|bot|ia|maquina|humano\?|pessoa real)|are you (a )?(bot|robot|human|real)|inteligencia artificial"
                   r"|quem (e voce|esta falando|fala)|qual (e )?(o )?seu nome|eres un (bot|robot)")),
    (Intent.JOB, r"curriculo|vaga(s)?\b|trabalhar (com|ai|na empresa)|emprego|contratando"),
    (Intent.TRUST, r"e golpe|isso e (golpe|confiavel|serio)|empresa (e )?(confiavel|existe)|\bcnpj\b|fraude|como sei que"),
    (Intent.OFF_TOPIC, (r"quem ganhou|jogo\b|futebol|placar|flamengo|corinthians|palmeiras|presidente|eleic|receita de|previsao do tempo|vai chover|piada|horoscopo"
                       r"|capital d[aeo]|poema|escreva um (codigo|texto|poema)|bitcoin|loteria|mega.?sena|filme|musica|me conta uma|weather|who won|joke")),
    (Intent.THANKS, r"obrigad|valeu|\bvlw\b|agradec|tchau|ate (mais|logo|amanha)|thanks|thank you|gracias|falou\b|so isso"),
)  # fmt: skip
_SOFT: tuple[tuple[Intent, str], ...] = (
    (Intent.YES, r"^(sim+|ss+|isso|claro|pode ser|pode|quero|quero sim|ok|okay|beleza|blz|fechado|com certeza|vamos|bora|aceito|yes|yep|sure|si|dale|perfeito|combinado)\b"),
    (Intent.NO, r"^(nao|nn|n|agora nao|nao quero|no|nope|depois|talvez|deixa|sem interesse)\b"),
    (Intent.GREETING, r"^(o+i+e*|ola+|opa+|e ai+|eai|bom dia|boa tarde|boa noite|salve|fala|alo|hey|hi|hello|hola|buenos dias|buenas|bao|tudo bem|tudo bom|good morning)\b"),
)  # fmt: skip
_COMPILED = tuple((intent, re.compile(pattern)) for intent, pattern in _PATTERNS)
_COMPILED_SOFT = tuple((intent, re.compile(pattern)) for intent, pattern in _SOFT)
_WORDS = {
    "en": r"\b(the|is|are|do|does|you|your|what|how|much|want|would|like|need|have|please|hello|hi|price|with|for|my|i'm|store|good morning|thanks)\b",
    "es": r"\b(hola|usted|ustedes|quiero|necesito|cuanto|cuesta|tienen|tienda|gracias|buenos|buenas|buenos dias|donde|el|los|una|mi|precio|puedo|hablar|informacion sobre|con una persona)\b",
    "pt": (
        r"\b(oi|ola|voces?|vcs?|quero|preciso|quanto|custa|tem|obrigad[oa]|bom dia|nao|sim|uma|meu|minha|de|para|pra|com|que|o|boa|em|dias"
        r"|aceitam?|boleto|cartao|posso|pode|e|do|da|no|na|ta|esta|sao|isso)\b"
    ),
}


def plain(text: str) -> str:
    """Lower case, no accents."""
    folded = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in folded if not unicodedata.combining(c)).replace("’", "'")


def language_of(texts: list[str]) -> str:
    """Pt unless another language is plainly ahead in what was just written, or nothing was."""
    for text in (texts[-1] if texts else "", "\n".join(texts)):
        folded = plain(text)
        scores = {code: len(re.findall(pattern, folded)) for code, pattern in _WORDS.items()}
        best = max(scores, key=lambda code: scores[code])
        if scores[best] >= 2 and scores[best] > scores["pt"]:
            return best
        if scores["pt"]:
            return "pt"
        if scores[best] == 1:
            return best
    return "pt"


def intent_of(text: str, *, media: str = "") -> Intent:
    """The first that fits; a media mark without words of its own is MEDIA."""
    folded = plain(text).strip()
    words = re.sub(r"^[\[<(*][^\])>*]*[\])>*]\s*", "", folded) if media else folded
    for intent, pattern in _COMPILED:
        if pattern.search(words):
            return intent
    if media and len(words) < 3:
        return Intent.MEDIA
    if not re.search(r"[a-z0-9]", words):
        return Intent.EMOJI if re.search(r"[^\s!-/:-@]", words) else Intent.GREETING
    for intent, pattern in _COMPILED_SOFT:
        if pattern.search(words):
            return intent
    return Intent.UNKNOWN


def sentiment_of(intent: Intent, text: str) -> str:
    if intent in (Intent.INSULT, Intent.COMPLAINT) or re.search(r"!{3,}", text):
        return "negative"
    return "positive" if intent is Intent.THANKS else "neutral"
