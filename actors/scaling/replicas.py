"""Serve's replicas by number: through Serve's own REST interface, on the port of the Ray dashboard."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx

from domain.errors import TransientError
from domain.scale import Part

#: Application and deployment of each part, as `serve_app.py` names them.
DEPLOYMENTS: Final = {Part.WEBHOOK: ("webhook", "Webhook"), Part.API: ("api", "Api")}
_SETTLED_TIMEOUT_S: Final = 120.0
_CALL_TIMEOUT_S: Final = 10.0


class Replicas:
    """One cluster's replicas. `url` is the Ray dashboard's, `token` the cluster's."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def scale(self, part: Part, count: int) -> None:
        """Returns when exactly `count` replicas run. No replica that stays is restarted.

        Raises TransientError when Serve refuses or is not there yet after 120 s.
        """
        app, deployment = DEPLOYMENTS[part]
        path = f"/api/v1/applications/{app}/deployments/{deployment}/scale"
        await self._call("POST", path, {"target_num_replicas": count})
        try:
            async with asyncio.timeout(_SETTLED_TIMEOUT_S):
                while await self._states(app, deployment) != ["RUNNING"] * count:  # noqa: ASYNC110
                    await asyncio.sleep(0.5)
        except TimeoutError as error:
            raise TransientError(f"{part}: not {count} replicas after 120 s") from error

    async def _states(self, app: str, deployment: str) -> list[str]:
        found = await self._call("GET", "/api/serve/applications/")
        replicas = found["applications"][app]["deployments"][deployment]["replicas"]
        return [replica["state"] for replica in replicas]

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=_CALL_TIMEOUT_S) as client:
                answer = await client.request(
                    method, f"{self._url}{path}", json=body, headers=self._headers
                )
        except httpx.HTTPError as error:
            raise TransientError(f"{method} {path}: {type(error).__name__}") from error
        if answer.is_error:
            raise TransientError(f"{method} {path}: HTTP {answer.status_code} {answer.text[:200]}")
        return answer.json()
