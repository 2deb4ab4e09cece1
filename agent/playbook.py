"""A playbook: which prompt, tools, model and limits make an agent of one role."""

from __future__ import annotations

import tomllib
from datetime import time
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.errors import DefectError

PLAYBOOKS: Final = Path(__file__).parent / "playbooks"
PROMPTS: Final = Path(__file__).parent / "prompts"


class PlaybookError(DefectError):
    """A playbook or its prompt cannot be used; says which file and why."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name, problem)


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Frozen):
    max_output_tokens: int = Field(ge=256, le=32_000)
    products_per_search: int = Field(ge=1, le=20)
    pages_per_search: int = Field(ge=1, le=10)
    page_chars: int = Field(ge=200, le=10_000)
    call_days_ahead: int = Field(ge=1, le=365)


class BusinessHours(_Frozen):
    """When people of ours call and answer, in the contact's zone; `text` is what a contact reads."""

    weekdays: frozenset[int]
    opens: time
    closes: time
    text: str = Field(min_length=1)

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> BusinessHours:
        if self.opens >= self.closes or not self.weekdays <= set(range(7)) or not self.weekdays:
            problem = "opens must be before closes, weekdays from 0 (Monday) to 6"
            raise ValueError(problem)
        return self


class Playbook(_Frozen):
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    prompt: str
    model: Literal["reply", "triage", "analysis", "vision"]
    effort: Literal["low", "medium", "high"] | None = None
    tools: tuple[str, ...]
    limits: Limits
    business_hours: BusinessHours


def load_playbook(name: str, *, folder: Path = PLAYBOOKS) -> Playbook:
    """Reads `<name>.toml`. Raises PlaybookError naming the file and each wrong entry."""
    path = folder / f"{name}.toml"
    try:
        return Playbook.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise PlaybookError(name, f"no file {path.name} in {folder.name}") from error
    except tomllib.TOMLDecodeError as error:
        raise PlaybookError(name, f"{path.name} is not TOML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PlaybookError(name, f"{path.name}: {problems}") from error


def load_prompt(file: str, *, company: str, folder: Path = PROMPTS) -> str:
    """The prompt's words with the company's name in place. Raises PlaybookError."""
    path = folder / file
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise PlaybookError(file, f"no file {path.name} in {folder.name}") from error
    if not text:
        raise PlaybookError(file, "is empty")
    return text.replace("{company}", company)
