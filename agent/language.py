"""Which of the languages our contacts write in a text is in, by its small words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from domain.plain_text import plain

_WORDS: Final = {
    "pt": frozenset(
        {"que", "nao", "voce", "voces", "para", "com", "uma", "um", "e", "o", "os", "as", "do", "da", "em", "no",
         "na", "por", "seu", "sua", "nosso", "nossa", "ola", "oi", "obrigado", "obrigada", "quero", "tem", "mais",
         "isso", "qual", "quanto", "plano", "pode", "posso", "ajudar", "bom", "boa", "dia", "dias", "tarde", "noite", "sim",
         "aceita", "aceitam", "boleto", "ate", "nos", "ao", "como", "sem", "muito", "hoje", "esta", "sao", "mes", "preco"}
    ),
    "en": frozenset(
        {"the", "and", "you", "is", "are", "for", "with", "your", "we", "to", "of", "our", "can", "i", "my", "do",
         "does", "how", "what", "much", "it", "this", "that", "have", "please", "thanks", "would", "like", "help"}
    ),
    "es": frozenset(
        {"el", "los", "las", "usted", "y", "con", "su", "nuestro", "nuestra", "gracias", "puede", "puedo", "hola",
         "quiero", "cuanto", "cuesta", "tiene", "es", "muy", "pero", "tambien", "ayudar", "buenos", "buenas", "dias",
         "una", "del", "por", "para", "hay", "donde", "ustedes", "necesito"}
    ),
}  # fmt: skip
_TOKEN: Final = re.compile(r"[a-z]+")
_SURE_HITS: Final = 3
_SURE_FACTOR: Final = 1.5


@lru_cache(maxsize=256)
def language_of(text: str) -> str | None:
    """`pt`, `en` or `es` when the text shows it clearly; None when it is short or mixed."""
    words = _TOKEN.findall(plain(text))
    hits = {language: sum(w in known for w in words) for language, known in _WORDS.items()}
    best, second = sorted(hits, key=lambda language: hits[language], reverse=True)[:2]
    if hits[best] >= _SURE_HITS and hits[best] >= hits[second] * _SURE_FACTOR:
        return best
    return None
