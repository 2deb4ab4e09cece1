from __future__ import annotations

import pytest

from agent.guardrails import MESSAGE_MAX
from agent.queue_place import with_place

HOURS = "de segunda a sexta, das 9h às 18h"


def told(*bubbles: str, online: bool = False) -> tuple[str, ...]:
    return with_place(bubbles, position=3, hours=HOURS, somebody_online=online)


def test_the_place_joins_the_last_bubble_and_the_hours_too_when_nobody_is_there() -> None:
    assert told("Primeira.", "Anotei tudo.") == (
        "Primeira.",
        (
            "Anotei tudo.\n\nSua conversa está na fila da nossa equipe, na posição 3. "
            f"Agora não há ninguém da equipe conectado. Atendemos {HOURS}."
        ),
    )
    assert told("Anotei tudo.", online=True)[0].endswith("na posição 3.")


@pytest.mark.parametrize(
    "said",
    [
        "Vou passar a conversa para a equipe.",
        "Vou chamar agora uma pessoa da equipe.",
        "Uma pessoa do financeiro vai conferir e responder.",
    ],
)
def test_that_a_person_comes_is_not_said_twice(said: str) -> None:
    assert told(said, online=True) == (f"{said}\n\nVocê está na posição 3 da fila.",)


def test_hours_that_stand_there_already_are_not_repeated() -> None:
    (text,) = told(f"Uma pessoa responde por aqui. Atendemos {HOURS}.")
    assert text.count(HOURS) == 1


def test_a_place_that_does_not_fit_gets_its_own_bubble() -> None:
    long = "a" * MESSAGE_MAX
    assert told(long, online=True)[0] == long
    assert len(told(long, online=True)) == 2
