"""GET /metrics: the house in figures, as JSON for screens or as Prometheus text for scrapers."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Security
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from api.access import Act, check_may
from api.address import is_loopback
from api.deps import ApiParts, Parts
from api.identity import address_of, bearer, current_principal
from storage.counters import CounterTotals
from storage.invariants import Invariants, StoredFinding
from storage.metrics_page import MetricsPage, read_metrics
from telemetry.metrics import UNSTORED, Reading, exposition
from telemetry.totals import Sample, added, by_label

router: Final = APIRouter(tags=["house"])
_EXAMPLE: Final = {
    "conversations_by_mode": {"agent": 212, "operator": 3, "muted": 0, "closed": 40},
    "turns_today": {"total": 181, "committed": 170, "superseded": 9, "fenced": 1, "failed": 1},
    "latency_ms": {"median": 3800, "p95": 7200},
    "tokens_today": {"input": 812000, "output": 24100, "cache_read": 655000, "cache_write": 31000},
    "cost_today": {"usd_micros": 912000, "brl_centavos": 502},
    "queue": {"length": 2, "oldest_s": 95.2},
    "outbox_by_state": {"queued": 0, "claimed": 1, "accepted": 204},
    "inbox": {"unworked_age_s": 0.4, "unresolved": 0},
    "webhook_requests": {"200": 9120, "503": 2},
    "webhook_items": {"message": 412, "status": 1630},
    "errors": {"sends_last_hour": 0, "turns_today": 1, "possible_duplicates_today": 0},
    "over_budget": {"conversation": 1},
    "numbers_by_health": {"healthy": 2, "degraded": 0, "paused": 0, "banned": 0},
    "accounts_by_standing": {"good": 1, "restricted": 0, "disabled": 0},
    "invariants": {"violated": 0, "unchecked": 0, "age_s": 12.4},
    "ai_paused": False,
    "since": "2026-11-23T03:00:00Z",
}


@router.get(
    "/metrics",
    response_class=JSONResponse,
    responses={
        200: {
            "content": {
                "application/json": {"example": _EXAMPLE},
                "text/plain": {"example": "# HELP …"},
            }
        }
    },
)
async def metrics(
    request: Request,
    parts: Parts,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> Response:
    """`Accept: text/plain` (what Prometheus sends) answers text; everything else JSON.

    The text is read with METRICS_TOKEN as bearer; while that is unset, from this machine. A
    supervisor may read both.
    """
    wants_text = _wants_text(request.headers.get("accept", ""))
    if not (wants_text and _scraper(request, parts, credentials)):
        check_may(await current_principal(request, parts, credentials), Act.READ_METRICS)
    page = await read_metrics(parts.pool, parts.settings.timezone)
    totals = added(await CounterTotals(parts.pool).read(), UNSTORED.amounts())
    findings = await Invariants(parts.pool).list_findings()
    if wants_text:
        readings = [*_readings(page), *_watched(findings)]
        return Response(exposition(readings, totals), media_type=CONTENT_TYPE_LATEST)
    return JSONResponse(_json(page, parts, totals) | {"invariants": _health(findings)})


def _wants_text(accept: str) -> bool:
    accept = accept.lower()
    if "application/json" in accept:
        return False
    return "text/plain" in accept or "openmetrics" in accept


def _scraper(
    request: Request, parts: ApiParts, credentials: HTTPAuthorizationCredentials | None
) -> bool:
    token = parts.settings.metrics_token
    if token is not None:
        given = credentials.credentials if credentials else ""
        return hmac.compare_digest(given.encode(), token.get_secret_value().encode())
    # Beyond loopback, or behind something that ends TLS, everybody comes through a local proxy.
    forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    settings = parts.settings
    alone = is_loopback(settings.http_host) and not settings.tls_terminated and not forwarded
    return alone and is_loopback(address_of(request))


def _json(page: MetricsPage, parts: ApiParts, totals: Mapping[Sample, float]) -> dict[str, Any]:
    turns, now = page.turns_today, page.now
    micros = int(turns["cost_micros"])
    return {
        "conversations_by_mode": page.conversations_by_mode,
        "turns_today": {
            "total": turns["turns"],
            **{name: turns[name] for name in ("committed", "superseded", "fenced", "failed")},
        },
        "latency_ms": {"median": turns["median_ms"], "p95": turns["p95_ms"]},
        "tokens_today": {
            name: int(turns[f"{name}_tokens"])
            for name in ("input", "output", "cache_read", "cache_write")
        },
        "cost_today": {
            "usd_micros": micros,
            "brl_centavos": round(micros * parts.brl_per_usd / 10_000),
        },
        "queue": {"length": now["queue_length"], "oldest_s": now["queue_oldest_s"]},
        "outbox_by_state": page.outbox_by_state,
        "inbox": {"unworked_age_s": now["unworked_age_s"], "unresolved": now["unresolved_events"]},
        "webhook_requests": by_label(totals, "vitrine_webhook_requests_total", "status"),
        "webhook_items": by_label(totals, "vitrine_webhook_items_total", "kind"),
        "errors": {
            "sends_last_hour": now["send_errors_last_hour"],
            "turns_today": turns["failed"],
            "possible_duplicates_today": page.possible_duplicates_today,
        },
        "over_budget": by_label(totals, "vitrine_over_budget_total", "scope"),
        "numbers_by_health": page.numbers_by_health,
        "accounts_by_standing": page.accounts_by_standing,
        "ai_paused": bool(now["ai_paused"]),
        "since": page.since.isoformat().replace("+00:00", "Z"),
    }


def _health(findings: Sequence[StoredFinding]) -> dict[str, Any]:
    ages = [one.age.total_seconds() for one in findings]
    return {
        "violated": sum(one.violations > 0 for one in findings),
        "unchecked": sum(one.unchecked is not None for one in findings),
        "age_s": round(max(ages), 1) if ages else None,
    }


def _watched(findings: Sequence[StoredFinding]) -> list[Reading]:
    """What the clock found; the age says whether it still looks."""
    health = _health(findings)
    age = {} if health["age_s"] is None else {"": health["age_s"]}
    return [
        Reading(
            name="vitrine_invariant_violations",
            help="What violates each invariant, counted up to 1000.",
            label="invariant",
            samples={one.name: float(one.violations) for one in findings},
        ),
        Reading(
            name="vitrine_invariants_unchecked",
            help="Invariants whose last check could not be finished.",
            samples={"": float(health["unchecked"])},
        ),
        Reading(
            name="vitrine_invariants_age_seconds",
            help="Time since the invariants were last checked.",
            samples=age,
        ),
    ]


def _readings(page: MetricsPage) -> list[Reading]:
    turns, now = page.turns_today, page.now

    def one(name: str, words: str, value: Any) -> Reading:
        return Reading(name=name, help=words, samples={} if value is None else {"": float(value)})

    def each(name: str, words: str, label: str, values: Mapping[str, Any]) -> Reading:
        samples = {key: float(value) for key, value in values.items()}
        return Reading(name=name, help=words, label=label, samples=samples)

    states = {name: turns[name] for name in ("committed", "superseded", "fenced", "failed")}
    tokens = {
        name: turns[f"{name}_tokens"] for name in ("input", "output", "cache_read", "cache_write")
    }
    seconds = {
        quantile: turns[name] / 1000
        for quantile, name in (("0.5", "median_ms"), ("0.95", "p95_ms"))
        if turns[name] is not None
    }
    return [
        each("vitrine_conversations", "Conversations by mode.", "mode", page.conversations_by_mode),
        each("vitrine_turns_today", "Turns since midnight.", "state", states),
        each(
            "vitrine_turn_seconds_today", "Time a turn took, since midnight.", "quantile", seconds
        ),
        each("vitrine_tokens_today", "Model tokens since midnight.", "kind", tokens),
        one(
            "vitrine_cost_usd_today",
            "Model cost since midnight.",
            float(turns["cost_micros"]) / 1e6,
        ),
        one("vitrine_queue_length", "Conversations waiting for a person.", now["queue_length"]),
        one("vitrine_queue_oldest_seconds", "Longest wait for a person.", now["queue_oldest_s"]),
        each(
            "vitrine_outbox",
            "Outbox rows, settled ones since midnight.",
            "state",
            page.outbox_by_state,
        ),
        one(
            "vitrine_inbox_unworked_seconds",
            "Age of the oldest unworked event.",
            now["unworked_age_s"],
        ),
        one(
            "vitrine_inbox_unresolved",
            "Events without a conversation yet.",
            now["unresolved_events"],
        ),
        one(
            "vitrine_send_errors_last_hour",
            "Sends Meta refused or lost.",
            now["send_errors_last_hour"],
        ),
        one(
            "vitrine_possible_duplicates_today",
            "Messages of today that may have arrived twice.",
            page.possible_duplicates_today,
        ),
        each("vitrine_numbers", "Physical numbers by health.", "health", page.numbers_by_health),
        each(
            "vitrine_accounts",
            "Accounts by their standing at Meta.",
            "standing",
            page.accounts_by_standing,
        ),
        one("vitrine_ai_paused", "1 while the AI is paused.", now["ai_paused"]),
    ]
