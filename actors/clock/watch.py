"""The clock's look at the invariants: one after the other, kept for screens and told to the log."""

from __future__ import annotations

from typing import Protocol

import structlog

from telemetry.invariants import INVARIANTS, Finding, InvariantName, Severity

log = structlog.get_logger()


class InvariantPort(Protocol):
    async def look(self, name: InvariantName) -> Finding: ...
    async def save(self, finding: Finding) -> None: ...


class Watch:
    """Asks every sentence once a round. Two clocks only do it twice."""

    def __init__(self, invariants: InvariantPort) -> None:
        self._invariants = invariants

    async def look(self) -> int:
        """How many sentences do not hold now."""
        violated = 0
        for invariant in INVARIANTS.values():
            finding = await self._invariants.look(invariant.name)
            await self._invariants.save(finding)
            if finding.unchecked is not None:
                log.warning("invariant.unchecked", invariant=invariant.name)
            if finding.violations:
                violated += 1
                say = log.error if invariant.severity is Severity.CRITICAL else log.warning
                say(
                    "invariant.violated",
                    invariant=invariant.name,
                    violations=finding.violations,
                    ids=list(finding.ids),
                )
        return violated
