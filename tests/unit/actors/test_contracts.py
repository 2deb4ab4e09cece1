"""What crosses an actor border is a contract: it survives pickling and changes only on purpose."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

import actors.conversation.messages
import actors.number_pool.messages
from actors.conversation.messages import RingConversations
from actors.number_pool.messages import ChooseNumber, ChosenNumber, NumberSignal
from config.limits import DEDICATED_ACTORS_DEFAULT_MOST
from config.ray_options import ACTORS, POOL_SIZES, REPLICAS
from config.settings import read_settings
from domain import errors
from domain.scale import Part
from integrations.whatsapp import errors as whatsapp_errors
from storage.connections import needed_connections
from storage.embedded.postgres import SETTINGS as SERVER_SETTINGS

CONTRACT = {
    "actors.conversation.messages": {"RingConversations": ["rings"]},
    "actors.number_pool.messages": {
        "ChooseNumber": ["conversation_id", "traffic_class", "written_to"],
        "ChosenNumber": ["phone_number_id", "reason"],
        "NumberSignal": ["phone_number_id", "code", "scope", "stops", "reason"],
    },
}
SAMPLES = [
    RingConversations(rings=((UUID(int=1), "message"),)),
    ChooseNumber(conversation_id=UUID(int=1), traffic_class="sales", written_to=None),
    ChosenNumber(phone_number_id="1", reason="x"),
    NumberSignal(phone_number_id="1", code=131031, scope="account", stops=True, reason="x"),
]


@pytest.mark.parametrize("module", [actors.conversation.messages, actors.number_pool.messages])
def test_the_fields_of_the_messages_are_those_agreed(module: ModuleType):
    found = {
        name: [f.name for f in dataclasses.fields(kind)]
        for name, kind in inspect.getmembers(module, dataclasses.is_dataclass)
    }
    assert found == CONTRACT[module.__name__]


@pytest.mark.parametrize("message", SAMPLES, ids=lambda m: type(m).__name__)
def test_every_message_survives_the_trip_between_actors(message: Any):
    assert pickle.loads(pickle.dumps(message)) == message


def all_errors() -> list[type[BaseException]]:
    return [
        kind
        for module in (errors, whatsapp_errors)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, errors.VitrineError) and kind.__module__ == module.__name__
    ]


@pytest.mark.parametrize("kind", all_errors(), ids=lambda k: k.__name__)
def test_every_error_survives_the_trip_between_actors(kind):
    takes = [
        p for p in inspect.signature(kind.__init__).parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty and p.name != "self"
    ]  # fmt: skip
    error = kind(
        *(400 if p.name == "http_status" else None if p.name == "code" else "x" for p in takes)
    )
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)


def test_two_cores_hold_every_actor_and_replica_at_once():
    own = 8
    cpus = sum(ACTORS[k]["num_cpus"] for k in ("shared", "number_pool", "sender", "clock"))
    cpus += own * ACTORS["own"]["num_cpus"] + 2 * sum(r["num_cpus"] for r in REPLICAS.values())
    assert cpus <= 1.0
    assert all(o["num_cpus"] <= 0.05 for o in (*ACTORS.values(), *REPLICAS.values()))


def test_the_connections_of_a_full_house_fit_the_embedded_server():
    most = read_settings(dedicated_actors_max=DEDICATED_ACTORS_DEFAULT_MOST)
    counts = {Part.SHARDS: 4, Part.WEBHOOK: 1, Part.API: 1}
    assert POOL_SIZES["own"] <= 1
    assert needed_connections(most, counts) <= int(SERVER_SETTINGS["max_connections"]) - 3
