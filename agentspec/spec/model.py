"""The Spec: a valid file as frozen data, every part with its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agentspec.spec.controller_shapes import Controller
from agentspec.spec.shapes import LmShape, SpecShape, ToolShape
from agentspec.spec.source import Where
from agentspec.spec.text.document import Document

Kind = Literal["lm", "tool", "controller"]


@dataclass(frozen=True, slots=True)
class Block:
    """Nodes in the order of the file, and what they give together.

    Attributes:
        label: what tells this block from its siblings: the case of a switch, else empty.
        when: the raw condition of a case of a switch without `on`.
        result: the raw value of `result:`; None when absent, see `has_result`.
        single: whether the block is one node without a name of its own.
    """

    where: Where
    nodes: Mapping[str, Node]
    label: str = ""
    when: Any = None
    result: Any = None
    has_result: bool = False
    output: Any = None
    single: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its fields as written, and the blocks that it owns."""

    id: str
    kind: Kind
    where: Where
    fields: LmShape | ToolShape | Controller
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """A file that has the right shape. What its names and types mean is the plan's business."""

    document: Document
    fields: SpecShape
    block: Block
    folder: Path = field(default=Path())
