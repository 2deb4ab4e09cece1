"""Frozen dataclasses to plain JSON values and back, led by their annotations.

Written for values that are stored for years and read by newer code: a field that has its default is
left out, an unknown key is ignored, and what has the wrong type is refused by name. A class with a
`kind` takes part in unions: the kind says which class of the union a JSON object is.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, Union

from domain.errors import InvalidInputError

T = TypeVar("T")
Decoder = Callable[[Any, str], Any]

NOT_STORED: Final[dict[str, bool]] = {"stored": False}
"""Metadata of a field that never enters the JSON."""

_REQUIRED: Final = object()
_PLAIN: Final = frozenset({str, int, float, bool, type(None), dict, list})


def to_json(record: object) -> dict[str, Any]:
    """The record as JSON values, `kind` first; fields that have their default are left out."""
    cls: Any = type(record)
    kind, plan = _encoding(cls)
    out: dict[str, Any] = {} if kind is None else {"kind": kind}
    for name, default in plan:
        value = getattr(record, name)
        if value is default:
            continue
        out[name] = value if type(value) in _PLAIN else _plain(value)
    return out


def from_json(cls: type[T], data: object, *, path: str = "") -> T:
    """A `cls` made of what `to_json` wrote. Raises InvalidInputError naming the field that is wrong."""
    if not isinstance(data, dict):
        raise InvalidInputError(path or cls.__name__, "must be an object")
    values: dict[str, Any] = {}
    for name, (decode, required) in _decoding(typing.cast("Any", cls)).items():
        if name in data:
            values[name] = decode(data[name], f"{path}.{name}" if path else name)
        elif required:
            raise InvalidInputError(f"{path}.{name}" if path else name, "is missing")
    return cls(**values)


def one_of(classes: tuple[type, ...], data: object, *, path: str = "") -> Any:
    """The member of the union that `data["kind"]` names, decoded."""
    if not isinstance(data, dict):
        raise InvalidInputError(path or "value", "must be an object")
    kinds = _kinds(classes)
    kind = data.get("kind")
    chosen = kinds.get(kind) if isinstance(kind, str) else None
    if chosen is None:
        where = f"{path}.kind" if path else "kind"
        raise InvalidInputError(where, "must be one of " + ", ".join(sorted(kinds)))
    return from_json(chosen, data, path=path)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return to_json(value) if dataclasses.is_dataclass(value) else value


@cache
def _encoding(cls: type[Any]) -> tuple[str | None, tuple[tuple[str, object], ...]]:
    fields = _stored(cls)
    plan = tuple(
        (f.name, _REQUIRED if f.default is dataclasses.MISSING else f.default) for f in fields
    )
    has_field = any(f.name == "kind" for f in fields)
    return (None if has_field else getattr(cls, "kind", None)), plan


@cache
def _decoding(cls: type[Any]) -> dict[str, tuple[Decoder, bool]]:
    hints = typing.get_type_hints(cls)
    return {
        f.name: (
            _decoder(hints[f.name]),
            f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING,
        )
        for f in _stored(cls)
    }


def _stored(cls: type[Any]) -> list[dataclasses.Field[Any]]:
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(cls)
    return [f for f in fields if f.metadata.get("stored", True)]


@cache
def _kinds(classes: tuple[type, ...]) -> dict[str, type]:
    kinds: dict[str, type] = {}
    for cls in classes:
        if any(f.name == "kind" for f in dataclasses.fields(cls)):
            kinds.update({member.value: cls for member in typing.get_type_hints(cls)["kind"]})
        else:
            kinds[cls.kind] = cls  # type: ignore[attr-defined]
    return kinds


def _decoder(hint: Any) -> Decoder:
    origin = typing.get_origin(hint)
    if origin in {Union, types.UnionType}:
        return _union(typing.get_args(hint))
    if origin is tuple:
        return _many(_decoder(typing.get_args(hint)[0]))
    if hint is Any:
        return lambda value, _path: value
    if dataclasses.is_dataclass(hint):
        return lambda value, path: from_json(typing.cast("type[Any]", hint), value, path=path)
    if hint is datetime:
        return _moment
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _member(hint)
    return _typed(origin or hint)


def _union(options: tuple[Any, ...]) -> Decoder:
    nullable = type(None) in options
    records = tuple(o for o in options if dataclasses.is_dataclass(o))
    others = [o for o in options if o is not type(None) and o not in records]
    if len(others) == 1 and not records:
        inner = _decoder(others[0])
    elif len(records) == 1 and not others:
        inner = _decoder(records[0])
    else:
        plain = _decoder(others[0]) if others else None

        def inner(value: Any, path: str) -> Any:
            if plain is not None and not isinstance(value, dict):
                return plain(value, path)
            return one_of(typing.cast("tuple[type, ...]", records), value, path=path)

    return lambda value, path: None if nullable and value is None else inner(value, path)


def _many(inner: Decoder) -> Decoder:
    def decode(value: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise InvalidInputError(path, "must be a list")
        return tuple(inner(item, f"{path}[{n}]") for n, item in enumerate(value))

    return decode


def _moment(value: Any, path: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(path, "must be an RFC 3339 time") from error
    if moment.tzinfo is None:
        raise InvalidInputError(path, "must say its zone")
    return moment


def _member(cls: type[Enum]) -> Decoder:
    def decode(value: Any, path: str) -> Enum:
        try:
            return cls(value)
        except ValueError as error:
            allowed = ", ".join(str(m.value) for m in cls)
            raise InvalidInputError(path, f"must be one of {allowed}") from error

    return decode


_NAMES: Final = {str: "text", int: "a whole number", bool: "true or false", dict: "an object"}


def _typed(cls: type) -> Decoder:
    accepted: tuple[type, ...] = (int, float) if cls is float else (cls,)
    reason = f"must be {_NAMES.get(cls, 'a number')}"

    def decode(value: Any, path: str) -> Any:
        if not isinstance(value, accepted) or (cls is not bool and isinstance(value, bool)):
            raise InvalidInputError(path, reason)
        return value

    return decode
