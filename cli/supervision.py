"""Keeps named services running: one that died is started again, each time a little later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from domain.errors import VitrineError

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 30.0
CALM_S: Final = 60.0  # after a minute without a death the wait starts small again


class Service(Protocol):
    """Something that runs beside us; every method blocks."""

    @property
    def name(self) -> str: ...

    def start(self, give_up: threading.Event | None = None) -> None: ...

    def stop(self) -> None: ...

    def is_running(self) -> bool: ...


@dataclass(slots=True)
class _Watched:
    service: Service
    wait_s: float = FIRST_WAIT_S
    due_at: float | None = None  # monotonic; when the next start is tried
    started_at: float = 0.0


class Supervisor:
    """Starts services in order, stops them in reverse, and restarts those that die in between."""

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._monotonic = monotonic
        self._watched: list[_Watched] = []
        self.stopping = threading.Event()

    def start(self, service: Service) -> None:
        """Starts and from then on watches `service`; what it raises is the caller's."""
        watched = _Watched(service)
        self._watched.append(watched)  # before the start: a start cut short is stopped, too
        service.start(self.stopping)
        watched.started_at = self._monotonic()

    def tick(self) -> list[str]:
        """Looks once; returns the names of those started again. Never raises a service's refusal."""
        return [one.service.name for one in self._watched if self._look(one)]

    def stop(self) -> None:
        """Stops everything that was started, the last one first."""
        self.stopping.set()
        while self._watched:
            self._watched.pop().service.stop()

    def _look(self, one: _Watched) -> bool:
        now = self._monotonic()
        if one.service.is_running():
            if now - one.started_at > CALM_S:
                one.wait_s = FIRST_WAIT_S
            return False
        if one.due_at is None:
            self._say(f"{one.service.name} parou; nova partida em {one.wait_s:.1f} s")
            one.due_at = now + one.wait_s
            one.wait_s = min(one.wait_s * 2, LONGEST_WAIT_S)
        if now < one.due_at or self.stopping.is_set():
            return False
        one.due_at = None
        try:
            one.service.stop()
            one.service.start(self.stopping)
        except VitrineError as refusal:
            self._say(str(refusal))
            return False
        one.started_at = self._monotonic()
        self._say(f"{one.service.name} voltou")
        return True
