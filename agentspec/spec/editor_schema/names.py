"""The names that a spec declares, found in its data before anybody knows whether it is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Names:
    """The names that one spec declares: to offer, never to refuse others, for the spec goes on growing.

    Attributes:
        tools: local name -> what its `use:` says; None where every toolset goes by its own name.
    """

    models: tuple[str, ...] = ()
    tools: Mapping[str, str] | None = None
    types: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()


def names_of(data: Mapping[str, Any]) -> Names:
    """Find the names in the data of a spec, which need not have the right shape."""
    tools = {
        name: str(binding.get("use", "")) if isinstance(binding, Mapping) else str(binding)
        for name, binding in _mapping(data.get("tools")).items()
    }
    return Names(
        models=tuple(_mapping(data.get("models"))),
        tools=tools,
        types=tuple(_mapping(data.get("types"))),
        nodes=tuple(dict.fromkeys(_nodes(data))),
    )


def _nodes(part: Any) -> Iterator[str]:
    """Every key below a `nodes:`, however deep."""
    for key, value in _mapping(part).items():
        if key == "nodes":
            yield from _mapping(value)
        for inner in value if isinstance(value, list) else [value]:
            yield from _nodes(inner)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
