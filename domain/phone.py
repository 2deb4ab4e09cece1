"""Phone numbers as Meta writes them: digits of E.164 without `+`, Brazil's ninth digit not reliable.

Brazilian mobiles are 55 DD 9XXXX-XXXX, but an account made before the ninth digit keeps a `wa_id`
without it. Both forms are one person, only where the eight-digit part begins with 6-9: parts
beginning with 2-5 are landlines (WhatsApp runs on those too) and never get a 9.
"""

from __future__ import annotations

import re
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from domain.errors import InvalidInputError

_NOT_DIGITS: Final = re.compile(r"[^0-9]+")
_WITHOUT_NINE: Final = re.compile(r"55[1-9][1-9][6-9][0-9]{7}")
_WITH_NINE: Final = re.compile(r"55[1-9][1-9]9[6-9][0-9]{7}")
_BRAZILIAN: Final = re.compile(r"55[1-9][1-9]([0-9]{8,9})")
_HIDDEN: Final = "•"


def digits(phone: str) -> str:
    """Only the ASCII digits of a written number."""
    return _NOT_DIGITS.sub("", phone)


def canonical(wa_id: str) -> str:
    """The one form to compare and to keep unique: E.164 digits, with the 9 on Brazilian mobiles."""
    number = digits(wa_id)
    return f"{number[:4]}9{number[4:]}" if _WITHOUT_NINE.fullmatch(number) else number


def variants(wa_id: str) -> tuple[str, ...]:
    """Every `wa_id` Meta may use for this number, the canonical one first."""
    number = canonical(wa_id)
    if _WITH_NINE.fullmatch(number):
        return (number, number[:4] + number[5:])
    return (number,)


def same_number(one: str, other: str) -> bool:
    """Whether two `wa_id`s are one line."""
    return canonical(one) == canonical(other)


def mask(phone: str) -> str:
    """The number with all but country, area and last four digits hidden: `+55 31 •••••-7777`."""
    number = canonical(phone)
    if len(number) < 8:
        return _HIDDEN * 4
    if brazilian := _BRAZILIAN.fullmatch(number):
        hidden = _HIDDEN * (len(brazilian[1]) - 4)
        return f"+55 {number[2:4]} {hidden}-{number[-4:]}"
    parsed = _parsed(number)
    country = str(parsed.country_code) if parsed else ""
    hidden = _HIDDEN * max(4, len(number) - len(country) - 4)
    return f"+{country} {hidden}-{number[-4:]}" if country else f"{hidden}-{number[-4:]}"


def display(phone: str) -> str:
    """The number as people write it internationally: `+55 31 98888-7777`; never fails."""
    number = canonical(phone)
    parsed = _parsed(number)
    if parsed is None:
        return f"+{number}" if number else ""
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)


def parse_phone(text: str, region: str = "BR") -> str:
    """What a person typed, as canonical digits. Raises InvalidInputError when it is no phone number."""
    try:
        parsed = phonenumbers.parse(text, region)
    except NumberParseException as error:
        raise InvalidInputError("phone", "is not a phone number") from error
    number = canonical(f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}")
    checked = _parsed(number)
    if checked is None or not phonenumbers.is_possible_number(checked):
        raise InvalidInputError("phone", "is not a possible phone number; write +55 31 98888-7777")
    return number


def _parsed(number: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(f"+{number}", None)
    except NumberParseException:
        return None
