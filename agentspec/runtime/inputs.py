"""The inputs of a run: read from a command line, with paths made absolute where a person gave them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agentspec.api.messages import Json, Schema
from agentspec.api.schema import without_null
from agentspec.plan.model import Input, Plan


def from_words(plan: Plan, words: Mapping[str, str], folder: Path) -> dict[str, Json]:
    """Read inputs from the words of a command line; relative paths are meant from `folder`."""
    inputs = {one.name: one for one in plan.inputs}
    return {name: _from_word(word, inputs.get(name), folder) for name, word in words.items()}


def _from_word(word: str, declared: Input | None, folder: Path) -> Json:
    schema = {} if declared is None else without_null(declared.schema)
    if is_path(schema):
        return str((folder / word).absolute())
    if schema.get("type") == "string" or "enum" in schema or not schema:
        return word
    try:
        return json.loads(word)
    except ValueError:
        return word


def given_paths(plan: Plan, values: Mapping[str, Json]) -> tuple[Path, ...]:
    """The files and folders that a run was handed, which its tools may read."""
    found: list[Path] = []
    for one in plan.inputs:
        _collect(values.get(one.name), without_null(one.schema), plan.folder, found)
    return tuple(found)


def _collect(value: Any, schema: Schema, folder: Path, found: list[Path]) -> None:
    if is_path(schema) and isinstance(value, str):
        found.append(folder / value)
    elif isinstance(value, list):
        for item in value:
            _collect(item, without_null(schema.get("items", {})), folder, found)
    elif isinstance(value, dict):
        for key, item in value.items():
            _collect(item, without_null(schema.get("properties", {}).get(key, {})), folder, found)


def is_path(schema: Schema) -> bool:
    """Tell whether a type is `path`."""
    return schema.get("format") == "path"
