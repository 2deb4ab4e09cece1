"""Every refusal as RFC 9457 problem details: what was wrong, where, and what would be right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from domain.errors import InvalidInputError, NotFoundError, RejectedError, TransientError
from telemetry.metrics import UNEXPECTED_ERRORS

log = structlog.get_logger()

MEDIA_TYPE: Final = "application/problem+json"
TITLES: Final[Mapping[int, str]] = {
    400: "Pedido malformado",
    401: "Entre para continuar",
    403: "Seu perfil não permite isto",
    404: "Não encontrado",
    405: "Método não aceito aqui",
    409: "Conflito com o estado atual",
    413: "Grande demais",
    415: "Formato não aceito",
    422: "Dados inválidos",
    429: "Muitos pedidos",
    500: "Erro interno",
    503: "Indisponível agora",
}


class ProblemError(Exception):
    """Answered as it stands; `detail` is for the caller to read and never holds a secret."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors


def problem_body(
    status: int, detail: str, request_id: str, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    if errors:
        body["errors"] = errors
    return body


def to_problem(error: Exception) -> ProblemError:
    """The answer to an error of ours; unknown ones say nothing of themselves."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, NotFoundError):
        return ProblemError(404, "Não existe, ou não é visível para o seu perfil.")
    if isinstance(error, InvalidInputError):
        where = [{"field": error.field, "problem": error.reason}]
        return ProblemError(422, str(error), errors=where)
    if isinstance(error, RejectedError):
        return ProblemError(409, str(error))
    if isinstance(error, TransientError):
        wait = str(math.ceil(error.retry_after_s or 1))
        return ProblemError(503, "Tente de novo em instantes.", headers={"Retry-After": wait})
    return ProblemError(
        500, "Algo falhou do nosso lado; o erro foi registrado com este request_id."
    )


def install_problems(app: FastAPI) -> None:
    app.add_exception_handler(ProblemError, _answer_ours)
    app.add_exception_handler(RejectedError, _answer_ours)
    app.add_exception_handler(TransientError, _answer_ours)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)


def answer(request_id: str, problem: ProblemError) -> Response:
    return JSONResponse(
        problem_body(problem.status, problem.detail, request_id, problem.errors),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def answer_unexpected(request_id: str, error: Exception) -> Response:
    """For the outermost layer: logs the trace, tells the caller nothing but the id."""
    UNEXPECTED_ERRORS.labels(type(error).__name__).inc()
    log.error("api.failed", request_id=request_id, exc_info=error)
    return answer(request_id, to_problem(error))


def request_id_of(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))


async def _answer_ours(request: Request, error: Exception) -> Response:
    return answer(request_id_of(request), to_problem(error))


async def _answer_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return answer_unexpected(request_id_of(request), error)
    details = {
        404: "Nenhum endereço com este nome; a lista está em /docs.",
        405: "Este endereço existe, mas não com este método.",
    }
    detail = details.get(error.status_code, str(error.detail))
    problem = ProblemError(error.status_code, detail, headers=error.headers)
    return answer(request_id_of(request), problem)


async def _answer_validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        return answer_unexpected(request_id_of(request), error)
    places = [
        {"field": ".".join(str(part) for part in one["loc"]), "problem": str(one["msg"])}
        for one in error.errors()
    ]
    detail = "; ".join(f"{place['field']}: {place['problem']}" for place in places[:5])
    return answer(request_id_of(request), ProblemError(422, detail, errors=places))
