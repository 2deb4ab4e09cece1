"""Consent before AI: nothing is asked of a model before the contact agreed (or was told).

With `explicit` the first contact gets one fixed wording with two buttons and the waiting question
is answered after the tap. With `notice` the wording is put before the first answer. Source of the
rule: the user's wish, and LGPD (Lei 13.709/2018) art. 8 on proof of consent.
"""

from __future__ import annotations

import re
from enum import StrEnum


class ConsentRule(StrEnum):
    EXPLICIT = "explicit"
    NOTICE = "notice"


class AiConsent(StrEnum):
    NONE = "none"
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    #: Told by the notice wording before the first answer.
    NOTICED = "noticed"


class ConsentAnswer(StrEnum):
    GRANTED = "granted"
    REFUSED = "refused"


GRANT_BUTTON = "consent:ai:grant"
REFUSE_BUTTON = "consent:ai:refuse"

_YES = re.compile(
    r"^\W*(?:sim|s|pode|pode ser|claro|ok|okay|aceito|concordo|autorizo|tudo bem|beleza|blz|"
    r"pode sim|sim pode|com certeza|yes)\W*$",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^\W*(?:n[aã]o|n|prefiro (?:uma )?pessoa|pessoa|humano|atendente|n[aã]o aceito|"
    r"n[aã]o autorizo|n[aã]o quero|no)\W*$",
    re.IGNORECASE,
)


def may_answer(rule: ConsentRule, consent: AiConsent) -> bool:
    """Whether a model may be asked about this contact's messages now."""
    if consent is AiConsent.GRANTED:
        return True
    return rule is ConsentRule.NOTICE and consent in {AiConsent.NONE, AiConsent.NOTICED}


def read_answer(*, button_id: str | None, text: str) -> ConsentAnswer | None:
    """The answer to the wording: a tap, or words that can mean nothing else; None is no answer."""
    if button_id == GRANT_BUTTON:
        return ConsentAnswer.GRANTED
    if button_id == REFUSE_BUTTON:
        return ConsentAnswer.REFUSED
    if _YES.match(text):
        return ConsentAnswer.GRANTED
    if _NO.match(text):
        return ConsentAnswer.REFUSED
    return None
