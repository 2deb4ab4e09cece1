"""The phone page: three static files, no build step."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

_HERE = Path(__file__).parent
_FILES = {"app.js": "text/javascript", "style.css": "text/css"}


def page_routes() -> list[Route]:
    async def index(_request: Request) -> Response:
        return FileResponse(
            _HERE / "index.html", media_type="text/html", headers={"Cache-Control": "no-cache"}
        )

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _FILES:
            return Response(status_code=404)
        return FileResponse(
            _HERE / name, media_type=_FILES[name], headers={"Cache-Control": "no-cache"}
        )

    async def root(_request: Request) -> Response:
        return RedirectResponse("/sandbox")

    return [
        Route("/", root),
        Route("/sandbox", index),
        Route("/sandbox/", index),
        Route("/sandbox/{name}", file),
    ]
