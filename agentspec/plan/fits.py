"""Whether values of one type can stand where another is wanted.

Only what is certain is reported: an unknown type (an empty schema) fits everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentspec.api.messages import Schema
from agentspec.api.schema import admits_null
from agentspec.api.validate import problems_of
from agentspec.plan.typing.kinds import as_schema, has_null, items_of, kind, not_null, options, values_of
from agentspec.plan.typing.names import type_name as name
from agentspec.plan.typing.names import value_name

__all__ = ["misfit", "name", "null_misfit"]

_RANGES = (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"))
_MOST_CHECKED = 50


def misfit(given: Schema, wanted: Schema) -> str | None:
    """Say why `given` cannot stand for `wanted`, or None when it may. Null is the caller's business.

    Deep inside, the reason names the place and both types: "`messages[].sender` is an integer, wanted a string".
    """
    return _misfit(given, wanted, "")


def null_misfit(given: Schema, wanted: Schema) -> str | None:
    """Say what may be null or absent where a value is wanted: `` for the value itself, or a place inside it."""
    if has_null(given) and not admits_null(wanted):
        return ""
    return next(_null_places(given, wanted, ""), None)


def _misfit(given: Schema, wanted: Schema, place: str) -> str | None:
    choices = [option for option in options(wanted) if kind(option) != "null"]
    if not all(choices) or not choices:
        return None
    for one in options(given):
        if not one or kind(one) == "null":
            continue
        reasons = [_misfit_plain(one, option, place) for option in choices]
        if None in reasons:
            continue
        likely = [reason for reason, option in zip(reasons, choices, strict=True) if _same_kind(one, option)]
        return likely[0] if len(likely) == 1 else _differs(one, wanted, place)
    return None


def _same_kind(given: Schema, wanted: Schema) -> bool:
    return kind(given) == kind(wanted) or (kind(given) == "integer" and kind(wanted) == "number")


def _differs(given: Schema, wanted: Schema, place: str) -> str:
    return f"`{place}` is {name(given)}, wanted {name(not_null(wanted))}" if place else f"it is {name(given)}"


def _misfit_plain(given: Schema, wanted: Schema, place: str) -> str | None:
    """Compare two alternatives, of one kind each."""
    if kind(given) is None:
        return None
    if "const" in given:
        return _differs(given, wanted, place) if problems_of(given["const"], wanted) else None
    if not _same_kind(given, wanted):
        return _differs(given, wanted, place)
    match kind(wanted):
        case "array":
            reason = _misfit(items_of(given), items_of(wanted), f"{place}[]") if _holds_items(given) else None
        case "object":
            reason = _misfit_object(given, wanted, place)
        case _:
            reason = _misfit_scalar(given, wanted, place)
    return reason or _out_of_range(given, wanted, place)


def _holds_items(given: Schema) -> bool:
    return bool(given.get("maxItems") != 0)


def _misfit_scalar(given: Schema, wanted: Schema, place: str) -> str | None:
    for word in (values_of(given) or ())[:_MOST_CHECKED]:
        if problems_of(word, wanted):
            return f"`{place}` may be `{value_name(word)}`" if place else f"it may be `{value_name(word)}`"
    have, want = given.get("format"), wanted.get("format")
    if have and want and have != want:
        return _differs(given, wanted, place)
    return None


def _misfit_object(given: Schema, wanted: Schema, place: str) -> str | None:
    have, want = given.get("properties", {}), wanted.get("properties", {})
    owner = f"`{place}`" if place else "it"
    closed = given.get("additionalProperties") is False and not given.get("patternProperties")
    for key in wanted.get("required", ()):
        if closed and key not in have:
            return f"{owner} has no `{key}`"
    if wanted.get("additionalProperties") is False and not wanted.get("patternProperties"):
        for key in given.get("required", ()):
            if key not in want:
                return f"{owner} has `{key}`, which is not wanted there"
    for key in want:
        if key in have:
            reason = _misfit(as_schema(have[key]), as_schema(want[key]), f"{place}.{key}" if place else key)
            if reason:
                return reason
    return None


def _out_of_range(given: Schema, wanted: Schema, place: str) -> str | None:
    """Report ranges of numbers or lengths that have nothing in common."""
    for low, high in _RANGES:
        for one, other in ((given, wanted), (wanted, given)):
            if low in one and high in other and one[low] > other[high]:
                have, want = (low, high) if one is given else (high, low)
                owner = f"`{place}`" if place else "it"
                return f"{owner} has {have} {given[have]}, wanted {want} {wanted[want]}"
    return None


def _null_places(given: Schema, wanted: Schema, place: str) -> Iterator[str]:
    """Places inside a value that may be null or absent, where the wanted type needs a value.

    With several alternatives nothing is certain enough to be said.
    """
    inner = [option for option in options(given) if kind(option) != "null"]
    outer = [option for option in options(wanted) if kind(option) != "null"]
    if len(inner) != 1 or len(outer) != 1 or kind(inner[0]) != kind(outer[0]):
        return
    have, want = inner[0], outer[0]
    if kind(have) == "array" and _holds_items(have):
        yield from _nulls(items_of(have), items_of(want), f"{place}[]")
    elif kind(have) == "object":
        for key, part in want.get("properties", {}).items():
            here = f"{place}.{key}" if place else key
            if key in have.get("properties", {}):
                absent = key in want.get("required", ()) and key not in have.get("required", ())
                yield from [here] if absent else _nulls(as_schema(have["properties"][key]), as_schema(part), here)


def _nulls(given: Schema, wanted: Schema, place: str) -> Iterator[str]:
    if has_null(given) and not admits_null(wanted):
        yield place
    else:
        yield from _null_places(given, wanted, place)
