"""The Plan: a checked spec, compiled to flat, frozen data that the kernel walks.

Nodes of a block stand in the order of their ranks (all of rank 0 first, then by place in the file), and refer
to each other by index. Expressions are compiled to functions of a `Lookup`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agentspec.api.messages import Json, Role, Schema
from agentspec.api.tool import Tool
from agentspec.spec.model import Kind
from agentspec.spec.shapes import Limits, Retry
from agentspec.spec.source import Source, Span

Lookup = Callable[[str], Any]
"""Gives the value behind a name; raises KeyError for one that is not in scope."""

Compiled = Callable[[Lookup], Any]
"""An expression or a value with expressions in it; raises `EvaluationFailed`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Generation settings of an LM node; None leaves the model's own."""

    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class LmWork:
    """Ask a model. `output` is the schema of the answer, None for free text."""

    model: str
    messages: tuple[tuple[Role, Compiled], ...]
    output: Schema | None
    repair: int
    settings: Settings


@dataclass(frozen=True, slots=True)
class ToolWork:
    """Call a tool of the toolset bound as `toolset`."""

    toolset: str
    tool: Tool
    arguments: Compiled


@dataclass(frozen=True, slots=True)
class SwitchWork:
    """Run one of the blocks: the one labelled like `on`, or the first whose condition holds, or the default."""

    on: Compiled | None
    conditions: tuple[Compiled, ...]
    blocks: tuple[PlanBlock, ...]
    default: PlanBlock | None


@dataclass(frozen=True, slots=True)
class MapWork:
    """Run the block for each item of `over`, at most `concurrency` at a time; `item` is an item's type."""

    over: Compiled
    variable: str
    concurrency: int
    keep_going: bool
    block: PlanBlock
    item: Schema = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoopWork:
    """Run the block until `until` holds, or while `again` holds, at most `most` rounds."""

    until: Compiled | None
    again: Compiled | None
    most: int
    block: PlanBlock


Work = LmWork | ToolWork | SwitchWork | MapWork | LoopWork


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One node, ready to run.

    Attributes:
        index: its place in its block.
        needs: nodes whose being skipped means that this one is skipped, too.
        successors: nodes that wait for this one, in rank order.
        when: condition; None means always.
        on_error: what becomes of a failure that no retry mended.
        fallback: the value for `on_error: value`.
        origin, span: where the node is written.
        value: schema of the node's value.
    """

    index: int
    id: str
    kind: Kind
    work: Work
    needs: tuple[int, ...]
    successors: tuple[int, ...]
    when: Compiled | None
    retry: Retry
    timeout_s: float | None
    on_error: Literal["fail", "skip", "value"]
    fallback: Json
    origin: Source
    span: Span
    description: str = ""
    value: Schema = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanBlock:
    """Nodes and what they give together.

    Attributes:
        label: the case that the block stands for in a switch, else empty.
        waits: per node, how many others it waits for.
        starts: nodes that wait for none.
        result: the block's value, once all nodes are settled.
        value: schema of that value.
        single: the block is one node without a name of its own.
    """

    label: str
    nodes: tuple[PlanNode, ...]
    waits: tuple[int, ...]
    starts: tuple[int, ...]
    result: Compiled
    value: Schema
    single: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """One of the run's inputs. `required` ones have no default."""

    name: str
    schema: Schema
    required: bool
    default: Json = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """A name of `models:` or `tools:`: what it uses, and the raw options beside `use`."""

    name: str
    use: str
    options: Mapping[str, Json]
    origin: Source
    span: Span


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole agent, ready to run."""

    name: str
    description: str
    folder: Path
    source: Source
    inputs: tuple[Input, ...]
    models: Mapping[str, Binding]
    tools: Mapping[str, Binding]
    limits: Limits
    block: PlanBlock
