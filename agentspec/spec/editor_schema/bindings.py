"""What may stand under `models:` and `tools:`, from the plugins that are installed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.errors import PydanticUserError

from agentspec.api.backend import BackendFactory, Options
from agentspec.api.schema import inline
from agentspec.api.tool import Toolset
from agentspec.spec.editor_schema.from_shapes import about, definition
from agentspec.spec.editor_schema.words import (
    Part,
    all_of,
    closed,
    first_of,
    offered,
    one_of_these,
    ref,
    relaxed,
    when_key,
)
from agentspec.spec.model_shapes import COMPOSITES, ModelShape


def model_definitions(backends: Mapping[str, BackendFactory], names: Iterable[str]) -> dict[str, Part]:
    """Return the definitions that `models:` needs; `names` are the models of a spec, which others are made of."""
    ready = {
        f"{name}/{model}": backend.description
        for name, backend in backends.items()
        for model in backend.models or ("",)
    }
    use = {**about("models", "use"), "type": "string", **offered(ready)}
    terms = {**definition(ModelShape, {})["properties"], "use": about("models", "use")}
    member = {"type": "string", **offered({**dict.fromkeys(names, "a model of this spec"), **ready})}
    options = [({"type": "string", "pattern": _begins(f"{name}/")}, _backend(name)) for name in backends]
    kinds = {"use": ref("used_model"), **{word: ref(word) for word in COMPOSITES}}
    undecided = {"use": use, **{word: about(word, word) for word in COMPOSITES}}
    return {
        "model": {"anyOf": [ref("bound_model"), use]},
        "member": {"anyOf": [ref("bound_model"), member]},
        "bound_model": {"type": "object", **first_of(kinds, closed(undecided, one_of_these(kinds)))},
        "used_model": _used({**terms, "use": use}, options),
        **{_backend(name): with_options(terms, one.options) for name, one in backends.items()},
    }


def toolset_definitions(toolsets: Mapping[str, Toolset]) -> dict[str, Part]:
    """The definitions that `tools:` needs."""
    ready = {name: toolset.description for name, toolset in toolsets.items()}
    use = {**about("tools", "use"), "type": "string", **offered(ready)}
    options = [({"const": name}, _toolset(name)) for name in toolsets]
    return {
        "toolset": {"anyOf": [ref("bound_toolset"), use]},
        "bound_toolset": {"type": "object", **first_of({"use": ref("used_toolset")}, closed({"use": use}, ["use"]))},
        "used_toolset": _used({"use": use}, options),
        **{
            _toolset(name): with_options({"use": about("tools", "use")}, toolset.options)
            for name, toolset in toolsets.items()
        },
    }


def _backend(name: str) -> str:
    return f"backend_{name}"


def _toolset(name: str) -> str:
    return f"toolset_{name.replace('/', '.')}"


def _begins(text: str) -> str:
    """A pattern for texts with this beginning; JavaScript, unlike Python, does not let `-` be escaped."""
    return "^" + re.escape(text).replace(r"\-", "-")


def _used(keys: Mapping[str, Part], options: list[tuple[Part, str]]) -> Part:
    """The other keys are those of the plugin that `use` names; nothing is known of plugins that are not installed."""
    return {
        "properties": dict(keys),
        **all_of(when_key("use", condition, ref(name)) for condition, name in options),
    }


def with_options(keys: Mapping[str, Any], options: type[Options]) -> Part:
    """A mapping with these keys, the first of them required, and those of a plugin's model.

    A model that pydantic cannot describe is the plugin's own affair: its keys are not checked.
    """
    first = next(iter(keys))
    try:
        made = inline(options.model_json_schema())
    except PydanticUserError:
        return {"type": "object", "properties": dict(keys)}
    return closed({**relaxed_properties(made), **keys}, [first, *made.get("required", ())])


def relaxed_properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an object, each as a spec may write it."""
    return {name: relaxed(part) for name, part in schema.get("properties", {}).items()}
