"""The tools of a turn: a registry, checked arguments, and the desk they work on.

Inside the loop a tool only reads, or records an effect that the turn's transaction executes. What it
works on (this contact, this conversation) is bound here by the runtime; the model names no ids.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.playbook import Playbook
from domain.catalogue import CatalogueReader
from domain.errors import DefectError, RejectedError, TransientError
from domain.handoff import HandoffKind, Priority
from domain.reply import Effect, ToolCall
from domain.sources import Sources, sources_of
from domain.storable import storable
from domain.turn_context import TurnContext

log = structlog.get_logger()


class ToolRetryError(RejectedError):
    """The call was wrong and can be corrected; `hint` tells the model how."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


class ToolFailedError(TransientError):
    """The tool cannot do it now, however it is called; `message` says what to tell the contact."""


class ToolArguments(BaseModel):
    """Arguments as the model sends them: unknown ones are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffWish:
    """The model asked for a person; the agent makes the request of it, with its brief."""

    kind: HandoffKind
    reason: str
    priority: Priority


@dataclass(slots=True, kw_only=True)
class Desk:
    """What the tools of one turn read and write on. `effects` are recorded, not done."""

    context: TurnContext
    catalogue: CatalogueReader
    playbook: Playbook
    effects: list[Effect] = field(default_factory=list)
    handoff: HandoffWish | None = None

    def record(self, effect: Effect) -> bool:
        """False when the same effect was recorded before in this turn."""
        if effect in self.effects:
            return False
        self.effects.append(effect)
        return True


A = TypeVar("A", bound=ToolArguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Generic[A]):
    """One tool. `quotable`: figures in its results may be told to the contact.

    A tool whose results can carry the model's own words (notes, profile) must not be quotable, or
    the model could launder a price through it.
    """

    name: str
    description: str
    arguments: type[A]
    run: Callable[[Desk, A], Awaitable[Mapping[str, Any]]]
    quotable: bool = False

    def definition(self) -> dict[str, Any]:
        """As the Messages protocol wants it; the same bytes every time, for the cache."""
        schema = self.arguments.model_json_schema()
        return {
            "name": self.name,
            "description": self.description,
            "input_schema": {
                "type": "object",
                "properties": {name: _bare(p) for name, p in schema.get("properties", {}).items()},
                "required": schema.get("required", []),
                "additionalProperties": False,
                **({"$defs": defs} if (defs := schema.get("$defs")) else {}),
            },
        }


def _bare(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "title"}


class UnknownToolError(DefectError):
    """A playbook names a tool that does not exist."""

    def __init__(self, name: str, known: str) -> None:
        super().__init__(name, known)


Registry = Mapping[str, Tool[Any]]


def chosen(registry: Registry, names: tuple[str, ...]) -> tuple[Tool[Any], ...]:
    """The playbook's tools, sorted by name so that the request's prefix is stable."""
    unknown = set(names) - registry.keys()
    if unknown:
        raise UnknownToolError(", ".join(sorted(unknown)), ", ".join(sorted(registry)))
    return tuple(registry[name] for name in sorted(set(names)))


class Toolbox:
    """The tools of one turn; what quotable ones returned is kept for the money guard."""

    def __init__(self, tools: tuple[Tool[Any], ...], desk: Desk) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self.desk = desk
        self.calls: list[ToolCall] = []
        self._quotable: list[Mapping[str, Any]] = []

    def sources(self) -> Sources:
        """Everything a figure of this turn may come from, so far."""
        sources = sources_of(self.desk.context)
        for result in self._quotable:
            sources.read_tool_result(result)
        return sources

    async def call(self, name: str, raw: object) -> ToolCall:
        """Runs one tool. Whatever was wrong comes back as a result the model can read."""
        started = time.perf_counter()
        arguments = storable(dict(raw)) if isinstance(raw, Mapping) else {}
        output, ok = await self._run(name, arguments)
        call = ToolCall(
            name=name,
            input=arguments,
            output=output,
            ok=ok,
            latency_ms=round((time.perf_counter() - started) * 1000),
        )
        self.calls.append(call)
        return call

    async def _run(self, name: str, arguments: dict[str, Any]) -> tuple[Mapping[str, Any], bool]:
        tool = self._tools.get(name)
        if tool is None:
            return _retry(f"there is no tool {name!r}; there are {', '.join(self._tools)}"), False
        try:
            result = await tool.run(self.desk, tool.arguments.model_validate(arguments))
        except ValidationError as error:
            return _retry(_problems(error)), False
        except ToolRetryError as error:
            return _retry(error.hint), False
        except ToolFailedError as error:
            return _failed(error.message), False
        except TransientError as error:
            log.warning("tool.failed", tool=name, error=type(error).__name__)
            return _failed(OUT_OF_REACH), False
        if tool.quotable:
            self._quotable.append(result)
        return result, True


OUT_OF_REACH: Final = (
    "A consulta está indisponível agora. Diga ao cliente que não consegue ver essa informação neste "
    "momento e ofereça uma pessoa da equipe; não responda de memória."
)


def _retry(hint: str) -> dict[str, Any]:
    return {"error": "retry", "hint": hint}


def _failed(message: str) -> dict[str, Any]:
    return {"error": "failed", "message": message}


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}"
        for e in error.errors(include_input=False)
    )
