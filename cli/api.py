"""The running Vitrine's own HTTP API, as a command line uses it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Self

import httpx

from config.settings import Settings
from domain.errors import RejectedError, TransientError

TIMEOUT_S: Final = 10.0


class ApiClient:
    """Signed in as the supervisor of the settings for the length of a `with`."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._settings = settings
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        email, password = self._settings.admin_email, self._settings.admin_password
        if email is None or password is None:
            raise RejectedError("ADMIN_EMAIL e ADMIN_PASSWORD faltam: este comando entra com eles")
        try:
            answer = sign_in(self._client, email, password.get_secret_value())
        except BaseException:
            self._client.close()
            raise
        if answer is None:
            self._client.close()
            message = (
                "a API recusou ADMIN_EMAIL e ADMIN_PASSWORD: a senha foi trocada? ajuste o .env"
            )
            raise RejectedError(message)
        self._client.headers["Authorization"] = f"Bearer {answer}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        return self._call("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise TransientError(f"a API não respondeu a {method} {path}: {error}") from error
        if answer.is_error:
            raise RejectedError(f"a API recusou {method} {path}: {_reason(answer)}")
        return answer.json() if answer.content else None


def sign_in(client: httpx.Client, email: str, password: str) -> str | None:
    """An access token; None when the credentials are refused."""
    try:
        answer = client.post("/auth/login", json={"email": email, "password": password})
    except httpx.HTTPError as error:
        raise TransientError(f"a API não respondeu: {error}") from error
    if answer.status_code in {400, 401, 403, 404, 422}:
        return None
    if answer.is_error:
        raise TransientError(f"a API não deixou entrar: {_reason(answer)}")
    token = answer.json().get("access_token")
    return token if isinstance(token, str) else None


def _reason(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"HTTP {answer.status_code}"
    detail = problem.get("detail") or problem.get("title") if isinstance(problem, dict) else None
    return f"HTTP {answer.status_code}: {detail}" if detail else f"HTTP {answer.status_code}"
