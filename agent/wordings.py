"""Approved wording: sentences that leave word for word, each with the version that proves it later.

A file of `agent/wordings/` is a TOML head between `+++` lines, then the text with `{facts}`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import DefectError

FOLDER: Final = Path(__file__).parent / "wordings"
_FACT: Final = re.compile(r"\{([a-z_]+)\}")
_BUTTON_TITLE_MAX: Final = 20  # Meta refuses a longer reply button


class WordingError(DefectError):
    """A wording is missing, broken, or was asked for without a fact it needs."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name, problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A text as it leaves, and the version of the wording it was made from."""

    text: str
    version: str
    #: Titles of reply buttons, in order; the ids belong to whoever sends them.
    buttons: tuple[str, ...] = ()


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(min_length=1)
    buttons: tuple[str, ...] = Field(default=(), max_length=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    head: _Head
    body: str
    facts: frozenset[str]


def wording(name: str, **facts: object) -> Wording:
    """The approved wording `name` with its facts filled in. Raises WordingError."""
    template = _load(name)
    missing = template.facts - facts.keys()
    if missing:
        raise WordingError(name, f"needs {', '.join(sorted(missing))}")
    return Wording(
        text=_fill(template.body, facts),
        version=template.head.version,
        buttons=template.head.buttons,
    )


def check_wordings() -> tuple[str, ...]:
    """Loads every file and returns the names; a broken one stops the start by name."""
    names = tuple(sorted(path.stem for path in FOLDER.glob("*.md")))
    for name in names:
        _load(name)
    return names


def _fill(body: str, facts: Mapping[str, object]) -> str:
    return _FACT.sub(lambda match: str(facts[match[1]]), body)


@cache
def _load(name: str) -> _Template:
    path = FOLDER / f"{name}.md"
    if not path.is_file():
        raise WordingError(name, f"no file {path.name} in agent/wordings")
    parts = path.read_text(encoding="utf-8").split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise WordingError(name, "must begin with a head between two +++ lines")
    try:
        head = _Head.model_validate(tomllib.loads(parts[1]))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise WordingError(name, str(error)) from error
    long = [title for title in head.buttons if not 0 < len(title) <= _BUTTON_TITLE_MAX]
    body = parts[2].strip()
    if long or not body:
        raise WordingError(name, f"button titles too long: {long}" if long else "has no text")
    return _Template(head=head, body=body, facts=frozenset(_FACT.findall(body)))
