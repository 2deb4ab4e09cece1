"""Structured logs on standard error, with people and secrets taken out at the last moment.

The rule is that neither is logged at all; this is the net below the rule.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import orjson
import structlog

HIDDEN: Final = "[hidden]"

# Fields by name: whatever they hold is hidden.
_SECRET_NAME: Final = re.compile(
    r"(token|secret|password|passwd|authorization|cookie|api_?key|data_?key|dsn|credential|"
    r"phone|wa_id|e_?mail|cpf|cnpj)",
    re.IGNORECASE,
)
# Names that only look like one of those.
_HARMLESS_NAME: Final = re.compile(
    r"(phone_number_id|display_phone_number_id|.*_tokens|tokens|max_tokens|tokens_.*|token_id|email_id)",
    re.IGNORECASE,
)
# Text anywhere: the credential forms of our systems, then runs of digits as long as a phone number.
_SECRET_TEXT: Final = re.compile(
    r"(?i:bearer\s+)[\w.~+/=-]+"
    r"|vtr_[\w-]{8,}"
    r"|\bEAA[A-Za-z0-9]{16,}"
    r"|\bsk-[\w-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?i:(?<=token=)|(?<=secret=)|(?<=password=))[^&\s]+"
)
_PHONE_TEXT: Final = re.compile(
    r"(?<![\w.-])\+?\d{10,13}(?![\w.-])|(?<![\w.-])(?:\+?55[ .-]?)?\(?\d{2}\)?[ .-]9?\d{4}[ .-]?\d{4}(?![\w-])"
)
_DEPTH_MAX: Final = 6


def configure_logging(*, json: bool, level: int = logging.INFO) -> None:
    """For a process, once, at its start. `json` for machines, otherwise lines for a terminal."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    tail: list[Any] = [structlog.processors.format_exc_info, redact]
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_dumps)
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, *tail, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *tail,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # Both tell every request with its address, which for Meta and the model says too much.
    for chatty in ("httpx", "httpx2", "httpcore", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: hides by field name, then by what text looks like."""
    for name in list(event):
        event[name] = _redacted(name, event[name], 0)
    return event


def _redacted(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    harmless = _HARMLESS_NAME.fullmatch(name) is not None
    if not harmless and _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, str):
        hidden = _SECRET_TEXT.sub(HIDDEN, value)
        return hidden if harmless else _PHONE_TEXT.sub(HIDDEN, hidden)
    if depth >= _DEPTH_MAX or isinstance(value, int | float):
        return value
    if isinstance(value, dict):
        return {key: _redacted(str(key), inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(name if harmless else "", inner, depth + 1) for inner in value]
    return _redacted(name, str(value), depth + 1)


def _dumps(value: Any, **_options: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
