"""Which number speaks in a thread, and why."""

from __future__ import annotations

from domain.ids import PhysicalNumberId
from domain.number import NumberHealth, Wish
from routing.outbound import choose_number
from tests.factories import FACADE_NUMBER, make_number

OTHER = PhysicalNumberId("2")


def choose(*numbers, written_to=None, traffic_class="sales"):
    return choose_number(numbers, traffic_class=traffic_class, written_to=written_to)


def test_the_answer_leaves_by_the_number_the_customer_wrote_to():
    choice = choose(make_number(), make_number(OTHER), written_to=OTHER)
    assert choice is not None
    assert choice.phone_number_id == OTHER
    assert "o cliente escreveu" in choice.reason


def test_a_sick_number_keeps_its_threads():
    sick = make_number(OTHER, health=NumberHealth.DEGRADED)
    choice = choose(make_number(), sick, written_to=OTHER)
    assert choice is not None
    assert choice.phone_number_id == OTHER


def test_by_default_a_new_thread_leaves_by_the_facade_alone():
    choice = choose(make_number(open_threads=900), make_number(OTHER, traffic_classes=()))
    assert choice is not None
    assert choice.phone_number_id == FACADE_NUMBER
    assert "único número" in choice.reason


def test_a_new_thread_goes_to_the_least_loaded_by_weight():
    choice = choose(
        make_number(open_threads=10, weight=1), make_number(OTHER, open_threads=15, weight=3)
    )
    assert choice is not None
    assert choice.phone_number_id == OTHER


def test_a_new_thread_avoids_degraded_draining_and_quarantined_numbers():
    bad = [
        make_number("3", health=NumberHealth.DEGRADED),
        make_number("4", wish=Wish.DRAINING),
        make_number("5", health=NumberHealth.PAUSED),
    ]
    choice = choose(*bad, make_number(OTHER, open_threads=99))
    assert choice is not None
    assert choice.phone_number_id == OTHER


def test_a_degraded_number_is_better_than_none():
    choice = choose(make_number(OTHER, health=NumberHealth.DEGRADED))
    assert choice is not None
    assert choice.phone_number_id == OTHER


def test_without_a_number_of_the_class_nothing_is_chosen():
    assert choose(make_number(), traffic_class="collections") is None
