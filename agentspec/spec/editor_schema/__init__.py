"""The JSON Schema of specs: what editors check and complete. Made from the same shapes as the parser's.

from_shapes    a shape of the parser as a schema, with descriptions
nodes          kinds of nodes, blocks and cases
bindings       models and toolsets of the plugins that are installed
names          what a given spec declares
words          small parts of schemas
type_words     a schema in words, for `agentspec explain`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentspec.spec.controller_shapes import CONTROLLERS
from agentspec.spec.editor_schema.bindings import model_definitions, toolset_definitions
from agentspec.spec.editor_schema.from_shapes import about, definition
from agentspec.spec.editor_schema.names import Names, names_of
from agentspec.spec.editor_schema.nodes import node_definitions
from agentspec.spec.editor_schema.words import Part, closed, first_of, named, offered, ref
from agentspec.spec.field_docs import PLACES
from agentspec.spec.fields import SHAPES
from agentspec.spec.installed import Installed
from agentspec.spec.shapes import SpecShape
from agentspec.spec.types.words import SCALARS

__all__ = ["Names", "names_of", "property_of", "spec_schema"]

_KINDS = {"spec", "node", "lm", "tool", "block", "free", "models", *CONTROLLERS}
"""Places whose definitions are made elsewhere."""
_DEFINITIONS = {
    "node": "undecided_node",
    "controller": "controller_node",
    "models": "used_model",
    "tools": "used_toolset",
    "inputs": "described_input",
}
"""Places that are no shape, or more than one."""


def spec_schema(installed: Installed | None = None, names: Names | None = None) -> dict[str, Any]:
    """Return the schema, draft 2020-12, self-contained."""
    installed, names = installed or Installed(), names or Names()
    bound = names.tools if names.tools is not None else {name: name for name in installed.toolsets if "/" not in name}
    tools = {
        f"{local}.{function}": tool
        for local, use in bound.items()
        if use in installed.toolsets
        for function, tool in installed.toolsets[use].tools.items()
    }
    special = _special(names, {name: tool.description for name, tool in tools.items()})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_top(definition(SpecShape, special)),
        "$defs": {
            "expression": {"type": "string"},
            **_types(names.types),
            **{place: definition(shape, special) for place, shape in SHAPES.items() if place not in _KINDS},
            **node_definitions(tools, installed.controllers, special),
            **model_definitions(installed.backends, names.models),
            **toolset_definitions(installed.toolsets),
        },
    }


def property_of(place: str, key: str) -> tuple[dict[str, Any], bool]:
    """The schema of a key of `field_docs.PLACES`, and whether it has to be there."""
    if place in _DEFINITIONS:
        found = spec_schema()["$defs"][_DEFINITIONS[place]]
    else:
        found = definition(SHAPES[place], _special(Names(), {}))
    return found["properties"][key], key in found.get("required", ())


def _top(whole: Part) -> Part:
    """With `extends:` the rest is in another file: what is written here may be any part of it."""
    anything = {key: {"description": part.get("description", "")} for key, part in whole["properties"].items()}
    kept = {key: whole["properties"][key] for key in ("agentspec", "extends", "include")}
    part = closed({**anything, **kept, "nodes": ref("parts_of_nodes")})
    return {"type": "object", **first_of({"extends": part}, whole)}


def _special(names: Names, tools: Mapping[str, str]) -> dict[str, Part]:
    """The keys whose values have a meaning that a shape does not show."""
    model = {"type": "string", **offered(dict.fromkeys(names.models, "a model of this spec"))}
    ids = offered(dict.fromkeys(names.nodes, "a node of this spec"))
    models = named(ref("model"), dashes=True)
    members: Part = {"type": "array", "minItems": 2, "items": ref("member")}
    return {
        "nodes": ref("nodes"),
        "output": ref("type"),
        "examples.output": {},
        "spec.inputs": named(ref("input")),
        "spec.types": named(ref("type")),
        "spec.models": models,
        "profiles.models": models,
        "map.over": ref("expression"),
        "cascade.cascade": members,
        "fallback.fallback": members,
        "way.use": ref("member"),
        "shadow.shadow": ref("member"),
        "shadow.with": ref("member"),
        "spec.tools": named(ref("toolset")),
        "switch.cases": ref("cases"),
        "switch.default": ref("branch"),
        "lm.lm": model,
        "plan.lm": model,
        "sample.judge": {"type": ["string", "null"], **{key: value for key, value in model.items() if key != "type"}},
        "tool.tool": {"type": "string", **offered(tools)},
        "lm.tools": _one_or_more(offered(tools)),
        "plan.tools": _one_or_more(offered(tools)),
        "spec.allow_unreviewed": _one_or_more(offered(tools)),
        "node.after": _one_or_more(ids),
        "node.retry": {"anyOf": [ref("retry"), {"type": "integer", "minimum": 0, "maximum": 20}]},
    }


def _one_or_more(word: Part) -> Part:
    return {"anyOf": [{"type": "string", **word}, {"type": "array", "items": {"type": "string", **word}}]}


def _types(names: tuple[str, ...]) -> dict[str, Part]:
    """Types are open: an object may have any field, and JSON Schema may stand in place of the shorthand."""
    words = dict.fromkeys((*SCALARS, "null"), "a type of the language")
    words |= dict.fromkeys(names, "a type of this spec")
    text: Part = {"type": ["string", "null"], **offered(words)}
    parts: Part = {
        "type": ["object", "array"],
        "additionalProperties": {"anyOf": [text, {}]},
        "items": ref("type"),
        "minItems": 1,
        "maxItems": 1,
    }
    described = {key: about("inputs", key) for key in PLACES["inputs"].keys}
    described["type"] |= ref("type")
    described["description"]["type"] = "string"
    return {
        "type": {"anyOf": [text, parts]},
        "input": {"anyOf": [text, ref("described_input")]},
        "described_input": {**parts, "properties": described},
    }
