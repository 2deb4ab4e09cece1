"""Scaling by the API: a wish is stored, audited and refused where it cannot be had."""

from __future__ import annotations

import pytest

from domain.scale import Part
from storage.scale import ScaleStore
from tests.integration.api.desk import Desk

pytestmark = pytest.mark.postgres


@pytest.fixture
async def scale(desk: Desk) -> ScaleStore:
    store = ScaleStore(desk.pool)
    await store.seed(dict.fromkeys(Part, 1))
    for wish in (await store.list_parts()).values():
        await store.settle(wish)
    return store


async def test_a_wish_stays_open_until_it_is_carried_out(desk, scale):
    asked = await desk.ana.post("/system/scale", json={"part": "shards", "count": 4})
    assert asked.json() == {"part": "shards", "wanted": 4, "settled": False}
    shown = (await desk.bia.get("/system/scale")).json()["items"]
    assert {one["part"]: one["settled"] for one in shown} == {
        "shards": False, "webhook": True, "api": True,
    }  # fmt: skip
    await scale.settle((await scale.list_parts())[Part.SHARDS])
    again = await desk.ana.post("/system/scale", json={"part": "shards", "count": 4})
    assert again.json()["settled"] is True
    line = await desk.pool.fetchrow(
        "SELECT action, target, details FROM audit ORDER BY seq LIMIT 1"
    )
    assert tuple(line) == ("system.scale", "part/shards", {"wanted": 4})


async def test_a_rollout_is_another_wish_each_time(desk, scale):
    for rollout in (2, 3):
        asked = await desk.ana.post("/system/rollout", json={"part": "api"})
        assert asked.json()["settled"] is False
        assert (await scale.list_parts())[Part.API].rollout == rollout
    assert (await desk.ana.post("/system/rollout", json={"part": "shards"})).status_code == 422


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"part": "webhook", "count": 9}, "no máximo 8"),
        ({"part": "shards", "count": 40}, "conexões"),
        ({"part": "shards", "count": 0}, "count"),
        ({"part": "sender", "count": 2}, "part"),
    ],
)
async def test_what_cannot_be_had_is_refused_with_the_reason(desk, scale, body, says):
    refused = await desk.ana.post("/system/scale", json=body)
    assert refused.status_code in {409, 422}
    assert says in refused.text
    assert all(wish.is_settled for wish in (await scale.list_parts()).values())


async def test_only_a_supervisor_scales(desk, scale):
    for person in (desk.bia, desk.caio):
        asked = await person.post("/system/scale", json={"part": "shards", "count": 2})
        assert asked.status_code == 403
        assert (await person.post("/system/rollout", json={"part": "api"})).status_code == 403


async def test_settings_seed_once_and_a_newer_wish_outlives_an_older_one_carried_out(scale):
    await scale.want(Part.SHARDS, 3)
    await scale.seed({Part.SHARDS: 1})
    older = (await scale.list_parts())[Part.SHARDS]
    assert older.wanted == 3
    await scale.want(Part.SHARDS, 5)
    await scale.settle(older)
    assert not (await scale.list_parts())[Part.SHARDS].is_settled
