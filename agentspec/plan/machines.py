"""Compiles machines: states, the ways between them, and whether each state and the end can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentspec.api.messages import Schema
from agentspec.api.schema import nullable
from agentspec.plan.infer import ANY, union
from agentspec.plan.model import PlanBlock
from agentspec.plan.nodes import Leaves
from agentspec.plan.scope import COUNTER, Scope
from agentspec.plan.texts import Texts
from agentspec.plan.work import Compiled, MachineWork
from agentspec.spec.controller_shapes import MachineShape, Transition
from agentspec.spec.diagnostics import Severity
from agentspec.spec.model import Block, Node
from agentspec.spec.source import Where

if TYPE_CHECKING:
    from agentspec.plan.blocks import Blocks

END = "end"
Way = tuple[Transition, Where]


class Machines:
    """Compiles `controller: machine`."""

    def __init__(self, blocks: Blocks, texts: Texts, leaves: Leaves) -> None:
        self.blocks = blocks
        self.texts = texts
        self.leaves = leaves

    def compile(self, node: Node, fields: MachineShape, scope: Scope) -> tuple[MachineWork | None, Schema]:
        """Compile a machine. States see each other's latest value, which is null before the first visit."""
        block = node.blocks[0]
        index = {name: number for number, name in enumerate(block.nodes)}
        ways = self._ways(node, fields, index)
        if fields.start not in index:
            text = f"there is no state `{fields.start}` to start with"
            self.texts.report_unknown("AS302", text, fields.start, index, (*node.where, "start"))
        else:
            self._check_reach(node, fields.start, ways)
        variables: dict[str, Schema] = {"loop": COUNTER}
        seen: dict[str, Schema] = {name: nullable(self.leaves.declared(state)) for name, state in block.nodes.items()}
        nodes, values = self.blocks.states(block, scope, seen, variables)
        compiled = []
        for name in index:
            inside = Scope(scope, {**seen, name: values[name]}, variables)
            compiled.append(tuple(self._way(way, where, inside, index) for way, where in ways[name]))
        result, value = self._value(block, scope, seen, values, ways)
        if fields.start not in index or len(nodes) < len(index):
            return None, value
        uses = self.blocks.reader.result_uses(block) if block.has_result else None
        plan_block = PlanBlock("", nodes, (0,) * len(nodes), (), lambda lookup: None, value, uses=uses)
        return MachineWork(index[fields.start], fields.max_steps, plan_block, tuple(compiled), result), value

    def _ways(self, node: Node, fields: MachineShape, index: dict[str, int]) -> dict[str, list[Way]]:
        """The ways on from every state, with unknown names and states without a way reported."""
        where = (*node.where, "next")
        for name in fields.next:
            if name not in index:
                self.texts.report_unknown("AS302", f"there is no state `{name}`", name, index, (*where, name), key=True)
        found: dict[str, list[Way]] = {}
        for name, state in node.blocks[0].nodes.items():
            if state.fields.after:
                text = "`after` has no meaning in a machine: `next` says what comes after what"
                self.texts.report("AS203", text, (*state.where, "after"), key=True)
            written = fields.next.get(name)
            place: Where = (*where, name)
            if written is None:
                text = f"`next` does not say where to go on after `{name}`"
                self.texts.report("AS407", text, where, f"add `{name}: end`, or another state", key=True)
                found[name] = []
            elif isinstance(written, str):
                found[name] = [(Transition(to=written), place)]
            else:
                found[name] = [(way, (*place, number)) for number, way in enumerate(written)]
                self._check_order(name, written, place)
            for way, spot in found[name]:
                if way.to not in index and way.to != END:
                    text = f"there is no state `{way.to}`"
                    target = spot if isinstance(written, str) else (*spot, "to")
                    self.texts.report_unknown("AS302", text, way.to, [*index, END], target)
        return found

    def _check_order(self, name: str, written: list[Transition], place: Where) -> None:
        """Report a list that may lead nowhere, or that has entries which are never asked."""
        open_at = next((number for number, way in enumerate(written) if way.when is None), None)
        if open_at is None:
            text = f"when no condition holds after `{name}`, there is no way on"
            self.texts.report("AS407", text, place, "end the list with an entry without `when`", key=True)
        elif open_at < len(written) - 1:
            text = "this way is never taken: the one before it has no `when`"
            self.texts.report("AS406", text, (*place, open_at + 1), severity=Severity.WARNING)

    def _check_reach(self, node: Node, start: str, ways: dict[str, list[Way]]) -> None:
        if any(way.to not in ways and way.to != END for found in ways.values() for way, _ in found):
            return  # where that one was to lead is not known
        reached, waiting = {start}, [start]
        while waiting:
            for way, _ in ways.get(waiting.pop(), ()):
                if way.to not in reached:
                    reached.add(way.to)
                    waiting.append(way.to)
        for name, state in node.blocks[0].nodes.items():
            if name not in reached:
                text = f"no way leads from `{start}` to the state `{name}`"
                self.texts.report("AS406", text, state.where, "lead to it under `next`, or remove it", key=True)
        if END not in reached and all(ways.values()):
            text = f"no way leads from `{start}` to the end"
            self.texts.report("AS408", text, (*node.where, "next"), "let one state go on to `end`", key=True)

    def _way(
        self, way: Transition, where: Where, scope: Scope, index: dict[str, int]
    ) -> tuple[Compiled | None, int | None]:
        return self.leaves.condition(way.when, (*where, "when"), scope), index.get(way.to)

    def _value(
        self, block: Block, scope: Scope, seen: dict[str, Schema], values: dict[str, Schema], ways: dict[str, list[Way]]
    ) -> tuple[Compiled | None, Schema]:
        """The `result:` of a machine, else the value of any state that the end can follow."""
        where = (*block.where, "result")
        if block.has_result:
            result, value = self.texts.value(block.result, where, Scope(scope, dict(seen)))
        else:
            last = [values[name] for name, found in ways.items() if any(way.to == END for way, _ in found)]
            result, value, where = None, union(last) if last else ANY, block.where
        if block.output is None:
            return result, value
        wanted = self.leaves.bindings.read_type(block.output, (*block.where, "output"))
        self.texts.expect(value, wanted, "`result`", where)
        return result, wanted
