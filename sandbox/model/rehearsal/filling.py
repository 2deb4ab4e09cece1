"""Fills a JSON schema with what is known: tool arguments and structured replies alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def fill(schema: Schema, known: Mapping[str, Any], *, root: Schema | None = None) -> Any:
    """A value that satisfies `schema`; keys found in `known` win, others get the plainest value."""
    top = root or schema
    schema = _resolved(schema, top)
    kind = _kind(schema)
    if kind != "object":
        return plainest(schema, top)
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = set(schema.get("required") or ())
    strict = schema.get("additionalProperties") is False
    filled: dict[str, Any] = {}
    for name, part in properties.items():
        inner = _resolved(part, top)
        if name in known and known[name] is not None:
            value = _fitted(inner, known[name], known, top)
            if value is not None:
                filled[name] = value
                continue
        if name in required:
            filled[name] = (
                fill(inner, known, root=top) if _kind(inner) == "object" else plainest(inner, top)
            )
    if not strict and not properties:
        return dict(known.get("metadata") or {})
    return filled


def _fitted(schema: Schema, value: Any, known: Mapping[str, Any], top: Schema) -> Any:  # noqa: PLR0911 - one line per JSON type
    """`value` in the schema's type and choices, or None when it cannot be."""
    choices = schema.get("enum")
    if choices is not None:
        return value if value in choices else None
    kind = _kind(schema)
    if kind == "object":
        if not isinstance(value, Mapping):
            return None
        if schema.get("properties"):
            return fill(schema, {**known, **value}, root=top)
        return dict(value)
    if kind == "array":
        items = value if isinstance(value, list) else [value]
        return [i for i in items if i is not None][: int(schema.get("maxItems", 50))]
    if kind == "string":
        return str(value)[: int(schema.get("maxLength", 100_000))]
    if kind in ("number", "integer"):
        return value if isinstance(value, (int, float)) else None
    if kind == "boolean":
        return bool(value)
    return value


def plainest(schema: Schema, top: Schema) -> Any:  # noqa: PLR0911 - one line per JSON type
    schema = _resolved(schema, top)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if "default" in schema:
        return schema["default"]
    match _kind(schema):
        case "object":
            return fill(schema, {}, root=top)
        case "array":
            least = int(schema.get("minItems", 0))
            return [plainest(schema.get("items") or {}, top) for _ in range(least)]
        case "integer":
            return int(schema.get("minimum", 1))
        case "number":
            return float(schema.get("minimum", 0))
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return "não informado" if schema.get("minLength") else ""


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return str(next((k for k in kind if k != "null"), "null"))
    if kind is None and "properties" in schema:
        return "object"
    return str(kind or "string")


def _resolved(schema: Schema, top: Schema) -> Schema:
    """Follow `$ref` and the first non-null branch of `anyOf`, `oneOf`, `allOf`."""
    for _ in range(8):
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            target: Any = top
            for part in reference[2:].split("/"):
                target = target.get(part, {})
            schema = target
            continue
        branches = next((schema[k] for k in ("anyOf", "oneOf", "allOf") if schema.get(k)), None)
        if branches is None:
            return schema
        schema = next((b for b in branches if b.get("type") != "null"), branches[0])
    return schema
