from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from domain.errors import InvalidInputError
from domain.phone import canonical, display, mask, parse_phone, same_number, variants


@pytest.mark.parametrize(
    ("wa_id", "expected"),
    [
        ("553188887777", ("5531988887777", "553188887777")),
        ("5531988887777", ("5531988887777", "553188887777")),
        ("554799998888", ("5547999998888", "554799998888")),
        ("5511987654321", ("5511987654321", "551187654321")),
        ("551140041234", ("551140041234",)),
        ("5511940041234", ("5511940041234",)),
        ("14155552671", ("14155552671",)),
        ("351912345678", ("351912345678",)),
        ("+55 31 98888-7777", ("5531988887777", "553188887777")),
    ],
)
def test_the_variants_of_a_number_begin_with_the_canonical_one(wa_id, expected):
    assert variants(wa_id) == expected


def test_a_mobile_with_and_without_the_ninth_digit_is_one_line():
    assert same_number("553188887777", "5531988887777")


def test_a_landline_never_gets_a_ninth_digit():
    assert canonical("551140041234") == "551140041234"
    assert not same_number("551140041234", "5511940041234")


@given(st.from_regex(r"\A55[1-9]{2}9?[0-9]{8}\Z"))
def test_every_variant_has_the_same_variants(wa_id):
    assert {variants(variant) for variant in variants(wa_id)} == {variants(wa_id)}


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("553188887777", "+55 31 •••••-7777"),
        ("5531988887777", "+55 31 •••••-7777"),
        ("551140041234", "+55 11 ••••-1234"),
        ("14155552671", "+1 ••••••-2671"),
        ("123", "••••"),
        ("", "••••"),
    ],
)
def test_a_masked_number_shows_country_area_and_last_four_digits(phone, masked):
    assert mask(phone) == masked


@given(st.from_regex(r"\A[0-9]{8,15}\Z"))
def test_a_mask_never_shows_more_than_eight_digits(phone):
    assert sum(character.isdigit() for character in mask(phone)) <= 8


def test_a_number_is_displayed_as_people_write_it():
    assert display("553188887777") == "+55 31 98888-7777"
    assert display("551140041234") == "+55 11 4004-1234"
    assert display("999") == "+999"


@pytest.mark.parametrize(
    "typed", ["+55 31 98888-7777", "(31) 98888-7777", "31 8888-7777", "5531988887777"]
)
def test_what_a_person_types_becomes_the_canonical_number(typed):
    assert parse_phone(typed) == "5531988887777"


@pytest.mark.parametrize("typed", ["", "abc", "12", "+55 1", "\u200f"])
def test_what_is_no_phone_number_is_refused(typed):
    with pytest.raises(InvalidInputError):
        parse_phone(typed)
