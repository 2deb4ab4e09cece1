from __future__ import annotations

from typing import Any

from sandbox.model.cache import PromptCache


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


CACHED = {"type": "ephemeral"}
LONG = "instruções de vendas. " * 300


def request(*texts: str, system: str = LONG) -> dict[str, Any]:
    blocks = [{"type": "text", "text": t} for t in texts]
    marked = [*blocks[:-1], {**blocks[-1], "cache_control": CACHED}]
    return {
        "model": "claude-sonnet-5",
        "system": [{"type": "text", "text": system, "cache_control": CACHED}],
        "messages": [{"role": "user", "content": marked}],
    }


def test_a_prefix_is_written_first_and_read_afterwards():
    cache = PromptCache()
    first, second = cache.use(request("oi")), cache.use(request("oi"))
    assert (first.read, first.written > 1000, first.input_tokens) == (0, True, 0)
    assert (second.read, second.written) == (first.written, 0)


def test_a_longer_conversation_reads_the_old_part_and_writes_the_new():
    cache = PromptCache()
    first = cache.use(request("oi"))
    second = cache.use(request("oi", "quero saber do plano"))
    assert second.read == first.written
    assert 0 < second.written < 40


def test_nothing_is_read_after_five_minutes_without_use():
    clock = Clock()
    cache = PromptCache(clock)
    cache.use(request("oi"))
    clock.now = 299.0
    assert cache.use(request("oi")).read > 0
    clock.now = 299.0 + 301.0
    assert cache.use(request("oi")).read == 0


def test_a_changed_system_prompt_or_model_reads_nothing():
    cache = PromptCache()
    cache.use(request("oi"))
    assert cache.use(request("oi", system=LONG + "!")).read == 0
    assert cache.use({**request("oi"), "model": "claude-haiku-5"}).read == 0


def test_a_changed_end_still_reads_the_system_prompt():
    cache = PromptCache()
    cache.use(request("oi"))
    other = cache.use(request("bom dia"))
    assert other.read > 1000
    assert other.written < 40


def test_short_prompts_and_prompts_without_marks_are_not_cached():
    cache = PromptCache()
    short = request("oi", system="curto")
    assert [cache.use(short).written, cache.use(short).read] == [0, 0]
    plain = {"model": "m", "system": LONG, "messages": [{"role": "user", "content": "oi"}]}
    usage = cache.use(plain)
    assert (usage.written, usage.read) == (0, 0)
    assert usage.input_tokens == cache.count(plain)


def test_an_hour_long_mark_lives_an_hour():
    clock = Clock()
    cache = PromptCache(clock)
    body = request("oi")
    body["messages"][0]["content"][0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    assert cache.use(body).written_1h > 0
    clock.now = 3000.0
    assert cache.use(body).read > 0
