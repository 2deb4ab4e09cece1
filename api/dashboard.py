"""The dashboard's files under /app: its own routes all answer index.html."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from typing_extensions import override

_NOT_BUILT: Final = """<!doctype html><html lang="pt-BR"><meta charset="utf-8"><title>Vitrine</title>
<body style="font-family: sans-serif; max-width: 40rem; margin: 4rem auto; line-height: 1.5">
<h1>O painel ainda não foi construído</h1>
<p>Rode <code>make run</code>, ou, dentro de <code>dashboard/</code>, <code>npm ci</code> e depois
<code>npm run build</code>; esta página então vira o painel, sem reiniciar nada.</p>
<p>A API já responde: <a href="/docs">/docs</a>.</p></body></html>"""


class Dashboard(StaticFiles):
    """Hashed assets for ever, index.html asked for anew each time."""

    def __init__(self, dist: Path) -> None:
        super().__init__(directory=dist, check_dir=False)
        self._dist = dist

    @override
    async def check_config(self) -> None:
        """A missing folder is answered with a page, not refused: it may be built any time."""

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        if not (self._dist / "index.html").is_file():
            return HTMLResponse(_NOT_BUILT, headers={"Cache-Control": "no-store"})
        name = PurePosixPath(path.replace("\\", "/"))
        try:
            response = await super().get_response("index.html" if path == "." else path, scope)
        except HTTPException as error:
            # A route of the dashboard has no suffix; a missing file has.
            if error.status_code != 404 or name.suffix:
                raise
            response = await super().get_response("index.html", scope)
        hashed = name.parts[:1] == ("assets",) and response.status_code in {200, 304}
        caching = "public, max-age=31536000, immutable" if hashed else "no-cache"
        response.headers["Cache-Control"] = caching
        return response


def mount_dashboard(app: FastAPI, dist: Path) -> None:
    @app.get("/", include_in_schema=False)
    async def home() -> Response:
        return RedirectResponse("/app/", status_code=307)

    @app.get("/app", include_in_schema=False)
    async def without_slash() -> Response:
        return RedirectResponse("/app/", status_code=307)

    app.mount("/app", Dashboard(dist), name="dashboard")
