"""The sandbox's month of past talk: people, conversations and the journal of invented turns.

No model was asked for any of it. So that the screens have something to show, each answer of the AI gets
a turn with plausible figures, and that turn says in its context, its reply and its place that it is seeded.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

from domain.clock import SystemClock
from domain.handoff import QUALIFIED_ABOVE
from domain.ids import new_id
from domain.phone import canonical
from domain.reply import GuardVerdict, ModelCall, NextAction, Outcome, Reply, ToolCall, Verdict
from routing.shards import bucket_of

FACADE: Final[LiteralString] = """
SELECT f.id, f.account_id, a.portfolio_id, n.phone_number_id
  FROM facades f JOIN accounts a ON a.id = f.account_id
  JOIN physical_numbers n ON n.facade_id = f.id AND n.is_facade
"""
INSERT_CONTACT: Final[LiteralString] = """
INSERT INTO contacts (id, account_id, name, company, profile) VALUES ($1, $2, $3, $4, $5)
"""
INSERT_IDENTITY: Final[LiteralString] = """
INSERT INTO channel_identities (id, contact_id, portfolio_id, kind, value, wa_id)
VALUES ($1, $2, $3, 'phone', $4, $5)
"""
INSERT_CONVERSATION: Final[LiteralString] = """
INSERT INTO conversations (id, facade_id, contact_id, bucket, mode, last_inbound_number,
    last_message_id, last_message_at, created_at, updated_at, score, cost_micros)
VALUES ($1, $2, $3, $4, 'closed', $5, $6, $7, $8, $7, $9, $10)
"""
INSERT_TURN: Final[LiteralString] = """
INSERT INTO turns (id, conversation_id, epoch, version, state, playbook, inputs, context, reply,
    model_calls, tools, guardrails, input_tokens, output_tokens, cache_read_tokens, cost_micros,
    latency, outcome, actor, started_at, finished_at)
VALUES ($1, $2, 1, $3, 'committed', 'sales', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
    $15, $16, $17, $18)
"""
INSERT_MESSAGE: Final[LiteralString] = """
INSERT INTO messages (id, conversation_id, direction, author, operator_id, content, body, wamid,
    phone_number_id, status, status_at, sent_at, created_at, turn_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11, $12)
"""
LIST_OPERATORS: Final[LiteralString] = "SELECT id, email FROM operators"

SEEDED: Final = "Turno inventado na carga do ensaio: nenhum modelo foi chamado e nada foi cobrado."
SEEDED_MODEL: Final = "ensaio (inventado)"
#: How the talk of each purpose ends, as a score of the lead.
_SCORES: Final = {
    "sales_won": 0.87, "sales_lost": 0.45, "call": 0.7, "renewal": 0.65, "module": 0.4, "english": 0.5, "silence": 0.15,
}  # fmt: skip
_OTHER_SCORE: Final = 0.1


@dataclass(slots=True, kw_only=True)
class _Turn:
    """One invented turn: what it read, when, and what it answered."""

    id: UUID
    inputs: list[str]
    asked: list[str]
    started_at: datetime
    finished_at: datetime
    reply: Reply
    tools: list[ToolCall]
    call: ModelCall


@dataclass(slots=True, kw_only=True)
class _Line:
    id: UUID
    at: datetime
    author: str
    text: str
    turn: _Turn | None = field(default=None)


async def seed_past(
    db: Any, customers: Sequence[Mapping[str, Any]], past: Sequence[Mapping[str, Any]]
) -> None:
    """Contacts and their past conversations, one each. Inside a transaction of the caller."""
    facade = await db.fetchrow(FACADE)
    if facade is None:
        return
    operators = {row["email"]: row["id"] for row in await db.fetch(LIST_OPERATORS)}
    contacts: dict[str, UUID] = {}
    for row in customers:
        contact_id = contacts[row["id"]] = new_id()
        profile = {"cidade": row.get("city", ""), "cliente_desde": row.get("since", "")}
        await db.execute(
            INSERT_CONTACT, contact_id, facade["account_id"], row["name"], row["company"], profile
        )
        phone = canonical(row["phone"])
        await db.execute(
            INSERT_IDENTITY, new_id(), contact_id, facade["portfolio_id"], phone, row["phone"]
        )
    seen: set[str] = set()
    for talk in past:
        if talk["customer"] not in seen:
            seen.add(talk["customer"])
            operator = operators.get(talk.get("operator") or "")
            await _seed_talk(db, facade, contacts[talk["customer"]], talk, operator)


async def _seed_talk(
    db: Any,
    facade: asyncpg.Record,
    contact_id: UUID,
    talk: Mapping[str, Any],
    operator: UUID | None,
) -> None:
    conversation_id = new_id()
    began = SystemClock().now() + timedelta(seconds=talk["started_at_offset_s"])
    lines = _lines(talk, began)
    turns = [line.turn for line in lines if line.turn is not None]
    await db.execute(
        INSERT_CONVERSATION, conversation_id, facade["id"], contact_id,
        bucket_of(conversation_id), facade["phone_number_id"], lines[-1].id, lines[-1].at, began,
        turns[-1].reply.qualification_score if turns else None,
        sum(turn.call.cost_micros for turn in turns),
    )  # fmt: skip
    for version, turn in enumerate(turns, 1):
        await db.execute(INSERT_TURN, turn.id, conversation_id, version, *_turn_values(turn))
    for line in lines:
        inbound = line.author == "contact"
        await db.execute(
            INSERT_MESSAGE, line.id, conversation_id, "inbound" if inbound else "outbound",
            line.author, operator if line.author == "operator" else None,
            {"kind": "text", "body": line.text}, line.text, f"wamid.PAST{line.id}",
            facade["phone_number_id"], "received" if inbound else "read", line.at,
            line.turn.id if line.turn is not None else None,
        )  # fmt: skip


def _lines(talk: Mapping[str, Any], began: datetime) -> list[_Line]:
    """The talk's messages; each of the AI with the turn that would have written it."""
    dice = random.Random(str(talk["id"]))  # noqa: S311 - the same story at every start
    lines = [
        _Line(
            id=new_id(),
            at=began + timedelta(seconds=message["offset_s"]),
            author=message["from"],
            text=message["text"],
        )
        for message in talk["messages"]
    ]
    answers = [n for n, line in enumerate(lines) if line.author == "agent"]
    goal = _SCORES.get(talk["purpose"], _OTHER_SCORE)
    for place, n in enumerate(answers, 1):
        asked: list[_Line] = []
        for earlier in reversed(lines[:n]):
            if earlier.author != "contact":
                break
            asked.insert(0, earlier)
        follower = lines[n + 1].author if n + 1 < len(lines) else ""
        score = round(goal * place / len(answers), 2)
        lines[n].turn = _turn(dice, lines[n], asked, score=score, follower=follower)
    return lines


def _turn(
    dice: random.Random, answer: _Line, asked: Sequence[_Line], *, score: float, follower: str
) -> _Turn:
    handed = follower == "operator" or score > QUALIFIED_ABOVE
    action = NextAction.HANDOFF if handed else NextAction.CONTINUE if follower else NextAction.CLOSE
    latency = dice.randrange(900, 2600)
    tools = []
    if "R$" in answer.text:
        output = {"seeded": SEEDED}
        tools.append(
            ToolCall(name="search_catalogue", input={"query": "plano"}, output=output, ok=True, latency_ms=dice.randrange(4, 20))
        )  # fmt: skip
    return _Turn(
        id=new_id(),
        inputs=[str(line.id) for line in asked],
        asked=[line.text for line in asked],
        started_at=answer.at - timedelta(milliseconds=latency),
        finished_at=answer.at,
        reply=Reply(
            message=answer.text,
            qualification_score=score,
            next_action=action,
            metadata={"rehearsal": True, "seeded": True, "summary": SEEDED},
        ),
        tools=tools,
        call=ModelCall(
            model=SEEDED_MODEL,
            input_tokens=dice.randrange(300, 900),
            output_tokens=dice.randrange(60, 200),
            cache_read_tokens=dice.randrange(2_500, 4_000),
            latency_ms=latency,
            stop_reason="end_turn",
            cost_micros=dice.randrange(3_000, 9_000),
            priced_by="seeded",
        ),
    )


def _turn_values(turn: _Turn) -> tuple[Any, ...]:
    call = turn.call
    latency = {
        "quiet": 3_000.0,
        "load": 4.0,
        "model": float(call.latency_ms),
        "tools": float(sum(tool.latency_ms for tool in turn.tools)),
        "total": float(call.latency_ms + 8),
    }
    return (
        turn.inputs,
        {"seeded": SEEDED, "pending": turn.asked},
        asdict(turn.reply),
        [asdict(call)],
        [asdict(tool) for tool in turn.tools],
        [asdict(GuardVerdict(rule="all", verdict=Verdict.PASS, detail=SEEDED))],
        call.input_tokens,
        call.output_tokens,
        call.cache_read_tokens,
        call.cost_micros,
        latency,
        Outcome.ANSWERED,
        {"name": "carga do ensaio", "node": "inventado", "pid": 0, "seeded": True},
        turn.started_at,
        turn.finished_at,
    )
