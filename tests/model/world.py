"""A whole Vitrine of real cores on fake ports in virtual time: who runs where, and how to kill it.

Real: IntakeGroup, Announcer, StatusKeeper, Residents, ConversationCore, TurnRun, SendCore, OutboxKeeper,
ClockCore. Fake: the database, Meta, the model, the network between them.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

import actors.sender.core
import domain.ids
from actors.clock.core import ClockCore
from actors.conversation.ports import House, Ports
from actors.conversation.residents import Residents
from actors.conversation.turn_gate import TurnGate
from actors.rounds import every
from actors.sender.core import SendCore
from actors.sender.keeper import OutboxKeeper, StatusKeeper
from api.intake_group import IntakeGroup
from api.webhook import Announcer, WebhookParts
from config.limits import TURNS_AT_ONCE
from domain.consent import ConsentRule
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId, OperatorId, PhysicalNumberId, new_id
from domain.inbound import InboundItem
from domain.ownership import Host
from domain.turn import QuietRule
from routing.shards import bucket_of
from storage.human_actions import Acting
from storage.pool import AWAY
from storage.receipts import Received
from tests.factories import make_rules
from tests.fakes.conversations import FakeConversations
from tests.fakes.database import FakeDatabase
from tests.fakes.human_actions import FakeHumanActions
from tests.fakes.intake import FakeIntake
from tests.fakes.merge import FakeMerges
from tests.fakes.meta import FakeMeta, MetaChannel
from tests.fakes.outbox import FakeOutbox
from tests.fakes.processes import Network, Process, own_tasks
from tests.fakes.statuses import FakeStatuses
from tests.fakes.timers import FakeTimers
from tests.fakes.virtual_time import VirtualTimeLoop
from tests.model.agent import NamingAgent
from tests.model.stand_ins import CrossingIntake, Doorbell, NoTracer, NumberPool, Pace

#: The modules whose generator and whose clock a run replaces by its own.
IDS: Final[Any] = domain.ids
SENDING: Final[Any] = actors.sender.core

FACADE: Final = PhysicalNumberId("106000000000001")
OWNERS: Final = ("owner-a", "owner-b")
DOORS: Final = ("webhook-a", "webhook-b")
KEEPERS: Final = ("sender", "clock")
EVERYBODY: Final = (*OWNERS, *DOORS, *KEEPERS)


@dataclass
class Bells:
    """Shares of rings that are lost and doubled, and the seconds the rest take."""

    lost: float = 0.0
    doubled: float = 0.0
    way: tuple[float, float] = (0.001, 0.01)


class World:
    """Nothing runs between two calls of `loop.advance`, `loop.finish` or `loop.until`."""

    def __init__(
        self,
        seed: int,
        *,
        shuffled: bool = True,
        quiet: QuietRule | None = None,
        idle_s: float = 20,
        turns_at_once: int = TURNS_AT_ONCE,
        processes: Sequence[str] = EVERYBODY,
    ) -> None:
        self.dice = Random(seed)
        # Ids decide who hosts a conversation: drawn from the seed too, a run can be played again.
        self._new_ids, IDS.uuid7 = IDS.uuid7, _ids_of(seed)
        self.loop = VirtualTimeLoop(seed if shuffled else None)
        # A slow machine is no process that was held up between claim and POST.
        self._real_time = SENDING.time
        SENDING.time = SimpleNamespace(perf_counter=self.loop.time)
        own_tasks(self.loop)
        self.network = Network(self.loop, self.dice)
        self.db = FakeDatabase(self.loop.datetime)
        self.db.add_number(FACADE)
        self.bells = Bells()
        self.meta = FakeMeta(self.loop, self.loop.datetime, self.dice, self._door)
        self.agent = NamingAgent(self.dice)
        self.house = House(
            company="Loja Exemplo",
            timezone="America/Sao_Paulo",
            hours="das 9h às 18h",
            rules=make_rules(
                consent=ConsentRule.EXPLICIT,
                **({} if quiet is None else {"quiet": quiet}),
            ),
        )
        self.turns_at_once = turns_at_once
        self.idle_after = timedelta(seconds=idle_s)
        #: Seconds a message waits for a pacing slot; the tests turn it.
        self.pace_s: Callable[[], float] = lambda: 0.0
        self.rest_after_failure_s = 0.2
        #: Who hosts a conversation now: one, or two for a moment.
        self.owners_of: dict[ConversationId, list[str]] = {}
        self.processes: dict[str, Process] = {}
        self.residents: dict[str, Residents] = {}
        self.doors: dict[str, IntakeGroup] = {}
        self._intake_since: datetime | None = None
        self.people = Process("api", self.network)
        self.acts = self.people.remote(FakeHumanActions(self.db))
        self.operator = OperatorId(new_id())
        self.db.operators[self.operator] = "Bia"
        for name in processes:
            self.start(name)

    # ---- processes

    def start(self, name: str) -> None:
        """Starts a process unless it lives."""
        if name in self.processes:
            return
        process = Process(name, self.network)
        self.processes[name] = process
        self.loop.finish(self._open(process))

    def kill(self, name: str) -> None:
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.kill()
        self.residents.pop(name, None)
        self.doors.pop(name, None)
        if not self.doors:
            self._intake_since = None

    def start_twice(self, owner: str) -> None:
        """Ray lost sight of a host that lives: another start takes its lease and gets its rings."""
        if self.processes.pop(owner, None) is not None:
            self.start(owner)

    async def _open(self, process: Process) -> None:
        if process.name in OWNERS:
            self._open_owner(process)
        elif process.name in DOORS:
            self._open_door(process)
        elif process.name == "sender":
            self._open_sender(process)
        else:
            self._open_clock(process)

    def sender_of(self, process: Process) -> SendCore:
        return SendCore(
            outbox=process.remote(FakeOutbox(self.db)),
            pace=Pace(lambda: self.pace_s()),  # noqa: PLW0108 - the tests turn it
            channels=MetaChannel(process, self.meta),
            reports=NumberPool(),
            tracer=NoTracer(),
            name=process.name,
        )

    def ports_of(self, process: Process, sender: SendCore) -> Ports:
        host = Host(name=process.name, incarnation=new_id(), shard=OWNERS.index(process.name))
        self.db.leases[host.name] = host.incarnation
        return Ports(
            conversations=process.remote(FakeConversations(self.db, host=host.name)),
            merges=process.remote(FakeMerges(self.db)),
            doorbell=self.doorbell(process),
            agent=self.agent,
            dispatcher=sender,
            presence=sender,
            numbers=process.remote(NumberPool()),
            tracer=NoTracer(),
            house=self.house,
            host=host,
            turns=TurnGate(self.turns_at_once),
            place={"name": process.name, "node": "n", "pid": 1},
        )

    def _open_owner(self, process: Process) -> None:
        residents = Residents(
            self.ports_of(process, self.sender_of(process)),
            idle_after=self.idle_after,
            on_moved=lambda row, _: self._pass_on(process, row),
            rest_after_failure_s=self.rest_after_failure_s,
        )
        self.residents[process.name] = residents
        _ = process.start(self._wake_unworked(process, residents), name="wake")

    async def _wake_unworked(self, process: Process, residents: Residents) -> None:
        """As ConversationShard does after a restart; while the database is away the sweep does it."""
        store = process.remote(FakeConversations(self.db))
        try:
            waiting = await store.list_unworked(older_than_s=0)
        except AWAY:
            return
        for conversation_id in waiting:
            if process.name in self.owners(conversation_id):
                residents.ring(Ring(conversation_id=conversation_id, reason=RingReason.MESSAGE))

    def _open_door(self, process: Process) -> None:
        parts = WebhookParts(
            store=CrossingIntake(process, FakeIntake(self.db)),
            secrets=cast(Any, None),
            doorbell=self.doorbell(process),
            statuses=self._status_keeper(process),
            number_pool=cast(Any, None),
            tracer=NoTracer(),
            clock=cast(Any, None),
        )
        self.doors[process.name] = IntakeGroup(parts.store, Announcer(parts))
        if self._intake_since is None:
            self._intake_since = self.loop.datetime()

    def _open_sender(self, process: Process) -> None:
        keeper = OutboxKeeper(
            outbox=process.remote(FakeOutbox(self.db)),
            dispatcher=self.sender_of(process),
            statuses=self._status_keeper(process),
            health=cast(Any, SimpleNamespace(healthy_since=self._healthy_since)),
            tracer=NoTracer(),
        )
        _ = process.start(every(0.5, keeper.send_due, name="send due"), name="send due")
        _ = process.start(every(1.0, keeper.settle, name="settle"), name="settle")

    def _open_clock(self, process: Process) -> None:
        core = ClockCore(
            timers=process.remote(FakeTimers(self.db)),
            unworked=process.remote(FakeConversations(self.db)),
            waiting=cast(Any, SimpleNamespace(adopt=_nobody)),
            house=cast(Any, None),
            idempotency=cast(Any, None),
            doorbell=self.doorbell(process),
        )
        _ = process.start(every(1.0, core.fire_timers, name="timers"), name="timers")
        _ = process.start(every(2.0, core.sweep, name="sweep"), name="sweep")

    def _status_keeper(self, process: Process) -> StatusKeeper:
        return StatusKeeper(
            statuses=process.remote(FakeStatuses(self.db)),
            doorbell=self.doorbell(process),
            reports=NumberPool(),
            tracer=NoTracer(),
        )

    # ---- between processes

    def owners(self, conversation_id: ConversationId) -> list[str]:
        home = OWNERS[bucket_of(conversation_id) % len(OWNERS)]
        return self.owners_of.get(conversation_id, [home])

    def moves(self, conversation_id: ConversationId, where: Sequence[str], *, told: bool) -> None:
        """Rings go there from now on; `told`: the table of shards names the last of them the owner."""
        self.owners_of[conversation_id] = list(where)
        if told:
            self.db.shards[conversation_id] = OWNERS.index(where[-1])
        else:
            self.db.shards.pop(conversation_id, None)

    def _pass_on(self, process: Process, conversation_id: ConversationId) -> None:
        """As the shard does: what it was rung for is rung where the table says."""
        owner = OWNERS[self.db.shards.get(conversation_id, OWNERS.index(process.name))]
        if process.alive:
            self.bell(Ring(conversation_id=conversation_id, reason=RingReason.MESSAGE), to=(owner,))

    def doorbell(self, process: Process) -> Doorbell:
        return Doorbell(process, self.bell)

    def bell(self, ring: Ring, *, to: Sequence[str] | None = None) -> None:
        """One ring on its way: lost, doubled, late, or for a process that is dead by then."""
        if self.network.happens(self.bells.lost):
            return
        for _ in range(2 if self.network.happens(self.bells.doubled) else 1):
            way = self.dice.uniform(*self.bells.way)
            self.loop.call_later(way, self._ring, ring, to, context=Context())

    def _ring(self, ring: Ring, to: Sequence[str] | None) -> None:
        for name in to or self.owners(ring.conversation_id):
            residents, process = self.residents.get(name), self.processes.get(name)
            if residents is not None and process is not None:
                process.run(lambda r=residents: r.ring(ring))  # type: ignore[misc]

    async def _door(self, items: Sequence[InboundItem]) -> bool:
        """One POST of Meta's to a replica that lives; it gives up after a while."""
        living = sorted(self.doors)
        if not living:
            return False
        name = self.dice.choice(living)
        group, process = self.doors[name], self.processes[name]
        request = Received(body=b"", items=tuple(items), at=self.loop.datetime())
        task = process.start(_submit(group, request), name="webhook")
        done, _ = await asyncio.wait([task], timeout=20)
        return bool(done) and not task.cancelled() and task.result()

    async def _healthy_since(self) -> datetime | None:
        return self._intake_since

    # ---- people of ours

    def act(self, work: Awaitable[object], *rings: Ring) -> object:
        """A person's act through the API, with the rings the API sends after it. None: it failed."""

        async def acted() -> object:
            try:
                done = await work
            except AWAY:
                return None
            for ring in rings:
                self.bell(ring)
            return done

        return self.loop.finish(acted())

    def acting(self) -> Acting:
        return Acting(
            operator_id=self.operator, audit_name="Bia", row_scope=None, at=self.loop.datetime()
        )

    def end(self) -> None:
        for name in list(self.processes):
            self.kill(name)
        self.loop.end()
        IDS.uuid7 = self._new_ids
        SENDING.time = self._real_time


def _ids_of(seed: int) -> Callable[[], UUID]:
    serial, dice = itertools.count(1), Random(seed)
    return lambda: UUID(int=next(serial) << 64 | dice.getrandbits(64))


async def _submit(group: IntakeGroup, request: Received) -> bool:
    try:
        await group.submit(request)
    except AWAY:
        return False
    return True


async def _nobody(*, limit: int = 100) -> list[Ring]:
    return []
