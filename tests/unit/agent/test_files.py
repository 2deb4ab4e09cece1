"""Playbooks, prompts, wordings and prices are files and tables: broken ones say which and why."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from agent import wordings
from agent.playbook import PLAYBOOKS, PlaybookError, load_playbook, load_prompt
from agent.reply_format import METADATA_FIELDS, SCHEMA, read_reply
from agent.wordings import WordingError, check_wordings, wording
from config.model_prices import DEFAULT_PRICE, price_of
from domain.content import split_text
from domain.reply import NextAction
from tests.unit.agent.scene import HOURS


def test_the_consent_wording_names_the_ai_and_has_the_two_buttons() -> None:
    words = wording("consent", company="Aurora")
    assert words.version == "2026-11-1"
    assert words.buttons == ("Pode ser", "Prefiro pessoa")
    assert "inteligência artificial" in words.text
    assert "{" not in words.text


def test_every_wording_loads_and_fits_one_bubble() -> None:
    names = check_wordings()
    assert {"consent", "ai_notice", "consent_refused", "queue_notice", "model_unavailable"} <= set(
        names
    )
    for name in names:
        words = wording(name, company="Aurora", hours=HOURS, position=2)
        assert split_text(words.text) == [words.text]


def test_a_wording_without_its_facts_is_refused_by_name() -> None:
    with pytest.raises(WordingError, match="hours"):
        wording("consent_refused")
    with pytest.raises(WordingError, match="no file"):
        wording("inexistente")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sem cabeça", "head"),
        ("+++\nversion = 1 2\n+++\nOi", "Expected"),
        ("+++\n+++\nOi", "version"),
        (
            '+++\nversion = "1"\nbuttons = ["um título longo demais para o botão"]\n+++\nOi',
            "too long",
        ),
        ('+++\nversion = "1"\n+++\n', "no text"),
    ],
)
def test_a_broken_wording_says_what_is_wrong(
    text: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "quebrado_neste_teste.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(wordings, "FOLDER", tmp_path)
    wordings._load.cache_clear()
    with pytest.raises(WordingError, match=why):
        wording("quebrado_neste_teste")
    wordings._load.cache_clear()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (('effort = "low"', 'effort = "muito"'), "effort"),
        (("weekdays = [0, 1, 2, 3, 4]", "weekdays = [9]"), "weekdays"),
        (("opens = 09:00:00", "opens = 19:00:00"), "opens must be before"),
        (("[limits]", "[limits"), "not TOML"),
        (("max_output_tokens = 4000", "max_output_tokens = 1"), "max_output_tokens"),
    ],
)
def test_a_broken_playbook_says_which_entry(
    change: tuple[str, str], why: str, tmp_path: Path
) -> None:
    text = (PLAYBOOKS / "sales.toml").read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "sales.toml").write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(PlaybookError, match=why):
        load_playbook("sales", folder=tmp_path)


def test_a_missing_playbook_or_prompt_is_named() -> None:
    with pytest.raises(PlaybookError, match="nenhum"):
        load_playbook("nenhum")
    with pytest.raises(PlaybookError, match="nenhum"):
        load_prompt("nenhum.md", company="x")


def test_the_prompt_is_long_enough_to_be_cached_and_names_every_field() -> None:
    prompt = load_prompt("sales.md", company="Aurora Telecom")
    assert len(prompt) > 6_000  # about 2,000 tokens; the smallest cacheable prefix has 1,024
    assert "{company}" not in prompt
    for field in ("message", "qualification_score", "next_action", "metadata", *METADATA_FIELDS):
        assert f"`{field}`" in prompt
    for action in NextAction:
        assert f"`{action.value}`" in prompt


def test_the_schema_is_one_the_api_takes() -> None:
    assert SCHEMA["additionalProperties"] is False
    text = str(SCHEMA)
    assert "minimum" not in text
    assert "maximum" not in text


@pytest.mark.parametrize(
    ("text", "message", "score"),
    [
        (
            '{"message": "Oi", "qualification_score": 7, "next_action": "x", "metadata": 3}',
            "Oi",
            1.0,
        ),
        ('{"message": "Oi", "qualification_score": null}', "Oi", 0.3),
        ('{"message": "Oi", "qualification_score": NaN}', "Oi", 0.3),
        ('{"message": "Oi", "qualification_score": true}', "Oi", 0.3),
        ('```json\n{"message": "Oi", "qualification_score": 0.5}\n```', "Oi", 0.5),
        ('{"resposta": "Oi"}', '{"resposta": "Oi"}', 0.3),
        ("[1, 2]", "[1, 2]", 0.3),
        ("Oi", "Oi", 0.3),
        ("", "", 0.3),
        ('{"message": "a\\u0000b\\ud83d\\ude42\\ud83d"}', "ab🙂\ufffd", 0.3),
    ],
)
def test_a_reply_of_any_shape_is_read(text: str, message: str, score: float) -> None:
    reply = read_reply(text, last_score=0.3)
    assert (reply.message, reply.qualification_score) == (message, score)


def test_prices_are_dated_and_unknown_models_get_the_default() -> None:
    assert price_of("claude-sonnet-5-5", date(2026, 10, 6)).cache_read == 200_000
    assert price_of("claude-sonnet-5-5", date(2026, 10, 7)).cache_read == 100_000
    assert price_of("claude-haiku-4-5-20251001", date(2026, 11, 1)).model == "claude-haiku-4-5"
    assert price_of("llama-local", date(2026, 11, 1)) is DEFAULT_PRICE
    assert price_of("claude-sonnet-5-5-turbo", date(2026, 11, 1)) is DEFAULT_PRICE


def test_a_call_costs_what_the_table_says_rounded_up() -> None:
    price = price_of("claude-sonnet-5", date(2026, 11, 1))
    cost = price.cost_micros(
        input_tokens=1_000, output_tokens=100, cache_read_tokens=10_000, cache_write_tokens=0
    )
    assert cost == 1_000 * 2 + 100 * 10 + 10_000 * 2 // 10
    one = price.cost_micros(
        input_tokens=0, output_tokens=0, cache_read_tokens=1, cache_write_tokens=0
    )
    assert one == 1
    haiku = price_of("claude-haiku-5-5", date(2026, 11, 1))
    short = haiku.cost_micros(
        input_tokens=100_000, output_tokens=0, cache_read_tokens=0, cache_write_tokens=0
    )
    long = haiku.cost_micros(
        input_tokens=100_001, output_tokens=0, cache_read_tokens=0, cache_write_tokens=0
    )
    assert long > short * 4
