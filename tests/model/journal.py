"""What the code under test logged as failed: a trouble of this run's, or a defect."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from storage.pool import AWAY
from tests.model.agent import DefectiveModelError

_EXPECTED = (*AWAY, DefectiveModelError)


class Journal:
    """Collects failures instead of printing; `close` gives the log back."""

    def __init__(self) -> None:
        self._before = structlog.get_config()
        self._found: list[str] = []
        structlog.configure(
            processors=[self._look],
            wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
            cache_logger_on_first_use=False,
        )

    def _look(
        self, _logger: object, _level: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        given = event.get("exc_info")
        failure = given if isinstance(given, BaseException) else sys.exc_info()[1]
        if not isinstance(failure, _EXPECTED):
            self._found.append(f"{event.get('event')}: {failure!r}")
        raise structlog.DropEvent

    def defects(self) -> list[str]:
        return self._found

    def close(self) -> None:
        structlog.configure(**self._before)
