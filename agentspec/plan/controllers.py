"""Compiles controllers: what they decide from, and the blocks that they own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agentspec.api.messages import Schema
from agentspec.api.schema import closed_object, nullable, without_null
from agentspec.plan.coroutines import Coroutines
from agentspec.plan.fits import name as type_name
from agentspec.plan.infer import ANY, union
from agentspec.plan.machines import Machines
from agentspec.plan.nodes import Leaves, arguments
from agentspec.plan.offers import parameters_of
from agentspec.plan.paths import label_of
from agentspec.plan.scope import COUNTER, Scope
from agentspec.plan.texts import Texts
from agentspec.plan.work import AgentWork, Compiled, LoopWork, MapWork, SwitchWork, Work
from agentspec.spec.controller_shapes import AgentShape, Controller, LoopShape, MachineShape, MapShape, SwitchShape
from agentspec.spec.diagnostics import did_you_mean, suggest
from agentspec.spec.model import Node
from agentspec.spec.source import Where

if TYPE_CHECKING:
    from agentspec.plan.blocks import Blocks


class Controllers:
    """Each method returns the work and the type of the controller's value."""

    def __init__(self, blocks: Blocks, texts: Texts, leaves: Leaves) -> None:
        self.blocks = blocks
        self.texts = texts
        self.leaves = leaves
        self.machines = Machines(blocks, texts, leaves)
        self.coroutines = Coroutines(blocks, texts, leaves)

    def compile(self, node: Node, fields: Controller, scope: Scope) -> tuple[Work | None, Schema]:
        """Compile a controller node with all that it owns; None when it names something that is not there."""
        if isinstance(fields, SwitchShape):
            return self._switch(node, fields, scope)
        if isinstance(fields, MapShape):
            return self._map(node, fields, scope)
        if isinstance(fields, LoopShape):
            return self._loop(node, fields, scope)
        if isinstance(fields, MachineShape):
            return self.machines.compile(node, fields, scope)
        if isinstance(fields, AgentShape):
            return self._agent(node, fields, scope)
        return self.coroutines.compile(node, fields, scope)

    def _agent(self, node: Node, fields: AgentShape, scope: Scope) -> tuple[AgentWork | None, Schema]:
        where = (*node.where, "spec")
        given = self.leaves.given(fields.with_, (*node.where, "with"), scope)
        plan = self.leaves.agents.plan(fields.spec, self.leaves.bindings.spec.folder, self.texts, where)
        if plan is None:
            return None, ANY
        self.leaves.check_arguments(f"`{plan.name}`", parameters_of(plan), given, (*node.where, "with"), where)
        return AgentWork(plan, arguments(given)), plan.block.value

    def _switch(self, node: Node, fields: SwitchShape, scope: Scope) -> tuple[SwitchWork, Schema]:
        written = [
            block for block in node.blocks if block.where[-1] != "default" or len(block.where) != len(node.where) + 1
        ]
        default = next((block for block in node.blocks if block not in written), None)
        on, complete = None, default is not None
        if isinstance(fields.cases, Mapping):
            on, schema = self._bare(fields.on, (*node.where, "on"), scope)
            complete = self._check_cases(node, [block.label for block in written], schema, default is not None)
        conditions = [self.leaves.condition(block.when, (*block.where, "when"), scope) for block in written]
        blocks = tuple(self.blocks.block(block, scope) for block in written)
        otherwise = None if default is None else self.blocks.block(default, scope)
        value = union([block.value for block in (*blocks, *([otherwise] if otherwise else []))])
        work = SwitchWork(on, tuple(one for one in conditions if one is not None), blocks, otherwise)
        return work, value if complete else nullable(value)

    def _check_cases(self, node: Node, labels: list[str], schema: Schema, has_default: bool) -> bool:
        """Report labels that cannot come and, over a closed set of words, words that have no case."""
        plain = without_null(schema)
        words = (
            ["true", "false"] if plain.get("type") == "boolean" else [label_of(one) for one in plain.get("enum", ())]
        )
        if not words:
            return has_default
        for label in labels:
            if label not in words:
                close = suggest(label, words)
                tail = did_you_mean(close, f"it is {type_name(plain)}")
                text = f"`{label}` is a case that can never come"
                self.texts.report("AS312", text, (*node.where, "cases", label), tail, key=True, fix=close)
        missing = [word for word in words if word not in labels]
        if plain != schema and not has_default:
            missing.append("null")
        if missing and not has_default:
            text = f"`{node.id}` has no case for {', '.join(f'`{word}`' for word in missing)}"
            self.texts.report("AS402", text, (*node.where, "cases"), "add the case, or a `default`", key=True)
        return True

    def _map(self, node: Node, fields: MapShape, scope: Scope) -> tuple[MapWork, Schema]:
        where = (*node.where, "over")
        over, schema = self._bare(fields.over, where, scope)
        self.texts.expect(schema, {"type": "array"}, "`over`", where)
        # `item`, which nobody has chosen, may stand inside another `item`.
        if scope.find(fields.as_) is not None and (fields.as_ != "item" or scope.is_node("item")):
            text = f"`{fields.as_}` already names something around this block"
            self.texts.report("AS208", text, where, "give the items another name with `as:`")
        item = without_null(schema).get("items", {})
        block = self.blocks.block(node.blocks[0], scope, {fields.as_: item, "loop": COUNTER})
        value = nullable(block.value) if fields.keep_going else block.value
        work = MapWork(over, fields.as_, fields.concurrency, fields.keep_going, block, item, fields.over, schema)
        return work, {"type": "array", "items": value}

    def _loop(self, node: Node, fields: LoopShape, scope: Scope) -> tuple[LoopWork, Schema]:
        spec_block = node.blocks[0]
        known = {name: nullable(self.leaves.declared(inner)) for name, inner in spec_block.nodes.items()}
        variables: dict[str, Schema] = {"loop": COUNTER, "previous": closed_object(known)}
        asked = self.leaves.reader.condition_reads(fields, node.where)
        block = self.blocks.block(spec_block, scope, variables, asked)
        # `while` is asked before a round, `until` after it, when the nodes of the round have their values.
        inside = Scope(scope, dict(self.blocks.types[spec_block.where]), variables)
        until = self.leaves.condition(fields.until, (*node.where, "until"), inside)
        again = self.leaves.condition(fields.while_, (*node.where, "while"), Scope(scope, {}, variables))
        value = block.value if again is None else nullable(block.value)
        return LoopWork(until, again, fields.max, block), value

    def _bare(self, raw: object, where: Where, scope: Scope) -> tuple[Compiled, Schema]:
        for text in self.leaves.reader.bare(raw, where):
            return self.texts.compiled(text, scope)
        raise AssertionError("the shape guarantees the field")
