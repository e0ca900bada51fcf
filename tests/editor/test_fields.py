"""Every key has a description with an example, and every description has a key."""

from __future__ import annotations

import jsonschema_rs
import pytest
import yaml

from agentspec.spec import fields
from agentspec.spec.controller_shapes import PluginShape
from agentspec.spec.editor_schema import property_of, spec_schema
from agentspec.spec.editor_schema.type_words import type_words
from agentspec.spec.field_docs import PLACES
from agentspec.spec.shapes import CaseShape, Shape

DEFINITIONS = spec_schema()["$defs"]
FIELDS = [(place, key) for place, one in PLACES.items() for key in one.keys]
INSIDE = {(PluginShape, "config")}
"""Keys of shapes that nobody writes."""


def shapes(base: type[Shape] = Shape) -> set[type[Shape]]:
    below = {one for one in base.__subclasses__() if one.__module__.startswith("agentspec.spec.")}
    return below.union(*(shapes(one) for one in below))


def test_every_shape_has_a_place() -> None:
    assert shapes() == {*fields.SHAPES.values(), CaseShape, PluginShape}
    assert set(fields.SHAPES) <= set(PLACES)


@pytest.mark.parametrize("shape", sorted(shapes(), key=lambda shape: shape.__name__), ids=lambda shape: shape.__name__)
def test_every_key_of_a_shape_is_described(shape: type[Shape]) -> None:
    keys = [key for key, _ in fields.written(shape) if (shape, key) not in INSIDE]
    assert [key for key in keys if fields.describe(shape, key) is None] == []


@pytest.mark.parametrize(("place", "key"), FIELDS)
def test_every_described_key_exists_and_its_example_fits(place: str, key: str) -> None:
    if place in fields.SHAPES:
        assert key in dict(fields.written(fields.SHAPES[place]))
    schema, _ = property_of(place, key)
    example = yaml.safe_load(f"{key}: {PLACES[place].keys[key][1]}")
    value = example.get(key, example.get(True))  # `on` is a truth value for this reader
    validator = jsonschema_rs.Draft202012Validator({**schema, "$defs": DEFINITIONS})
    assert [error.message for error in validator.iter_errors(value)] == []


@pytest.mark.parametrize(("place", "key"), FIELDS)
def test_a_description_is_a_sentence_and_its_type_can_be_said(place: str, key: str) -> None:
    meaning, _ = PLACES[place].keys[key]
    assert meaning[0].isupper() or meaning[0] == "`"
    assert meaning.endswith(".")
    assert type_words(property_of(place, key)[0])


def test_the_schema_shows_the_descriptions() -> None:
    node = DEFINITIONS["lm_node"]["properties"]
    assert node["timeout"]["description"] == PLACES["node"].keys["timeout"][0]
    assert "```yaml\ntimeout: 30s\n```" in node["timeout"]["markdownDescription"]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("timeout", [("node", "timeout")]),
        ("map.over", [("map", "over")]),
        ("map.timeout", [("node", "timeout")]),
        ("limits.usd", [("limits", "usd")]),
        ("models.use", [("models", "use")]),
        ("on", [("switch", "on"), ("retry", "on")]),
        ("limits.over", []),
        ("nothing", []),
    ],
)
def test_a_field_is_found_by_its_name_and_by_its_place(word: str, found: list[tuple[str, str]]) -> None:
    assert [(one.place, one.key) for one in fields.find(word)] == found
