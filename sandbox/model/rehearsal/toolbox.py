"""Which of the offered tools does what, judged by name, description and schema, never by a fixed list."""

from __future__ import annotations

import re
from typing import Any

from sandbox.model.rehearsal.filling import fill
from sandbox.model.rehearsal.intents import plain

_ROLES: tuple[tuple[str, str, str], ...] = (
    # role, pattern on the name, pattern on the description
    ("reply", r"^(reply|respond|answer|responder|final_?answer|send_reply|submit)", r"$^"),
    ("hand_over", r"hand_?(over|off)|transfer|escal|human", r"hand (the conversation )?over|to a (human|person)|transfer"),
    ("schedule", r"schedul|agend|book|call_back|meeting", r"schedule|agendar|book a call"),
    ("note", r"note|nota|anota|register|log_", r"\bnote\b|anota"),
    ("update", r"update|save_contact|set_", r"update the contact|atualiza"),
    ("contact", r"(look|find|get|fetch|read|consult|busca).*(contact|customer|lead|client|crm|cliente|account)|crm_lookup", r"look up the (contact|customer)"),
    ("knowledge", r"knowledge|faq|help|polic|document|conhecimento|base", r"knowledge|opening hours|policies|perguntas"),
    ("catalogue", r"catalog|product|price|plan|offer|produto|search", r"catalog|products|prices|produtos"),
)  # fmt: skip


class Toolbox:
    """The tools of one request by role."""

    def __init__(self, tools: list[dict[str, Any]]) -> None:
        self.tools = {str(t["name"]): t for t in tools}
        self.by_role: dict[str, str] = {}
        for name, tool in self.tools.items():
            role = _role_of(name, str(tool.get("description", "")))
            if role is not None:
                self.by_role.setdefault(role, name)
        if "knowledge" not in self.by_role and "catalogue" in self.by_role:
            self.by_role["knowledge"] = self.by_role["catalogue"]

    def has(self, role: str) -> bool:
        return role in self.by_role

    def arguments(self, role: str, known: dict[str, Any]) -> dict[str, Any]:
        """Input for the role's tool: its schema filled from what is known."""
        schema = self.tools[self.by_role[role]]["input_schema"]
        filled = fill(schema, _aliases(known))
        return filled if isinstance(filled, dict) else {}


def _role_of(name: str, description: str) -> str | None:
    for role, by_name, _ in _ROLES:
        if re.search(by_name, name.lower()):
            return role
    for role, _, by_text in _ROLES:
        if re.search(by_text, plain(description)):
            return role
    return None


_SAME: dict[str, tuple[str, ...]] = {
    "query": ("query", "q", "search", "term", "terms", "question", "consulta", "busca", "topic", "texto", "keywords"),
    "reason": ("reason", "motivo", "why", "cause"),
    "summary": ("summary", "resumo", "brief", "note", "text", "texto", "body", "content", "observation", "details", "detail"),
    "subject": ("subject", "assunto", "title", "topic", "titulo"),
    "at": ("at", "when", "datetime", "date_time", "starts_at", "start", "time", "scheduled_at", "scheduled_for", "quando", "data_hora"),
    "date": ("date", "day", "data", "dia"),
    "kind": ("kind", "why_kind", "category", "reason_kind", "type", "tipo"),
    "priority": ("priority", "prioridade", "urgency"),
    "name": ("name", "contact_name", "nome"),
    "score": ("qualification_score", "score", "pontuacao"),
    "limit": ("limit", "max_results", "top_k", "count"),
}  # fmt: skip


def _aliases(known: dict[str, Any]) -> dict[str, Any]:
    """The same fact under every name a schema might use for it."""
    spread: dict[str, Any] = {}
    for key, value in known.items():
        for alias in _SAME.get(key, (key,)):
            spread.setdefault(alias, value)
    return spread
