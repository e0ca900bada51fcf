"""Whether a plan that a model wrote may be run: held against the tools' signatures before any of them is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentspec.api.messages import Json, Schema
from agentspec.api.schema import without_null
from agentspec.api.validate import problems_of
from agentspec.plan.fits import misfit
from agentspec.plan.fits import name as type_name
from agentspec.plan.graph import find_circle
from agentspec.plan.steps import REFERENCE, field_steps, is_reference, references, waits_for, with_references
from agentspec.plan.typing.steps import track
from agentspec.plan.work import Offer

_DEEPEST = 32


def plan_problems(steps: Sequence[Mapping[str, Any]], offers: Sequence[Offer], most: int) -> list[str]:
    """Say everything that is wrong with a plan; an empty list when it may be run.

    The steps fit `loose_plan_schema`.
    """
    deep = [
        f"step `{step['id']}`: its arguments are nested too deeply" for step in steps if _is_deep(step["arguments"])
    ]
    if deep:
        return deep
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
            yield f"`{offer.name}` needs `{key}`: {type_name(properties[key])}"
    for key, value in arguments.items():
        if key in properties:
            yield from (f"`{key}`: {text}" for text in _value_problems(value, properties[key], known))


def _value_problems(value: Json, wanted: Schema, known: Mapping[str, Offer]) -> Iterator[str]:
    """Constants are validated; a reference is typed by what its step returns."""
    if is_reference(value):
        yield from _reference_problems(value, wanted, known)
        return
    mixed = bool(references(value))
    yield from problems_of(value, with_references(wanted) if mixed else wanted)
    if mixed:
        yield from _reference_types(value, wanted, known)


def _reference_types(value: Json, wanted: Schema, known: Mapping[str, Offer]) -> Iterator[str]:
    """The types of the references inside a value whose shape has been checked."""
    if is_reference(value):
        yield from _reference_problems(value, wanted, known)
        return
    inside = without_null(wanted)
    if isinstance(value, list):
        for item in value:
            yield from _reference_types(item, inside.get("items", {}), known)
    elif isinstance(value, Mapping):
        other = inside.get("additionalProperties")
        for key, item in value.items():
            part = inside.get("properties", {}).get(key, other)
            yield from _reference_types(item, part if isinstance(part, Mapping) else {}, known)


def _reference_problems(value: Mapping[str, Any], wanted: Schema, known: Mapping[str, Offer]) -> Iterator[str]:
    name, field = value[REFERENCE], value.get("field")
    strange = [key for key in value if key not in (REFERENCE, "field")]
    if strange:
        yield f"a reference holds `{REFERENCE}` and `field`, not `{strange[0]}`"
    offer = known.get(name)
    if offer is None:  # no such step, or one whose tool is not known: that is said there
        return
    try:
        steps = field_steps(field or "") if field is None or isinstance(field, str) else None
    except ValueError:
        steps = None
    if steps is None:
        yield f"`{str(field)[:80]}` is no field: it is written like `a.b[0]`"
        return
    found = track(offer.returns, steps)
    if found.missing is not None:
        yield f"`{name}` has no `{field}`"
    elif reason := misfit(found.schema, wanted):
        yield f"it must be {type_name(wanted)}, {reason}"


def _is_deep(value: Json) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for one in level
            for item in (one.values() if isinstance(one, Mapping) else one if isinstance(one, list) else ())
        ]
    return bool(level)
