"""The ports of a conversation's core, made of a process's connections."""

from __future__ import annotations

from datetime import timedelta

from actors.conversation.ports import House, Ports
from actors.parts import Parts
from agent.playbook import load_playbook
from config import limits
from config.settings import Settings
from domain.consent import ConsentRule
from domain.conversation import LoopCaps, TurnRules
from domain.ownership import Host
from domain.spending import MoneyCap
from domain.turn import QuietRule
from storage.catalogue import CatalogueStore
from storage.conversations import ConversationStore
from storage.merge import Merges


def conversation_ports(parts: Parts, host: Host) -> Ports:
    """Everything a conversation's core needs; `host` is the start of the actor it lives in."""
    # Here and not at the top: the model's SDK takes 2.5 s of CPU and 60 MB to import, and only
    # processes that host conversations need it.
    from agent.build import build_agent  # noqa: PLC0415

    sender = parts.sender()
    return Ports(
        merges=Merges(parts.pool),
        doorbell=parts.doorbell,
        conversations=ConversationStore(parts.pool, host=host.name),
        agent=build_agent(parts.settings, CatalogueStore(parts.pool)),
        dispatcher=sender,
        presence=sender,
        numbers=parts.number_pool,
        tracer=parts.live,
        house=house_of(parts.settings),
        host=host,
        place=parts.place,
    )


def house_of(settings: Settings) -> House:
    """The deployment's constants, as the turn loop reads them."""
    return House(
        company=settings.company_name,
        timezone=settings.timezone,
        hours=load_playbook("sales").business_hours.text,
        rules=TurnRules(
            quiet=QuietRule(base=timedelta(seconds=settings.quiet_period_s), cap=limits.QUIET_CAP),
            consent=ConsentRule(settings.ai_consent),
            late_after=limits.LATE_EVENT_AGE,
            caps=LoopCaps(
                per_hour=limits.AGENT_MESSAGES_PER_HOUR, per_day=limits.AGENT_MESSAGES_PER_DAY
            ),
            money=MoneyCap(conversation_micros=limits.CONVERSATION_MONEY_MICROS),
        ),
    )
