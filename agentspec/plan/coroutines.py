"""Compiles the controllers that wait for something: a person, a model's plan, a coroutine in Python."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from agentspec.api.controller import ControllerFactory
from agentspec.api.errors import InvalidValue, PluginBroken, PluginMissing
from agentspec.api.messages import Json, Schema
from agentspec.api.schema import closed_object
from agentspec.api.tool import ToolContext
from agentspec.api.validate import plain, problems_of
from agentspec.plan.infer import ANY
from agentspec.plan.model import PlanBlock
from agentspec.plan.nodes import Leaves, arguments, worded
from agentspec.plan.offers import single_block
from agentspec.plan.scope import Scope
from agentspec.plan.steps import loose_plan_schema, plan_schema
from agentspec.plan.texts import Texts
from agentspec.plan.work import ApproveWork, FreeWork, PlanningWork, Settings, TurnWork
from agentspec.spec.controller_shapes import ApproveShape, CodeShape, PlanShape, PluginShape
from agentspec.spec.model import Block, Node

if TYPE_CHECKING:
    from agentspec.plan.blocks import Blocks

ARGS: Schema = {"type": "object"}
"""What `args` holds in the nodes of a controller in Python: whatever it passes."""

_CHOICES = ("approve", "reject")

PLANNED: Schema = closed_object(
    {
        "steps": {
            "type": "array",
            "items": closed_object({"id": {"type": "string"}, "tool": {"type": "string"}, "value": ANY}),
        },
        "last": ANY,
    }
)
"""The value of `plan`: every step of the plan that was run, and the value of the last one."""


class Coroutines:
    """Each method returns the work and the type of the controller's value."""

    def __init__(self, blocks: Blocks, texts: Texts, leaves: Leaves) -> None:
        self.blocks = blocks
        self.texts = texts
        self.leaves = leaves

    def compile(
        self, node: Node, fields: ApproveShape | PlanShape | CodeShape | PluginShape, scope: Scope
    ) -> tuple[ApproveWork | PlanningWork | FreeWork | None, Schema]:
        """Compile the node; None when it names something that is not there."""
        if isinstance(fields, ApproveShape):
            return self._approve(node, fields, scope)
        if isinstance(fields, PlanShape):
            return self._plan(node, fields, scope)
        if isinstance(fields, CodeShape):
            return self._code(node, fields, scope)
        return self._plugin(node, fields, scope)

    def _approve(self, node: Node, fields: ApproveShape, scope: Scope) -> tuple[ApproveWork, Schema]:
        show, _ = self.texts.value(fields.show, (*node.where, "show"), scope)
        value: Schema = {"enum": list(fields.choices)}
        if fields.on_timeout is not None:
            self.leaves.fits_constant(fields.on_timeout, value, "`on_timeout`", (*node.where, "on_timeout"))
            if fields.timeout is None:
                text = "`on_timeout` says what happens after `timeout`, and there is none"
                self.texts.report("AS203", text, (*node.where, "on_timeout"), key=True)
        work = ApproveWork(show, tuple(fields.choices), fields.timeout, fields.on_timeout, fields.by)
        return work, value

    def _plan(self, node: Node, fields: PlanShape, scope: Scope) -> tuple[PlanningWork | None, Schema]:
        model = self.leaves.model(fields.lm, (*node.where, "lm"))
        goals = [text for _, text in self.leaves.reader.prompt("user", fields.goal, (*node.where, "goal"))]
        compiled = [worded(self.texts.compiled(text, scope)[0]) for text in goals]
        offers = self.leaves.offers.read(fields.tools, (*node.where, "tools"))
        if not fields.tools:
            self.texts.report("AS203", "a plan needs tools that its steps can call", (*node.where, "tools"), key=True)
        schema = plan_schema(offers, fields.max_steps)
        turn = TurnWork(model, schema, fields.repair, Settings(), (), accepts=loose_plan_schema())
        draft = single_block("lm", "lm", turn, schema, self.texts, node.where)
        approval = None
        if fields.approve:
            ask = ApproveWork(lambda lookup: lookup("args"), _CHOICES)
            approval = single_block("approve", "controller", ask, {"enum": list(_CHOICES)}, self.texts, node.where)
        if not compiled:  # its file cannot be read, which is reported
            return None, PLANNED
        return PlanningWork(compiled[0], draft, approval, offers, fields.max_steps, fields.replan), PLANNED

    def _code(self, node: Node, fields: CodeShape, scope: Scope) -> tuple[FreeWork | None, Schema]:
        where = (*node.where, "call")
        given = self.leaves.given(fields.with_, (*node.where, "with"), scope)
        blocks = self._callables(node, scope)
        local, _, function = fields.call.partition(".")
        bindings = self.leaves.bindings
        if local not in bindings.spec.fields.tools:
            text = f"there is no toolset `{local}` under `tools:`"
            self.texts.report_unknown("AS305", text, local, bindings.tools, where)
            return None, ANY
        toolset = bindings.toolsets.get(local)
        if toolset is None:
            return None, ANY
        coroutine = toolset.controllers.get(function)
        if coroutine is None:
            text = f"`{local}` has no controller `{function}`"
            self.texts.report_unknown("AS305", text, function, toolset.controllers, where)
            return None, ANY
        place = (*node.where, "with")
        self.leaves.check_arguments(f"`{fields.call}`", coroutine.parameters, given, place, where)
        work = FreeWork("code", bindings.key(local), coroutine.call, arguments(given), blocks, fields.max_calls)
        return work, coroutine.returns

    def _plugin(self, node: Node, fields: PluginShape, scope: Scope) -> tuple[FreeWork | None, Schema]:
        given = {key: self.texts.value(raw, (*node.where, key), scope) for key, raw in fields.config.items()}
        blocks = self._callables(node, scope)
        try:
            factory = self.leaves.bindings.catalogue.controller(fields.controller)
        except (PluginMissing, PluginBroken) as error:
            self.texts.report(error.code, error.message, (*node.where, "controller"), error.hint or "")
            return None, ANY
        self.leaves.bindings.check_config(factory.config, fields.config, fields.controller, node.where)
        call = _configured(factory, fields.controller)
        return FreeWork(fields.controller, "", call, arguments(given), blocks, fields.max_calls), factory.returns

    def _callables(self, node: Node, scope: Scope) -> Mapping[str, PlanBlock]:
        """Each node as a block of its own, which reads what it is called with as `args`."""
        found = {}
        for block in node.blocks:
            for name, child in block.nodes.items():
                alone = Block(child.where, {name: child}, label=name, single=True)
                found[name] = self.blocks.block(alone, scope, {"args": ARGS})
        return found


def _configured(factory: ControllerFactory, use: str) -> Callable[[Mapping[str, Json], ToolContext], Awaitable[Json]]:
    async def call(given: Mapping[str, Json], context: ToolContext) -> Json:
        try:
            config = factory.config.model_validate(given)
        except ValidationError as error:
            raise _config_invalid(use, error) from error
        assert context.children is not None
        value = plain(await factory.run(context.children, config), f"what `{use}` returned")
        problems = problems_of(value, factory.returns)
        if problems:
            raise InvalidValue(f"`{use}` returned something else than it declares: {'; '.join(problems[:3])}")
        return value

    return call


def _config_invalid(use: str, error: ValidationError) -> InvalidValue:
    """Say which options of a plugin's controller do not fit, once their values are known."""
    listed = "; ".join(
        f"`{'.'.join(map(str, detail['loc']))}`: {detail['msg']}"
        for detail in error.errors(include_url=False, include_input=False)
    )
    return InvalidValue(f"the keys of `{use}`: {listed}")
