"""Puts an agent together: playbook, prompt, model endpoints, tools."""

from __future__ import annotations

from typing import Final

import httpx2
from pydantic import SecretStr

from agent.agent import Agent, SalesAgent
from agent.claude import ClaudeModel
from agent.playbook import Playbook, load_playbook
from agent.tools import Desk, Toolbox, chosen
from agent.tools_acting import REGISTRY
from agent.wordings import check_wordings
from config.settings import ModelEndpoint, Settings
from domain.catalogue import CatalogueReader
from domain.clock import Clock, SystemClock
from domain.turn_context import TurnContext

#: The sandbox's model twin asks for no key; the SDK insists on one.
_NO_KEY: Final = "sandbox"


def build_agent(
    settings: Settings,
    catalogue: CatalogueReader,
    *,
    playbook: str = "sales",
    clock: Clock | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Agent:
    """The agent of one playbook, ready to answer. Raises PlaybookError or WordingError by name.

    One per process: it keeps the model's connections. `transport` replaces the network in tests.
    """
    check_wordings()
    chosen_playbook = load_playbook(playbook)
    tools = chosen(REGISTRY, chosen_playbook.tools)

    def toolbox(context: TurnContext) -> Toolbox:
        return Toolbox(tools, Desk(context=context, catalogue=catalogue, playbook=chosen_playbook))

    model = ClaudeModel(
        _endpoints(settings, chosen_playbook), clock=clock or SystemClock(), transport=transport
    )
    return SalesAgent(chosen_playbook, model, toolbox, tools=tools, company=settings.company_name)


def _endpoints(settings: Settings, playbook: Playbook) -> list[ModelEndpoint]:
    """The model of the playbook's function, MODEL_REPLY where it has none, then the fall-back."""
    key = settings.anthropic_api_key or SecretStr(_NO_KEY)
    others = {
        "triage": settings.model_triage,
        "analysis": settings.model_analysis,
        "vision": settings.model_vision,
    }
    other = others.get(playbook.model)
    if other is None:
        first = ModelEndpoint(
            name=settings.model_reply,
            base_url=settings.reply_base_url,
            api_key=settings.model_reply_api_key or key,
        )
    else:
        first = ModelEndpoint(name=other, base_url=settings.anthropic_base_url, api_key=key)
    if not settings.model_fallback:
        return [first]
    fallback = ModelEndpoint(
        name=settings.model_fallback,
        base_url=settings.model_fallback_base_url or settings.anthropic_base_url,
        api_key=settings.model_fallback_api_key or key,
    )
    return [first, fallback]
