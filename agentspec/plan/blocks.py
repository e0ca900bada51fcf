"""Compiles blocks: their edges, their order, their nodes, their value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from agentspec.api.messages import Json, Schema
from agentspec.api.schema import nullable
from agentspec.api.tool import Effect
from agentspec.plan.controllers import Controllers
from agentspec.plan.graph import find_circle, in_order, sinks
from agentspec.plan.infer import ANY
from agentspec.plan.model import PlanBlock, PlanNode
from agentspec.plan.nodes import Leaves
from agentspec.plan.reads import Reader, Reads
from agentspec.plan.scope import Scope
from agentspec.plan.texts import Texts
from agentspec.plan.work import AgentWork, ApproveWork, Compiled, LmWork, ToolWork, Work
from agentspec.spec.diagnostics import Severity
from agentspec.spec.model import Block, Node
from agentspec.spec.shapes import LmShape, OnErrorValue, ToolShape
from agentspec.spec.source import Where


@dataclass(slots=True)
class _Edges:
    """Per node, in the order of the file: what it reads, and what it waits for in its own block."""

    reads: dict[str, Reads]
    before: dict[str, list[str]]


class Blocks:
    """Compiles a block and, through `Controllers`, the blocks inside it."""

    def __init__(self, texts: Texts, reader: Reader, leaves: Leaves) -> None:
        self.texts = texts
        self.reader = reader
        self.leaves = leaves
        self.controllers = Controllers(self, texts, leaves)
        self.types: dict[Where, Mapping[str, Schema]] = {}

    def block(
        self,
        block: Block,
        outer: Scope,
        variables: Mapping[str, Schema] | None = None,
        asked: AbstractSet[str] = frozenset(),
    ) -> PlanBlock:
        """Compile a block that sees the names of `outer` and its own variables.

        `asked` are nodes that the conditions of the block's owner read.
        """
        scope = Scope(outer, dict.fromkeys(block.nodes, ANY), dict(variables or {}))
        self._refuse_shadows(block, outer)
        edges = self._edges(block)
        circle = find_circle(edges.before)
        if circle:
            self._report_circle(block, circle)
        order = list(block.nodes) if circle else in_order(edges.before)
        index = {node: place for place, node in enumerate(order)}
        after: dict[str, list[int]] = {node: [] for node in order}
        for node in order:
            for before in edges.before[node]:
                after[before].append(index[node])
        nodes = []
        for name in order:
            needs = tuple(index[one] for one in edges.before[name] if one in edges.reads[name].firmly)
            if any(order[one] in scope.skippable for one in needs):
                scope.skippable.add(name)
            nodes.append(self._node(block.nodes[name], scope, index[name], needs, tuple(after[name])))
        self.types[block.where] = scope.nodes
        result, value = self._result(block, scope, edges)
        self._warn_unread(block, edges, asked)
        waits = tuple(len(edges.before[name]) for name in order)
        starts = tuple(place for place, count in enumerate(waits) if count == 0)
        done = tuple(node for node in nodes if node is not None)
        uses = self.reader.result_uses(block) if block.has_result else None
        return PlanBlock(block.label, done, waits, starts, result, value, block.single, uses)

    def states(
        self, block: Block, outer: Scope, seen: Mapping[str, Schema], variables: Mapping[str, Schema]
    ) -> tuple[tuple[PlanNode, ...], dict[str, Schema]]:
        """Compile the nodes of a machine, which see each other as `seen`. Returns them and their types."""
        self._refuse_shadows(block, outer)
        nodes, values = [], {}
        for index, (name, node) in enumerate(block.nodes.items()):
            scope = Scope(outer, dict(seen), dict(variables))
            nodes.append(self._node(node, scope, index, (), ()))
            values[name] = nullable(scope.nodes[name]) if name in scope.skippable else scope.nodes[name]
        return tuple(node for node in nodes if node is not None), values

    def _edges(self, block: Block) -> _Edges:
        edges = _Edges({}, {})
        place = {name: number for number, name in enumerate(block.nodes)}
        for name, node in block.nodes.items():
            reads = edges.reads[name] = self.reader.reads(node)
            # The only node of a block without names cannot be read, by itself least of all.
            before = [] if block.single else sorted(reads.names & place.keys(), key=place.__getitem__)
            written = node.fields.after
            for number, word in enumerate([written] if isinstance(written, str) else written):
                if word in block.nodes:
                    before += [] if word in before else [word]
                    continue
                where = (*node.where, "after") if isinstance(written, str) else (*node.where, "after", number)
                text = f"there is no node `{word}` in this block"
                self.texts.report_unknown("AS302", text, word, block.nodes, where)
            edges.before[name] = before
        return edges

    def _report_circle(self, block: Block, circle: list[str]) -> None:
        names = [f"`{name}`" for name in circle]
        if len(circle) == 1:
            text = f"{names[0]} waits for itself"
        else:
            text = f"{' -> '.join([*names, names[0]])} wait for each other in a circle"
        self.texts.report("AS401", text, block.nodes[circle[0]].where, key=True)

    def _refuse_shadows(self, block: Block, outer: Scope) -> None:
        for name, node in block.nodes.items():
            if not block.single and outer.find(name) is not None and name != "meta":
                self.texts.report("AS208", f"`{name}` already names something around this block", node.where, key=True)

    def _node(
        self, node: Node, scope: Scope, index: int, needs: tuple[int, ...], successors: tuple[int, ...]
    ) -> PlanNode | None:
        fields = node.fields
        when = self.leaves.condition(fields.when, (*node.where, "when"), scope)
        work: Work | None
        if isinstance(fields, LmShape):
            work, value = self.leaves.lm(node, fields, scope)
        elif isinstance(fields, ToolShape):
            work, value = self.leaves.tool(node, fields, scope)
        else:
            work, value = self.controllers.compile(node, fields, scope)
        if fields.when is not None or fields.on_error == "skip":
            scope.skippable.add(node.id)
        on_error, fallback = self._on_error(node, value)
        scope.nodes[node.id] = value
        if work is None:
            return None
        document = self.texts.document
        return PlanNode(
            index=index,
            id=node.id,
            kind=node.kind,
            work=work,
            needs=needs,
            successors=successors,
            when=when,
            retry=fields.retry,
            timeout_s=self._timeout(fields.timeout, work),
            on_error=on_error,
            fallback=fallback,
            origin=document.source_at(node.where),
            span=document.key_span(node.where),
            description=fields.description,
            value=value,
            cache=fields.cache and self._may_cache(node, work),
            uses=self.reader.uses(node),
        )

    def _may_cache(self, node: Node, work: Work) -> bool:
        """Tell whether a result depends on nothing but what was asked; report where it does not."""
        if isinstance(work, LmWork) or (isinstance(work, ToolWork) and work.tool.effect is Effect.READ):
            return True
        text = "`cache` is for LM nodes without tools and for tools that only read"
        self.texts.report("AS203", text, (*node.where, "cache"), key=True)
        return False

    def _timeout(self, timeout_s: float | None, work: Work) -> float | None:
        """How long the step may take. A person's time is up in another way; another agent has a limit of its own."""
        if isinstance(work, ApproveWork):
            return None
        if isinstance(work, AgentWork) and work.plan.limits.wall is not None:
            return min(work.plan.limits.wall, timeout_s or work.plan.limits.wall)
        return timeout_s

    def _on_error(self, node: Node, value: Schema) -> tuple[Literal["fail", "skip", "value"], Json]:
        written = node.fields.on_error
        if not isinstance(written, OnErrorValue):
            return written, None
        where = (*node.where, "on_error", "value")
        if written.value is not None:
            self.leaves.fits_constant(written.value, value, f"the value that stands in for `{node.id}`", where)
        return "value", written.value

    def _result(self, block: Block, scope: Scope, edges: _Edges) -> tuple[Compiled, Schema]:
        where = (*block.where, "result")
        if block.has_result:
            for text in self.texts.texts_in(block.result, where):
                self.texts.unskipped(text, scope)
            compiled, value = self.texts.value(block.result, where, scope)
        else:
            compiled, value = self._only_sink(block, scope, edges)
            where = block.where
        if block.output is None:
            return compiled, value
        wanted = self.leaves.bindings.read_type(block.output, (*block.where, "output"))
        self.texts.expect(value, wanted, "`result`", where)
        return compiled, wanted

    def _only_sink(self, block: Block, scope: Scope, edges: _Edges) -> tuple[Compiled, Schema]:
        ends = sinks(edges.before)
        if len(ends) == 1:
            name = ends[0]
            value = scope.nodes[name]
            return (lambda lookup: lookup(name)), nullable(value) if name in scope.skippable else value
        if ends:
            names = ", ".join(f"`{name}`" for name in ends)
            text = f"{names} all end here, so the value of this block is not clear"
            self.texts.report("AS404", text, block.where or ("nodes",), "say what it gives with `result:`", key=True)
        return (lambda lookup: None), {}

    def _warn_unread(self, block: Block, edges: _Edges, asked: AbstractSet[str]) -> None:
        """Warn of nodes without effect whose value nothing uses."""
        if not block.has_result:
            return
        used = self.reader.result_reads(block) | asked
        for reads in edges.reads.values():
            used |= reads.previous
        for befores in edges.before.values():
            used.update(befores)
        for name, node in block.nodes.items():
            if name not in used and not any(self._has_effect(leaf) for leaf in _leaves(node)):
                text = f"nothing reads `{name}`, and it changes nothing"
                self.texts.report("AS403", text, node.where, key=True, severity=Severity.WARNING)

    def _has_effect(self, node: Node) -> bool:
        """Tell whether a node may do more than compute its value. What is not known may."""
        if isinstance(node.fields, LmShape) and not node.fields.tools:
            return False
        if not isinstance(node.fields, ToolShape):
            return True
        local, _, function = node.fields.tool.partition(".")
        toolset = self.leaves.bindings.toolsets.get(local)
        tool = toolset.tools.get(function) if toolset else None
        return tool is None or tool.effect is not Effect.READ


def _leaves(node: Node) -> Iterator[Node]:
    if not node.blocks:
        yield node
    for block in node.blocks:
        for child in block.nodes.values():
            yield from _leaves(child)
