"""Whether a plan that a model wrote may be run: held against the tools' signatures before any of them is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentspec.api.messages import Json, Schema
from agentspec.api.validate import problems_of
from agentspec.plan.fits import misfit, name
from agentspec.plan.graph import find_circle
from agentspec.plan.model import Offer
from agentspec.plan.steps import REFERENCE, field_steps, waits_for


def plan_problems(steps: Sequence[Mapping[str, Any]], offers: Sequence[Offer], most: int) -> list[str]:
    """Say everything that is wrong with a plan; an empty list when it may be run."""
    by_name = {offer.name: offer for offer in offers}
    problems = []
    if len(steps) > most:
        problems.append(f"the plan has {len(steps)} steps, {most} are allowed")
    ids = [str(step["id"]) for step in steps]
    problems += [f"two steps have the id `{word}`" for word in sorted({word for word in ids if ids.count(word) > 1})]
    known = {str(step["id"]): by_name[step["tool"]] for step in steps if step["tool"] in by_name}
    for step in steps:
        if step["tool"] not in by_name:
            problems.append(f"step `{step['id']}`: there is no tool `{step['tool']}`")
            continue
        unknown = sorted(waits_for(step) - set(ids))
        problems += [f"step `{step['id']}` refers to `{word}`, which is no step" for word in unknown]
        offer = by_name[step["tool"]]
        problems += [f"step `{step['id']}`: {text}" for text in _argument_problems(step, offer, known)]
    edges = {str(step["id"]): sorted(waits_for(step) & set(ids)) for step in steps}
    circle = find_circle(edges)
    if circle:
        problems.append(f"these steps wait for each other in a circle: {' -> '.join([*circle, circle[0]])}")
    return problems


def _argument_problems(step: Mapping[str, Any], offer: Offer, known: Mapping[str, Offer]) -> Iterator[str]:
    arguments = step.get("arguments") or {}
    properties = offer.parameters.get("properties", {})
    yield from (f"`{offer.name}` takes no `{key}`" for key in arguments if key not in properties)
    for key in offer.parameters.get("required", ()):
        if key not in arguments:
            yield f"`{offer.name}` needs `{key}`: {name(properties[key])}"
    for key, value in arguments.items():
        if key in properties:
            yield from (f"`{key}`: {text}" for text in _value_problems(value, properties[key], known))


def _value_problems(value: Json, wanted: Schema, known: Mapping[str, Offer]) -> Iterator[str]:
    """Constants are validated; a reference is typed by what its step returns."""
    if isinstance(value, Mapping) and isinstance(value.get(REFERENCE), str):
        offer = known.get(value[REFERENCE])
        given = _field(offer.returns, str(value.get("field") or "")) if offer is not None else {}
        if given is None:
            yield f"`{value[REFERENCE]}` has no `{value['field']}`"
        elif reason := misfit(given, wanted):
            yield f"it must be {name(wanted)}, {reason}"
    elif not _has_reference(value):
        yield from problems_of(value, wanted)
    elif isinstance(value, list):
        for item in value:
            yield from _value_problems(item, wanted.get("items", {}), known)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _value_problems(item, wanted.get("properties", {}).get(key, {}), known)


def _has_reference(value: Json) -> bool:
    if isinstance(value, Mapping):
        return isinstance(value.get(REFERENCE), str) or any(_has_reference(item) for item in value.values())
    return isinstance(value, list) and any(_has_reference(item) for item in value)


def _field(schema: Schema, field: str) -> Schema | None:
    """The type of a field; None when it cannot exist, an empty schema when nothing is known."""
    for step in field_steps(field):
        if not schema or "anyOf" in schema:
            return {}
        if isinstance(step, int) and schema.get("type") == "array":
            schema = schema.get("items", {})
        elif isinstance(step, str) and schema.get("type") == "object":
            properties = schema.get("properties", {})
            if step not in properties:
                return {} if schema.get("additionalProperties", True) else None
            schema = properties[step]
        else:
            return None
    return schema
