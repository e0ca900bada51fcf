"""Nodes, blocks and cases: each kind a definition of its own, chosen by the key that makes the kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agentspec.api.controller import ControllerFactory
from agentspec.api.tool import Tool
from agentspec.spec.controller_shapes import CONTROLLERS, FreeShape
from agentspec.spec.editor_schema.bindings import relaxed_properties, with_options
from agentspec.spec.editor_schema.from_shapes import about, definition
from agentspec.spec.editor_schema.words import Part, all_of, closed, first_of, named, one_of_these, ref, when_key
from agentspec.spec.field_docs import PLACES
from agentspec.spec.shapes import CaseShape, LmShape, NodeShape, ToolShape

_SKELETONS = {
    "LM node": {"${1:name}": {"lm": "${2:model}", "prompt": "$3"}},
    "tool node": {"${1:name}": {"tool": "${2:toolset.function}", "with": {"$3": ""}}},
    "switch": {"${1:name}": {"controller": "switch", "on": "${2:value}", "cases": {"$3": ""}}},
    "map": {"${1:name}": {"controller": "map", "over": "${2:list}", "as": "${3:item}", "nodes": {"$4": ""}}},
    "loop": {"${1:name}": {"controller": "loop", "max": "${2:3}", "until": "${3:condition}", "nodes": {"$4": ""}}},
}


def node_definitions(
    tools: Mapping[str, Tool], controllers: Mapping[str, ControllerFactory], special: Mapping[str, Part]
) -> dict[str, Part]:
    """Return the definitions that `nodes:` needs.

    Args:
        tools: those whose arguments are known, by what `tool:` calls them.
        controllers: those of plugins, by what `controller:` calls them.
        special: as for `from_shapes.definition`.
    """
    made = {f"{word}_node": definition(shape, special) for word, shape in CONTROLLERS.items()}
    made |= {"lm_node": definition(LmShape, special), "tool_call": definition(ToolShape, special)}
    controller = _controller_word(controllers)
    common = definition(NodeShape, special)["properties"]
    free = {"controller": controller, **definition(FreeShape, special)["properties"]}
    made |= {_plugin_node(name): with_options(free, one.config) for name, one in controllers.items()}
    undecided = {
        "lm": made["lm_node"]["properties"]["lm"],
        "tool": made["tool_call"]["properties"]["tool"],
        "controller": controller,
        **common,
    }
    kinds = {"controller": ref("controller_node"), "lm": ref("lm_node"), "tool": ref("tool_node")}
    block = definition(CaseShape, special)
    either = {**undecided, **block["properties"]}
    listed = closed({"when": common["when"], **block["properties"]})
    return {
        **made,
        **_parts_of_nodes([*(one["properties"] for one in made.values()), undecided]),
        "nodes": _nodes(),
        "node": {"type": "object", **first_of(kinds, ref("undecided_node"))},
        "undecided_node": closed(undecided, one_of_these(["lm", "tool", "controller"])),
        "controller_node": {
            "properties": {"controller": controller},
            "allOf": [
                *(when_key("controller", {"const": word}, ref(f"{word}_node")) for word in CONTROLLERS),
                *(when_key("controller", {"const": name}, ref(_plugin_node(name))) for name in controllers),
                # Of a controller that is not installed only the keys are known that all of them have.
                when_key("controller", {"pattern": "/", "not": {"enum": [*controllers]}}, {"properties": free}),
            ],
        },
        "tool_node": {**ref("tool_call"), **all_of(_arguments(name, tool) for name, tool in tools.items())},
        "branch": {"type": "object", **first_of({**kinds, "nodes": block, "result": block}, closed(either))},
        "listed_case": {
            "type": "object",
            "required": ["when"],
            **first_of({**kinds, "nodes": listed, "result": listed}, closed(either)),
        },
        "cases": {
            "anyOf": [
                {"type": "object", "additionalProperties": ref("branch")},
                {"type": "array", "items": ref("listed_case")},
            ]
        },
    }


def _plugin_node(name: str) -> str:
    return f"{name.replace('/', '.')}_node"


def _controller_word(controllers: Mapping[str, ControllerFactory]) -> Part:
    """Our own controllers and those of plugins, some of which need not be installed here."""
    meanings = {word: PLACES[word].about for word in CONTROLLERS}
    meanings |= {name: one.description or "A controller of a plugin." for name, one in controllers.items()}
    return {
        **about("controller", "controller"),
        "anyOf": [
            {"type": "string", "enum": list(meanings), "enumDescriptions": list(meanings.values())},
            {"type": "string", "pattern": "^[^/]+/[^/]+$"},
        ],
    }


def _nodes() -> Part:
    skeletons = [{"label": label, "body": body} for label, body in _SKELETONS.items()]
    return {**named(ref("node")), "minProperties": 1, "defaultSnippets": skeletons}


def _parts_of_nodes(kinds: Iterable[Mapping[str, Part]]) -> dict[str, Part]:
    """Nodes of a spec that extends another: every key of every kind, and nothing that has to be there."""
    told = ("description", "markdownDescription")
    keys = {
        key: {word: part[word] for word in told if word in part}
        for properties in kinds
        for key, part in properties.items()
    }
    return {
        "parts_of_nodes": {"type": ["object", "null"], "additionalProperties": ref("part_of_node")},
        "part_of_node": {"type": ["object", "null"], "properties": {**keys, "nodes": ref("parts_of_nodes")}},
    }


def _arguments(name: str, tool: Tool) -> Part:
    """What `with:` holds when `tool:` names a tool that is known."""
    required = list(tool.parameters.get("required", ()))
    arguments = {"description": tool.description, **closed(relaxed_properties(tool.parameters), required)}
    then: Part = {"properties": {"with": arguments}}
    return when_key("tool", {"const": name}, {**then, "required": ["with"]} if required else then)
