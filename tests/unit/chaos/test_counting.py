"""The chaos harness sees what it is there to see: a missing, a second, a crossed and a marked answer."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

from tests.chaos.dialogue import Received, Talk, crossed_in, lines_of
from tests.chaos.scenario import resent_lines
from tests.running import Customer

TALK = Talk(customer=cast("Customer", None), name="KQXWZBA")
OTHER = "PPPPPPP-B"


def heard(*texts: str, callback: str = "") -> list[Received]:
    return [
        Received(customer="55", at=float(n), text=t, callback=callback) for n, t in enumerate(texts)
    ]


def attempts(**rows: tuple[str, bool]) -> dict[str, dict[str, Any]]:
    return {c: {"row": row, "possible_duplicate": twice} for c, (row, twice) in rows.items()}


def test_each_line_counts_once_for_each_answer_that_names_it():
    both = "Você escreveu: Sobre KQXWZBA-B, como funciona / Sobre KQXWZBA-C, como funciona"
    assert lines_of(TALK, heard(both, "Você escreveu: Sobre KQXWZBA-B")) == Counter(B=2, C=1)


def test_the_question_for_consent_and_a_persons_words_are_lines_too():
    found = lines_of(TALK, heard("Sou a assistente virtual da Loja", TALK.persons_words))
    assert found == Counter(consent=1, pessoa=1)


def test_an_answer_to_somebody_elses_words_is_crossed_and_answers_nothing():
    received = heard(f"Você escreveu: {OTHER}")
    assert lines_of(TALK, received) == Counter()
    assert crossed_in(TALK, received) == 1
    assert crossed_in(TALK, heard("Você escreveu: KQXWZBA-A")) == 0


def test_only_what_is_marked_as_a_possible_duplicate_counts_as_sent_again():
    text = "Você escreveu: KQXWZBA-B / KQXWZBA-C"
    first, second = heard(text, callback="a"), heard(text, callback="b")
    assert resent_lines(first + second, attempts(a=("row", True), b=("row", True))) == 2
    assert resent_lines(first + second, attempts(a=("row", False), b=("row", False))) == 0
    assert resent_lines(first, attempts(a=("row", True))) == 0
