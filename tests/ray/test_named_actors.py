"""`ray list actors` shows the runtime by name."""

from __future__ import annotations

import httpx
import pytest

from tests.running import RunningVitrine, living_in, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]


def test_ray_lists_conversations_shards_and_the_number_pool_by_name(vitrine: RunningVitrine):
    supervisor = vitrine.login()
    _, own = living_in(vitrine, supervisor, "own")
    token = (vitrine.folder / "ray-token").read_text().strip()

    def names() -> set[str]:
        answer = httpx.get(
            f"{vitrine.record['ray_dashboard_url']}/api/v0/actors",
            params={"limit": 1000, "detail": True, "timeout": 10},
            headers={"Authorization": f"Bearer {token}"},
            timeout=15,
        )
        answer.raise_for_status()
        rows = answer.json()["data"]["result"]["result"]
        return {row["name"] for row in rows if row["state"] == "ALIVE"}

    wanted = {own, "conversations/0", "number_pool", "sender", "clock"}
    wait_for("all named actors", lambda: wanted <= names())
