"""The keys of a spec as a person can ask about them: shapes and their descriptions, brought together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentspec.spec import controller_shapes, model_shapes, shapes
from agentspec.spec.field_docs import PLACES
from agentspec.spec.shapes import Shape

SHAPES: Mapping[str, type[Shape]] = {
    "spec": shapes.SpecShape,
    "node": shapes.NodeShape,
    "lm": shapes.LmShape,
    "tool": shapes.ToolShape,
    **controller_shapes.CONTROLLERS,
    "models": model_shapes.ModelShape,
    "price": model_shapes.PriceShape,
    **model_shapes.COMPOSITES,
    "way": model_shapes.Way,
    "block": shapes.BlockShape,
    "free": controller_shapes.FreeShape,
    "retry": shapes.Retry,
    "on_error": shapes.OnErrorValue,
    "text": shapes.FileText,
    "messages": shapes.Turn,
    "examples": shapes.Example,
    "sample": shapes.Sample,
    "next": controller_shapes.Transition,
    "limits": shapes.Limits,
    "profiles": shapes.Profile,
    "tests": shapes.Case,
}
"""Place of `field_docs` -> the shape that holds it."""
_ALSO = {shapes.CaseShape: "block", controller_shapes.PluginShape: "free"}
_PLACE_OF = {shape: place for place, shape in SHAPES.items()} | _ALSO


@dataclass(frozen=True, slots=True)
class FieldDoc:
    """What is known about a key without its type: the place that describes it, its meaning, an example."""

    place: str
    key: str
    meaning: str
    example: str


def written(shape: type[Shape]) -> Iterator[tuple[str, str]]:
    """The keys of a shape as a person writes them, each with the name of its field."""
    for name, field in shape.model_fields.items():
        yield field.alias or name, name


def defaults(shape: type[Shape]) -> Iterator[tuple[str, Any]]:
    """The keys of a shape with what stands for them when they are not given."""
    for key, name in written(shape):
        yield key, shape.model_fields[name].default


def describe(shape: type[Shape], key: str) -> FieldDoc | None:
    """The description of a key: that of the shape itself, else of the nearest one that it is made from."""
    places = [_PLACE_OF[parent] for parent in shape.__mro__ if parent in _PLACE_OF]
    for place in [*places, "controller"]:
        if key in PLACES[place].keys:
            return FieldDoc(place, key, *PLACES[place].keys[key])
    return None


def find(word: str) -> list[FieldDoc]:
    """What `timeout`, `map.over` or `limits.usd` means; several when the key stands in several places."""
    place, dot, key = word.rpartition(".")
    if not dot:
        return [FieldDoc(name, word, *one.keys[word]) for name, one in PLACES.items() if word in one.keys]
    if place in PLACES and key in PLACES[place].keys:
        return [FieldDoc(place, key, *PLACES[place].keys[key])]
    found = describe(SHAPES[place], key) if place in SHAPES else None
    return [] if found is None else [found]


def words() -> list[str]:
    """Everything that `find` knows, and the places themselves."""
    keys = {key for place in PLACES.values() for key in place.keys}
    own = [f"{name}.{key}" for name, place in PLACES.items() for key in place.keys]
    inherited = [f"{name}.{key}" for name, shape in SHAPES.items() for key, _ in written(shape)]
    return sorted({*keys, *PLACES, *own, *inherited})
