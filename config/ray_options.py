"""Every Ray and Serve option per actor, in one table. A test adds them up for two cores.

`num_cpus` is tiny on purpose: it is what the scheduler counts, not what a process may use, and two
cores must hold everything. `memory` is what the scheduler sets aside.
"""

from __future__ import annotations

from typing import Any, Final

_MIB: Final = 2**20

#: Restarted for ever; task events off, since they cost the head more than they tell.
_ALWAYS: Final[dict[str, Any]] = {
    "max_restarts": -1,
    "max_task_retries": 0,  # a call is a hint; repeating it is the sweeper's business
    "enable_task_events": False,
}

ACTORS: Final[dict[str, dict[str, Any]]] = {
    "shared": {**_ALWAYS, "num_cpus": 0.05, "memory": 300 * _MIB, "max_concurrency": 1000},
    "own": {**_ALWAYS, "num_cpus": 0.01, "memory": 120 * _MIB, "max_concurrency": 100},
    "number_pool": {**_ALWAYS, "num_cpus": 0.01, "memory": 120 * _MIB, "max_concurrency": 1000},
    "sender": {**_ALWAYS, "num_cpus": 0.05, "memory": 150 * _MIB, "max_concurrency": 100},
    "clock": {**_ALWAYS, "num_cpus": 0.01, "memory": 120 * _MIB, "max_concurrency": 100},
}

REPLICAS: Final[dict[str, dict[str, Any]]] = {
    "webhook": {"num_cpus": 0.05, "memory": 250 * _MIB},
    "api": {"num_cpus": 0.05, "memory": 300 * _MIB},
}

#: PostgreSQL connections per process kind; the start checks their sum against the server.
POOL_SIZES: Final[dict[str, int]] = {
    "shared": 4,
    "own": 1,
    "number_pool": 1,
    "sender": 4,
    "scaling": 1,
    "clock": 2,  # a slow check of the invariants must not hold back the timers
    "webhook": 4,
    "api": 4,
}


def actor_options(kind: str) -> dict[str, Any]:
    """The options of one kind of actor."""
    return dict(ACTORS[kind])
