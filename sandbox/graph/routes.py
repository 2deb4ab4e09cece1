"""`/graph/{version}/…`: the parts of the Graph API a contact centre calls."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.config import APP_ID, WABA_ID
from sandbox.graph.errors import GraphError, required
from sandbox.graph.templates import webhook_value
from sandbox.ids import new_trace_id
from sandbox.numbers import Number, health_fields
from sandbox.world import World

OLDEST_VERSION = 21
HANG_S = 120.0
EDGE_503 = (
    "<!DOCTYPE html><html><head><title>Error</title></head>"
    "<body><h1>503 Service Unavailable</h1></body></html>"
)
Handler = Callable[[Request], Awaitable[Any]]


def reset_connection(request: Request) -> None:
    """Abort the TCP connection under this request, as a broken edge would."""
    transport = request.scope.get("sandbox.transport")
    if transport is not None:
        transport.abort()


class GraphRoutes:
    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        base = "/graph/{version}"

        def route(path: str, handler: Handler, *methods: str) -> Route:
            return Route(base + path, self._wrapped(handler), methods=list(methods))

        return [
            route("/debug_token", self.debug_token, "GET"),
            route("/{node}/messages", self.messages, "POST"),
            route("/{node}/marketing_messages", self.marketing, "POST"),
            route("/{node}/media", self.upload, "POST"),
            route("/{node}/message_templates", self.templates, "GET", "POST", "DELETE"),
            route("/{node}/subscribed_apps", self.subscribed_apps, "GET", "POST", "DELETE"),
            route("/{node}/phone_numbers", self.phone_numbers, "GET"),
            route("/{node}/unpause", self.unpause, "POST"),
            route("/{node}/block_users", self.block_users, "POST", "DELETE"),
            route("/{node}/{action}", self.accepted, "GET", "POST"),
            route("/{node}", self.node, "GET", "POST", "DELETE"),
            Route("/lookaside/", self.lookaside, methods=["GET"]),
        ]

    def _wrapped(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def run(request: Request) -> Response:
            faults = self.world.faults
            if faults.graph_latency_ms:
                await asyncio.sleep(faults.graph_latency_ms / 1000)
            early = await self._down(request, before=True)
            if early is not None:
                return early
            try:
                self._check_access(request)
                answer = await handler(request)
            except GraphError as error:
                return _json(error.body(), error.http)
            late = await self._down(request, before=False)
            return late or _json(answer)

        return run

    async def _down(self, request: Request, *, before: bool) -> Response | None:
        """Meta's bad days; `*_accepted` modes do the work first and then say nothing."""
        mode = self.world.faults.meta
        if mode == "up" or mode.endswith("_accepted") is before:
            return None
        if mode == "html503":
            return HTMLResponse(EDGE_503, status_code=503)
        if mode.startswith("timeout"):
            await asyncio.sleep(HANG_S)
        reset_connection(request)
        return Response(status_code=503)

    def _check_access(self, request: Request) -> None:
        version = re.fullmatch(r"v(\d+)\.\d+", request.path_params["version"])
        if version is None:
            raise GraphError(100, "Unknown path components.")
        if int(version[1]) < OLDEST_VERSION:
            raise GraphError(2635, "Please update to a newer version of the API.")
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        given = given or request.query_params.get("access_token", "")
        if given != self.world.config.access_token:
            raise GraphError(
                190, "The access token is invalid.", message="Invalid OAuth access token."
            )

    def _number(self, request: Request) -> Number:
        node = request.path_params["node"]
        number = self.world.numbers.get(node)
        if number is None:
            raise unknown_node(node)
        return number

    async def _body(self, request: Request) -> Any:
        raw = await request.body()
        if not raw:
            return {}
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise GraphError(100, "The request body is not valid JSON.") from error

    # -- messages and media

    async def messages(self, request: Request) -> Any:
        return self.world.outbound.post(self._number(request), await self._body(request))

    async def marketing(self, request: Request) -> Any:
        body = await self._body(request)
        return self.world.outbound.post(self._number(request), body, marketing_only=True)

    async def upload(self, request: Request) -> Any:
        number = self._number(request)
        async with request.form() as form:
            if form.get("messaging_product") != "whatsapp":
                raise required("messaging_product")
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise required("file")
            mime_type = file.content_type or str(form.get("type") or "application/octet-stream")
            return {"id": self.world.media.upload(await file.read(), mime_type, pnid=number.id)}

    async def lookaside(self, request: Request) -> Response:
        """The short-lived address of a file; 401 without the token, 404 when too old."""
        if request.headers.get("authorization") != f"Bearer {self.world.config.access_token}":
            return Response(status_code=401)
        query = request.query_params
        try:
            found = self.world.media.open(
                query.get("mid", ""), int(query.get("ext", "0")), query.get("hash", "")
            )
        except ValueError:
            found = None
        if found is None:
            return Response(status_code=404)
        return Response(found[0], media_type=found[1])

    # -- nodes

    async def node(self, request: Request) -> Any:
        node = request.path_params["node"]
        if node in self.world.numbers:
            return await self._number_node(request, self.world.numbers[node])
        if node == WABA_ID:
            health = {"can_send_message": "AVAILABLE", "entities": []}
            return {
                "id": WABA_ID,
                "name": "Mercante Demo",
                "currency": "BRL",
                "health_status": health,
            }
        if node in self.world.templates.all:
            return await self._template_node(request, node)
        if request.method == "DELETE":
            if not self.world.media.delete(node):
                raise unknown_node(node)
            return {"success": True}
        described = self.world.media.describe(
            node, pnid=request.query_params.get("phone_number_id")
        )
        if described is None:
            raise unknown_node(node)
        return described

    async def _number_node(self, request: Request, number: Number) -> Any:
        if request.method == "POST":
            hook = (await self._body(request)).get("webhook_configuration") or {}
            number.webhook_configuration = {
                "phone_number": str(hook.get("override_callback_uri", ""))
            }
            return {"success": True}
        everything = health_fields(number, tier=self.world.faults.tier)
        wanted = [
            f.split("{")[0].strip()
            for f in request.query_params.get("fields", "").split(",")
            if f.strip()
        ]
        if not wanted:
            wanted = ["display_phone_number", "verified_name", "quality_rating", "id"]
        return {k: everything[k] for k in dict.fromkeys([*wanted, "id"]) if k in everything}

    async def _template_node(self, request: Request, node: str) -> Any:
        template = self.world.templates.all[node]
        if request.method == "POST":
            self.world.templates.edit(
                template, await self._body(request), review_s=self.world.faults.template_review_s
            )
            return {"success": True}
        if request.method == "DELETE":
            self.world.templates.delete(node)
            return {"success": True}
        return shown_template(template)

    async def accepted(self, request: Request) -> Any:
        """register, deregister, settings, whatsapp_business_profile…: taken and remembered nowhere."""
        self._number(request)
        action = request.path_params["action"]
        if action == "whatsapp_business_profile" and request.method == "GET":
            profile = {"about": "Empresa fictícia de demonstração", "messaging_product": "whatsapp"}
            return {"data": [profile]}
        known = (
            "register",
            "deregister",
            "settings",
            "request_code",
            "verify_code",
            "whatsapp_business_profile",
        )
        if action not in known:
            raise GraphError(100, f"Unknown path components: /{action}")
        return {"success": True}

    async def block_users(self, request: Request) -> Any:
        self._number(request)
        body = await self._body(request)
        done: list[dict[str, str]] = []
        for user in body.get("block_users") or []:
            address = str(user.get("user") or user.get("user_id") or "")
            customer = self.world.people.find(address)
            if customer is None:
                raise GraphError(100, f"{address} is not a WhatsApp user.")
            customer.blocked = request.method == "POST"
            self.world.people.save(customer)
            done.append({"input": address, "wa_id": customer.wa_id or ""})
        key = "added_users" if request.method == "POST" else "removed_users"
        return {"messaging_product": "whatsapp", "block_users": {key: done}}

    # -- account

    def _check_waba(self, request: Request) -> None:
        if request.path_params["node"] != WABA_ID:
            raise unknown_node(request.path_params["node"])

    async def templates(self, request: Request) -> Any:
        self._check_waba(request)
        templates = self.world.templates
        if request.method == "POST":
            made = templates.create(
                await self._body(request), review_s=self.world.faults.template_review_s
            )
            return {"id": made["id"], "status": made["status"], "category": made["category"]}
        query = request.query_params
        if request.method == "DELETE":
            gone = [t["id"] for t in templates.all.values() if t["name"] == query.get("name")]
            for template_id in gone:
                templates.delete(template_id)
            return {"success": bool(gone)}
        chosen = [
            shown_template(t)
            for t in templates.all.values()
            if all(
                str(t[k]) == query[k]
                for k in ("name", "status", "language", "category")
                if k in query
            )
        ]
        start, size = int(query.get("after") or 0), int(query.get("limit") or 100)
        page = chosen[start : start + size]
        answer: dict[str, Any] = {
            "data": page,
            "paging": {"cursors": {"before": str(start), "after": str(start + len(page))}},
        }
        if start + len(page) < len(chosen):
            answer["paging"]["next"] = str(
                request.url.include_query_params(after=start + len(page))
            )
        return answer

    async def unpause(self, request: Request) -> Any:
        template = self.world.templates.all.get(request.path_params["node"])
        if template is None:
            raise unknown_node(request.path_params["node"])
        template["status"] = "APPROVED"
        self.world.templates.save(template)
        self.world.webhooks.emit("message_template_status_update", webhook_value(template))
        return {"success": True}

    async def subscribed_apps(self, request: Request) -> Any:
        self._check_waba(request)
        hooks = self.world.webhooks
        if request.method == "POST":
            body = await self._body(request)
            hooks.subscribed = True
            hooks.override_url = body.get("override_callback_uri")
            hooks.aim(hooks.override_url or self.world.config.webhook_url)
            return {"success": True}
        if request.method == "DELETE":
            hooks.subscribed = False
            return {"success": True}
        app = {"whatsapp_business_api_data": {"id": APP_ID, "name": "Vitrine sandbox", "link": ""}}
        return {"data": [app] if hooks.subscribed else []}

    async def phone_numbers(self, request: Request) -> Any:
        self._check_waba(request)
        tier = self.world.faults.tier
        return {"data": [health_fields(n, tier=tier) for n in self.world.numbers.values()]}

    async def debug_token(self, request: Request) -> Any:
        scopes = ["whatsapp_business_messaging", "whatsapp_business_management"]
        valid = request.query_params.get("input_token") == self.world.config.access_token
        data: dict[str, Any] = {
            "app_id": APP_ID,
            "is_valid": valid,
            "scopes": scopes if valid else [],
        }
        if valid:
            data |= {"type": "SYSTEM_USER", "application": "Vitrine sandbox", "expires_at": 0}
        else:
            data["error"] = {"code": 190, "message": "Malformed access token"}
        return {"data": data}


def shown_template(template: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in template.items() if k != "review_at"}


def unknown_node(node: str) -> GraphError:
    text = (
        f"Unsupported request. Object with ID '{node}' does not exist, cannot be loaded due to missing"
        " permissions, or does not support this operation."
    )
    return GraphError(33, text, message=text)


def _json(body: Any, status: int = 200) -> Response:
    headers = {"x-fb-trace-id": new_trace_id(), "facebook-api-version": "v26.0"}
    return Response(
        orjson.dumps(body), status_code=status, media_type="application/json", headers=headers
    )
