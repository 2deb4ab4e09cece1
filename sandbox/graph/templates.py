"""Message templates: creation, review after some seconds, and the check of a send's parameters."""

from __future__ import annotations

import re
import time
from typing import Any

import orjson

from sandbox.graph.errors import GraphError, required, too_long
from sandbox.ids import new_graph_id
from sandbox.store import Store

_VARIABLE = re.compile(r"\{\{\s*([a-z0-9_]+)\s*\}\}")
_EDITABLE = ("APPROVED", "REJECTED", "PAUSED")
CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")

Template = dict[str, Any]


def seed_templates() -> list[Template]:
    """What the fictitious company had approved before the first start."""

    def body(text: str, *buttons: str) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = [{"type": "BODY", "text": text}]
        if buttons:
            parts.append(
                {
                    "type": "BUTTONS",
                    "buttons": [{"type": "QUICK_REPLY", "text": b} for b in buttons],
                }
            )
        return parts

    rows = (
        ("retomar_conversa", "UTILITY", body("Olá, {{1}}! Temos uma resposta para a sua solicitação. Podemos continuar por aqui?", "Continuar", "Agora não")),
        ("confirmar_identidade", "UTILITY", body("Olá! Precisamos falar com {{1}} sobre um assunto da Mercante Demo. Este é o número certo?", "Sou eu", "Não sou eu")),
        ("aviso_vencimento", "UTILITY", body("Olá, {{1}}. A fatura {{2}} no valor de {{3}} venceu em {{4}}. Podemos ajudar?", "Pagar agora", "Falar com pessoa")),
        ("renovacao_proxima", "UTILITY", body("Olá, {{1}}. Sua assinatura do plano {{2}} termina em {{3}}. Deseja conversar sobre a renovação?", "Sim", "Agora não")),
        ("oferta_retorno", "MARKETING", body("Olá, {{1}}! Sentimos sua falta na Mercante Demo. Quer conhecer as novidades?", "Quero ver", "Parar promoções")),
    )  # fmt: skip
    return [
        {
            "id": str(1689556908129800 + index),
            "name": name,
            "language": "pt_BR",
            "category": category,
            "status": "APPROVED",
            "parameter_format": "POSITIONAL",
            "components": components,
            "quality_score": {"score": "GREEN"},
            "rejected_reason": "NONE",
        }
        for index, (name, category, components) in enumerate(rows)
    ]


class Templates:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.all: dict[str, Template] = {}
        for row in store.rows("SELECT body FROM templates"):
            template = orjson.loads(row["body"])
            self.all[template["id"]] = template
        if not self.all:
            for template in seed_templates():
                self.save(template)

    def save(self, template: Template) -> None:
        self.all[template["id"]] = template
        self._store.write(
            "INSERT OR REPLACE INTO templates (id, body) VALUES (?, ?)",
            (template["id"], orjson.dumps(template).decode()),
        )

    def delete(self, template_id: str) -> None:
        del self.all[template_id]
        self._store.write("DELETE FROM templates WHERE id = ?", (template_id,))

    def create(self, body: dict[str, Any], *, review_s: float) -> Template:
        for key in ("name", "language", "category", "components"):
            if not body.get(key):
                raise required(key)
        name = str(body["name"])
        if not re.fullmatch(r"[a-z0-9_]{1,512}", name):
            raise GraphError(100, "Template names are lower-case letters, digits and underscores.")
        if body["category"] not in CATEGORIES:
            raise GraphError(100, f"category must be one of {', '.join(CATEGORIES)}.")
        if self.find(name, str(body["language"])):
            raise GraphError(100, "There is already content in this language for this template.")
        _check_components(body["components"])
        template: Template = {
            "id": new_graph_id(),
            "name": name,
            "language": str(body["language"]),
            "category": body["category"],
            "status": "PENDING",
            "parameter_format": body.get("parameter_format", "POSITIONAL"),
            "components": body["components"],
            "quality_score": {"score": "UNKNOWN"},
            "rejected_reason": "NONE",
            "review_at": time.time() + review_s,
        }
        self.save(template)
        return template

    def edit(self, template: Template, body: dict[str, Any], *, review_s: float) -> None:
        if template["status"] not in _EDITABLE:
            raise GraphError(100, "This template cannot be edited in its status.")
        if "components" in body:
            _check_components(body["components"])
            template["components"] = body["components"]
        template["category"] = body.get("category", template["category"])
        template["status"] = "PENDING"
        template["review_at"] = time.time() + review_s
        self.save(template)

    def find(self, name: str, language: str) -> Template | None:
        return next(
            (t for t in self.all.values() if t["name"] == name and t["language"] == language), None
        )

    def due_reviews(self) -> list[Template]:
        now = time.time()
        return [
            t
            for t in self.all.values()
            if t["status"] == "PENDING" and t.get("review_at", 0) <= now
        ]

    def review(self, template: Template) -> None:
        """Approve, or reject what Meta would: a name with `rejeitar`, a variable at an edge."""
        bad = "rejeitar" in template["name"]
        template["status"] = "REJECTED" if bad else "APPROVED"
        template["rejected_reason"] = "INVALID_FORMAT" if bad else "NONE"
        template["quality_score"] = {"score": "UNKNOWN" if bad else "GREEN"}
        self.save(template)

    def check_send(self, sent: dict[str, Any]) -> Template:
        """The approved template a send names; raises the code Meta would."""
        template = self.find(str(sent["name"]), str(sent["language"]["code"]))
        if template is None or template["status"] in ("PENDING", "REJECTED", "DELETED"):
            raise GraphError(
                132001,
                f"template name ({sent['name']}) does not exist in {sent['language']['code']}",
            )
        if template["status"] == "PAUSED":
            raise GraphError(132015, "The template is paused because of its quality.")
        if template["status"] == "DISABLED":
            raise GraphError(132016, "The template was paused too many times and is disabled.")
        for kind in ("HEADER", "BODY"):
            _check_parameters(template, sent, kind)
        return template


def webhook_value(template: Template) -> dict[str, Any]:
    """`message_template_status_update`: ids are integers here."""
    value: dict[str, Any] = {
        "event": template["status"],
        "message_template_id": int(template["id"]),
        "message_template_name": template["name"],
        "message_template_language": template["language"],
        "reason": template.get("rejected_reason", "NONE"),
        "message_template_category": template["category"],
    }
    if template["status"] == "REJECTED":
        value["rejection_info"] = {
            "reason": "Formato inválido",
            "recommendation": "Reescreva o corpo",
        }
    if template["status"] == "PAUSED":
        value["reason"] = None
        value["other_info"] = {"title": "FIRST_PAUSE", "description": "Low quality"}
    return value


def text_of(template: Template, kind: str = "BODY") -> str:
    for component in template["components"]:
        if str(component.get("type", "")).upper() == kind:
            return str(component.get("text") or "")
    return ""


def render(template: Template, sent: dict[str, Any]) -> str:
    """The body as the customer sees it."""
    text = text_of(template)
    for component in sent.get("components") or ():
        if str(component.get("type", "")).lower() != "body":
            continue
        for index, parameter in enumerate(component.get("parameters") or (), start=1):
            key = parameter.get("parameter_name") or str(index)
            shown = value_of(parameter).replace("\\", r"\\")
            text = re.sub(r"\{\{\s*" + re.escape(key) + r"\s*\}\}", shown, text)
    return text


def value_of(parameter: dict[str, Any]) -> str:
    kind = parameter.get("type", "text")
    if kind == "text":
        return str(parameter.get("text", ""))
    inner = parameter.get(kind)
    return str(inner.get("fallback_value", "")) if isinstance(inner, dict) else ""


def _check_components(components: Any) -> None:
    if not isinstance(components, list) or not any(
        isinstance(c, dict) and str(c.get("type", "")).upper() == "BODY" for c in components
    ):
        raise GraphError(100, "A template needs a BODY component.")
    limits = {"HEADER": 60, "BODY": 1024, "FOOTER": 60}
    for component in components:
        kind = str(component.get("type", "")).upper()
        text = str(component.get("text") or "").strip()
        if len(text) > limits.get(kind, 4096):
            raise too_long(kind.lower(), limits[kind])
        if kind == "BODY" and (re.match(r"\{\{", text) or re.search(r"\}\}$", text)):
            raise GraphError(
                2388299, "Variables cannot be at the start or the end of the template."
            )
        buttons = component.get("buttons") or []
        if len(buttons) > 10 or any(len(str(b.get("text", ""))) > 25 for b in buttons):
            raise GraphError(100, "At most 10 buttons, 25 characters each.")


def _check_parameters(template: Template, sent: dict[str, Any], kind: str) -> None:
    wanted = list(dict.fromkeys(_VARIABLE.findall(text_of(template, kind))))
    given: list[dict[str, Any]] = []
    for component in sent.get("components") or ():
        if str(component.get("type", "")).upper() == kind:
            given = component.get("parameters") or []
    if kind == "HEADER" and not wanted:
        return
    if len(given) != len(wanted):
        raise GraphError(
            132000, f"{kind.lower()}: number of localizable_params ({len(given)}) does not match the"
            f" expected number of params ({len(wanted)})"
        )  # fmt: skip
    named = template.get("parameter_format") == "NAMED"
    for index, parameter in enumerate(given):
        text = value_of(parameter)
        if named and parameter.get("parameter_name") not in wanted:
            raise GraphError(
                132012, f"{kind.lower()}: parameter_name is missing or unknown at {index}"
            )
        if not text:
            raise GraphError(131008, f"{kind.lower()}: parameter {index + 1} has no text")
        if re.search(r"[\n\t]| {5,}", text):
            raise GraphError(
                132018, "Param text cannot have new-line/tab characters or more than 4 spaces"
            )
    if kind == "BODY" and len(render(template, sent)) > 1024:
        raise GraphError(132005, "The hydrated body is longer than 1024 characters.")
