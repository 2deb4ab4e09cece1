from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog

from telemetry.logs import HIDDEN, configure_logging, redact
from telemetry.metrics import Reading, exposition


def redacted(**fields: Any) -> dict[str, Any]:
    return dict(redact(None, "info", dict(fields)))


@pytest.mark.parametrize(
    "text",
    [
        "Bearer abc.def", "vtr_0123456789abc", "EAAGm0PX4ZCpsBAKZBf3x8", "sk-ant-api03-abcdefgh",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln", "5531988887777", "+55 31 98888-7777", "(31) 98888-7777",
        "31 8888-7777",
    ],
)  # fmt: skip
def test_secrets_and_phones_leave_every_text(text: str):
    line = redacted(event="x.happened", detail=f"before {text} after", deep=[{"a": (text,)}])
    assert text not in str(line)
    assert HIDDEN in line["detail"]
    assert line["detail"].startswith("before ")


def test_a_connection_string_keeps_its_host_and_loses_its_password():
    line = redacted(error="cannot reach postgresql://vitrine:s3nha@db:5432/v")
    assert "s3nha" not in line["error"]
    assert "@db:5432/v" in line["error"]


def test_fields_are_hidden_by_name():
    line = redacted(
        phone=1, access_token="x", password="x", Authorization="x", wa_id="1", email="a@b"
    )
    assert set(line.values()) == {HIDDEN}


def test_what_only_looks_private_stays():
    fields = {
        "event": "turn.replied",
        "phone_number_id": "106000000000001",
        "input_tokens": 812,
        "turn_id": "0198d6a2-7c1e-7d7b-9d0e-3a0d5c1f2b11",
        "at": "2026-11-23T15:00:00.123456Z",
        "ms": 1830.5,
        "count": 1234567890123,
    }
    assert redacted(**fields) == fields


def test_lines_for_machines_are_json(monkeypatch: pytest.MonkeyPatch):
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure_logging(json=True)
        structlog.get_logger().info("turn.replied", turn_id="t", token="x")
    finally:
        structlog.configure(**before)
        root.handlers = handlers
        root.setLevel(level)
    line = json.loads(out.getvalue())
    assert (line["event"], line["level"], line["token"]) == ("turn.replied", "info", HIDDEN)


def test_a_reading_is_a_gauge_with_at_most_one_label():
    readings = [
        Reading(name="vitrine_a", help="A.", samples={"": 2}),
        Reading(name="vitrine_b", help="B.", label="mode", samples={"agent": 1, "muted": 0}),
        Reading(name="vitrine_c", help="C.", samples={}),
    ]
    text = exposition(readings, {}).decode()
    assert "vitrine_a 2.0" in text
    assert 'vitrine_b{mode="muted"} 0.0' in text
    assert "# TYPE vitrine_feed_dropped_total counter" in text
