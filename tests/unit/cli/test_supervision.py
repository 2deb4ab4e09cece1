"""Restart with back-off, and nothing left running."""

from __future__ import annotations

import pytest

from cli.supervision import FIRST_WAIT_S, LONGEST_WAIT_S, Supervisor
from domain.errors import RejectedError


class FakeService:
    def __init__(self, name: str, journal: list[str]) -> None:
        self.name = name
        self.journal = journal
        self.alive = False
        self.broken = False

    def start(self, give_up: object = None) -> None:
        if self.broken:
            raise RejectedError(f"{self.name} is broken")
        self.alive = True
        self.journal.append(f"start {self.name}")

    def stop(self) -> None:
        self.alive = False
        self.journal.append(f"stop {self.name}")

    def is_running(self) -> bool:
        return self.alive


class FakeTime:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def journal():
    return []


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def supervisor(journal, time):
    return Supervisor(journal.append, monotonic=time)


def test_what_was_started_last_is_stopped_first(supervisor, journal):
    for name in ("a", "b"):
        supervisor.start(FakeService(name, journal))
    supervisor.stop()
    assert journal == ["start a", "start b", "stop b", "stop a"]


def test_a_start_that_failed_is_stopped_with_the_rest(supervisor, journal):
    broken = FakeService("a", journal)
    broken.broken = True
    with pytest.raises(RejectedError):
        supervisor.start(broken)
    supervisor.stop()
    assert journal == ["stop a"]


def test_a_dead_service_comes_back_after_the_wait_and_not_before(supervisor, journal, time):
    service = FakeService("a", journal)
    supervisor.start(service)
    service.alive = False
    assert supervisor.tick() == []
    time.now += FIRST_WAIT_S
    assert supervisor.tick() == ["a"]
    assert service.alive


def test_the_wait_doubles_to_a_limit_and_a_refusal_is_said(supervisor, journal, time):
    service = FakeService("a", journal)
    supervisor.start(service)
    service.alive, service.broken = False, True
    waits = []
    for _ in range(9):
        supervisor.tick()
        waits.append(float(journal[-1].rsplit(" ", 2)[1]))
        time.now += waits[-1]
        supervisor.tick()
        assert "a is broken" in journal
    assert waits[:3] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert waits[-1] == LONGEST_WAIT_S


def test_a_calm_minute_makes_the_wait_small_again(supervisor, journal, time):
    service = FakeService("a", journal)
    supervisor.start(service)
    for _ in range(4):
        service.alive = False
        supervisor.tick()
        time.now += LONGEST_WAIT_S
        supervisor.tick()
    time.now += 61
    supervisor.tick()
    service.alive = False
    supervisor.tick()
    assert journal[-1].endswith(f"{FIRST_WAIT_S:.1f} s")


def test_nothing_is_started_again_once_stopping(supervisor, journal, time):
    service = FakeService("a", journal)
    supervisor.start(service)
    supervisor.stopping.set()
    service.alive = False
    supervisor.tick()
    time.now += LONGEST_WAIT_S
    assert supervisor.tick() == []
