"""/docs: the API's reference from its OpenAPI document, in one page that needs no other server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any, Final

from fastapi import FastAPI
from starlette.responses import HTMLResponse

_STYLE: Final = """body{font-family:system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;line-height:1.45}
h2{margin:2rem 0 .2rem;font-size:1.05rem}code,pre{background:#f3f3f1;border-radius:4px;padding:.1rem .3rem}
pre{padding:.6rem;overflow:auto}b{display:inline-block;min-width:3.5rem}@media(prefers-color-scheme:dark){
body{background:#161614;color:#e8e6e0}code,pre{background:#2a2925}a{color:#9cc4ff}}"""


def install_reference(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse("".join(_page(app.openapi())))


def _page(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield f'<!doctype html><html lang="pt-BR"><meta charset="utf-8"><title>{escape(info["title"])}</title>'
    yield f"<style>{_STYLE}</style><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
    yield f"<p>{escape(info.get('description', ''))}</p>"
    yield '<p>O mesmo para programas: <a href="/openapi.json">/openapi.json</a>.</p>'
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield from _operation(document, path, method, operation)


def _operation(
    document: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> Iterator[str]:
    yield f"<h2><b>{method.upper()}</b> <code>{escape(path)}</code></h2>"
    yield f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"
    for one in operation.get("parameters", ()):
        words = escape(one.get("description", ""))
        yield f"<div><code>{escape(one['name'])}</code> ({escape(one['in'])}) {words}</div>"
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        shape = json.dumps(_resolved(document, body["schema"]), ensure_ascii=False, indent=2)
        yield f"<details><summary>corpo</summary><pre>{escape(shape)}</pre></details>"
    answers = ", ".join(
        f"{code} {escape(a['description'])}" for code, a in operation["responses"].items()
    )
    yield f"<p>{answers}</p>"


def _resolved(document: dict[str, Any], schema: Any) -> Any:
    if isinstance(schema, dict) and "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return document["components"]["schemas"][name]
    if isinstance(schema, dict) and "anyOf" in schema:
        return {**schema, "anyOf": [_resolved(document, one) for one in schema["anyOf"]]}
    return schema
