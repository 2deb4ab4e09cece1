"""Everything that can be made to go wrong, in one place, changed through `/control/faults`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

MetaMode = Literal["up", "html503", "timeout", "timeout_accepted", "reset", "reset_accepted"]


class Faults(BaseModel):
    """Switches of the Graph and webhook twins. Defaults are Meta on a good day."""

    meta: MetaMode = Field(
        "up",
        description="up | html503: HTML 503 | timeout: never answers, nothing accepted | "
        "timeout_accepted: accepts, then never answers | reset: connection reset | "
        "reset_accepted: accepts, then resets the connection",
    )
    webhooks_paused: bool = Field(default=False, description="hold every webhook until released")
    duplicates: int = Field(0, ge=0, le=50, description="each webhook is delivered 1 + n times")
    disorder: bool = Field(default=False, description="webhooks overtake each other")
    delay_ms: int = Field(0, ge=0, description="each webhook leaves this much later")
    batch_max: int = Field(1, ge=1, le=1000, description="updates per POST at most")
    batch_wait_ms: int = Field(50, ge=0, description="how long a batch collects")
    status_scale: float = Field(1.0, ge=0, description="0: statuses at once; 2: twice as slow")
    statuses: bool = Field(default=True, description="false: no status webhook at all")
    retry_base_s: float = Field(1.0, gt=0, description="first pause after a refused webhook")
    enforce_window: bool = True
    enforce_throughput: bool = True
    enforce_pair_rate: bool = True
    enforce_portfolio: bool = True
    unknown_recipients: Literal["fail", "create"] = Field(
        "fail", description="a number nobody registered: 131026, or a new silent customer"
    )
    template_review_s: float = Field(3.0, ge=0, description="review time of a new template")
    tier: Literal["TIER_250", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"] = "TIER_2K"
    next_sends: int = Field(0, ge=0, description="this many sends fail with `next_code`")
    next_code: int = 131000
    next_mode: Literal["sync", "async"] = "sync"
    require_subscription: bool = False
    graph_latency_ms: int = Field(0, ge=0, description="added to every Graph answer")


TIER_SIZE = {
    "TIER_250": 250,
    "TIER_2K": 2000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
    "TIER_UNLIMITED": 10**9,
}


class ModelFaults(BaseModel):
    """Switches of the model twin."""

    latency_ms: tuple[int, int] = (600, 1800)
    persona: Literal["seller", "echo"] = Field(
        "seller", description="echo: says back what is pending, and nothing else"
    )
    fail: Literal[
        "", "400", "401", "429", "500", "529", "timeout", "garbage", "plain", "refusal"
    ] = ""
    next: int = Field(0, ge=0, description="how many of the next calls fail")
    retry_after_s: int = 1
