"""What a model call costs, in micro-dollars per million tokens, with the date each row holds from.

Source: https://platform.claude.com/docs/en/about-claude/pricing, read 2026-11-23. A row is never
changed: a new price is a new row, so that the cost of an older turn can be computed again. Cache
writes are the five-minute kind, the only one the agents use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """`long_prompt_factor` multiplies everything when the prompt is above `long_prompt_tokens`."""

    model: str
    since: date
    input: int
    output: int
    cache_write: int
    cache_read: int
    #: The model takes `output_config.effort`.
    takes_effort: bool = True
    long_prompt_tokens: int | None = None
    long_prompt_factor: int = 1

    def cost_micros(
        self,
        *,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int,
        cache_write_tokens: int,
    ) -> int:
        """The cost of one call, rounded up to a whole micro-dollar."""
        total = (
            input_tokens * self.input
            + output_tokens * self.output
            + cache_read_tokens * self.cache_read
            + cache_write_tokens * self.cache_write
        )
        prompt = input_tokens + cache_read_tokens + cache_write_tokens
        if self.long_prompt_tokens is not None and prompt > self.long_prompt_tokens:
            total *= self.long_prompt_factor
        return -(-total // 1_000_000)


def _usd(dollars: float) -> int:
    return round(dollars * 1_000_000)


def _row(
    model: str, since: date, input_usd: float, output_usd: float, read_usd: float
) -> ModelPrice:
    return ModelPrice(
        model=model,
        since=since,
        input=_usd(input_usd),
        output=_usd(output_usd),
        cache_write=_usd(input_usd * 1.25),
        cache_read=_usd(read_usd),
    )


PRICES: Final[tuple[ModelPrice, ...]] = (
    _row("claude-fable-5-1", date(2026, 1, 1), 10, 50, 0.25),
    _row("claude-fable-5", date(2026, 1, 1), 10, 50, 1),
    _row("claude-mythos-5-1", date(2026, 1, 1), 10, 50, 0.25),
    _row("claude-mythos-5", date(2026, 1, 1), 10, 50, 1),
    _row("claude-opus-5-5", date(2026, 1, 1), 4, 20, 0.20),
    _row("claude-opus-5", date(2026, 1, 1), 5, 25, 0.50),
    _row("claude-opus-4-8", date(2026, 1, 1), 5, 25, 0.50),
    _row("claude-opus-4-7", date(2026, 1, 1), 5, 25, 0.50),
    _row("claude-opus-4-6", date(2026, 1, 1), 5, 25, 0.50),
    _row("claude-opus-4-5", date(2025, 11, 1), 5, 25, 0.50),
    _row("claude-sonnet-5-5", date(2026, 1, 1), 2, 10, 0.20),
    _row("claude-sonnet-5-5", date(2026, 10, 7), 2, 10, 0.10),
    _row("claude-sonnet-5", date(2026, 1, 1), 2, 10, 0.20),
    _row("claude-sonnet-4-6", date(2026, 1, 1), 3, 15, 0.30),
    ModelPrice(
        model="claude-sonnet-4-5", since=date(2025, 9, 1), input=_usd(3), output=_usd(15),
        cache_write=_usd(3.75), cache_read=_usd(0.30), takes_effort=False,
    ),
    ModelPrice(
        model="claude-haiku-5-5", since=date(2026, 10, 7), input=_usd(0.10), output=_usd(0.50),
        cache_write=_usd(0.125), cache_read=_usd(0.01), long_prompt_tokens=100_000, long_prompt_factor=5,
    ),
    ModelPrice(
        model="claude-haiku-4-5", since=date(2025, 10, 1), input=_usd(1), output=_usd(5),
        cache_write=_usd(1.25), cache_read=_usd(0.10), takes_effort=False,
    ),
)  # fmt: skip

DEFAULT_PRICE: Final = ModelPrice(
    model="default",
    since=date(2026, 1, 1),
    input=_usd(3),
    output=_usd(15),
    cache_write=_usd(3.75),
    cache_read=_usd(0.30),
    takes_effort=False,
)
"""For a model nobody priced (a local one, another provider's): a middle-class figure, so that the
money limits still bite. Turns say `priced_by: default`."""


def price_of(model: str, on: date) -> ModelPrice:
    """The row in force for a model name on a day; dated names ("…-20250929") count as their family."""
    rows = [p for p in PRICES if (model == p.model or _is_dated(model, p.model)) and p.since <= on]
    return max(rows, key=lambda p: p.since, default=DEFAULT_PRICE)


def _is_dated(model: str, family: str) -> bool:
    suffix = model.removeprefix(f"{family}-")
    return suffix != model and len(suffix) == 8 and suffix.isdigit()
