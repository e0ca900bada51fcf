"""The Plan: a checked spec, compiled to flat, frozen data that the kernel walks.

Nodes of a block stand in the order of their ranks (all of rank 0 first, then by place in the file), and refer
to each other by index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agentspec.api.messages import Json, Schema
from agentspec.plan.work import Compiled, Work, inner_blocks
from agentspec.spec.model import Kind
from agentspec.spec.model_shapes import ModelShape
from agentspec.spec.shapes import Limits, Retry
from agentspec.spec.source import Source, Span, Where


@dataclass(frozen=True, slots=True)
class Use:
    """A name that one of a node's own texts uses.

    Attributes:
        field: where the text stands, as keys from the node: `("with", "body")`.
        path: the name, then fields and indices.
    """

    field: Where
    path: tuple[str | int, ...]


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
        cache: whether the result of an identical earlier call may be reused.
        uses: the names in its own texts, without those of the blocks that it owns.
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
    cache: bool = False
    uses: tuple[Use, ...] = ()


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
        uses: the names in its `result:`; None when it has none, and its value is that of the last node.
    """

    label: str
    nodes: tuple[PlanNode, ...]
    waits: tuple[int, ...]
    starts: tuple[int, ...]
    result: Compiled
    value: Schema
    single: bool = False
    uses: tuple[Use, ...] | None = None

    def path_of(self, node: PlanNode, prefix: str) -> str:
        """Where one of the nodes stands; `prefix` ends with `/`. The node of a `single` block stands for the block."""
        return prefix[:-1] if self.single else prefix + node.id

    def all_nodes(self, prefix: str = "") -> Iterator[tuple[str, PlanNode]]:
        """Every node with its path, those of the blocks inside, too."""
        for node in self.nodes:
            path = self.path_of(node, prefix)
            yield path, node
            for addition, inner in inner_blocks(node.work):
                yield from inner.all_nodes(f"{path}{addition}/")


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
    """A name of `models:` or `tools:`: what it uses, and the raw options beside `use`.

    `folder` is that of the spec file; relative file names are meant from there. `terms` are what the core itself
    holds the calls of a model to; None for a toolset, and for a model without any.
    """

    name: str
    use: str
    options: Mapping[str, Json]
    origin: Source
    span: Span
    folder: Path = field(default=Path())
    terms: ModelShape | None = None


@dataclass(frozen=True, slots=True)
class Composite:
    """A name of `models:` that stands for several models.

    Attributes:
        kind: how one of them is chosen.
        members: keys of the models, in order; of `shadow`, the one that answers and the one that is compared.
        accept: condition of a cascade over `output`, `confidence`, `valid` and `usd`.
        conditions: of a route, per member, over `prompt` and `inputs`; None always holds.
        shares: of a split, per member; their sum is 1.
        written: what the spec says, for telling one from another.
    """

    name: str
    kind: Literal["cascade", "fallback", "route", "split", "shadow"]
    members: tuple[str, ...]
    origin: Source
    span: Span
    accept: Compiled | None = None
    conditions: tuple[Compiled | None, ...] = ()
    shares: tuple[float, ...] = ()
    written: Mapping[str, Json] = field(default_factory=dict)

    @property
    def use(self) -> str:
        """What people are shown in the place of `<backend>/<model>`."""
        return f"{self.kind} of {', '.join(self.members)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole agent, ready to run.

    Attributes:
        models, tools: bindings by key: the name in the spec, and `<agent file>#<name>` for those of the agents
            that this one calls.
        allow_unreviewed: tools that may write without a person's approval, as `<toolset>.<tool>`.
    """

    name: str
    description: str
    folder: Path
    source: Source
    inputs: tuple[Input, ...]
    models: Mapping[str, Binding | Composite]
    tools: Mapping[str, Binding]
    limits: Limits
    block: PlanBlock
    allow_unreviewed: frozenset[str] = frozenset()
