"""Compiles the work of single nodes: LM and tool nodes, and the conditions of controllers."""

from __future__ import annotations

from typing import Any

from agentspec.api.messages import Schema
from agentspec.api.validate import problems_of
from agentspec.plan.bindings import Bindings
from agentspec.plan.fits import name as type_name
from agentspec.plan.infer import STRING
from agentspec.plan.model import Compiled, LmWork, Settings, ToolWork
from agentspec.plan.reads import Reader
from agentspec.plan.scope import Scope
from agentspec.plan.texts import Texts
from agentspec.spec.model import Node
from agentspec.spec.shapes import LmShape, ToolShape
from agentspec.spec.source import Where


class Leaves:
    """Compiles nodes that own no block. Each method returns the work and the type of the node's value."""

    def __init__(self, texts: Texts, bindings: Bindings, reader: Reader) -> None:
        self.texts = texts
        self.bindings = bindings
        self.reader = reader

    def condition(self, raw: Any, where: Where, scope: Scope) -> Compiled | None:
        """Compile a field that always holds an expression; None when the field is absent."""
        for text in self.reader.bare(raw, where):
            return self.texts.compiled(text, scope)[0]
        return None

    def lm(self, node: Node, fields: LmShape, scope: Scope) -> tuple[LmWork, Schema]:
        """Compile an LM node."""
        known = self.texts.document.data.get("models", {})
        if fields.lm not in self.bindings.models and fields.lm not in known:
            names = [*self.bindings.models]
            place = (*node.where, "lm")
            self.texts.report_unknown(
                "AS304", f"there is no model `{fields.lm}` under `models:`", fields.lm, names, place
            )
        messages = []
        for role, text in self.reader.messages(fields, node.where):
            messages.append((role, self.texts.compiled(text, scope)[0]))
        output = None if fields.output is None else self.bindings.read_type(fields.output, (*node.where, "output"))
        stop = (fields.stop,) if isinstance(fields.stop, str) else tuple(fields.stop)
        settings = Settings(fields.temperature, fields.max_tokens, stop, fields.seed)
        work = LmWork(fields.lm, tuple(messages), output, fields.repair, settings)  # type: ignore[arg-type]
        return work, STRING if output is None else output

    def tool(self, node: Node, fields: ToolShape, scope: Scope) -> tuple[ToolWork | None, Schema]:
        """Compile a tool node; None when its tool is not known."""
        where = (*node.where, "tool")
        local, _, function = fields.tool.partition(".")
        given = {key: self.texts.value(raw, (*node.where, "with", key), scope) for key, raw in fields.with_.items()}
        if local not in self.texts.document.data.get("tools", {}):
            text = f"there is no toolset `{local}` under `tools:`"
            self.texts.report_unknown("AS305", text, local, self.bindings.tools, where)
            return None, {}
        toolset = self.bindings.toolsets.get(local)
        if toolset is None:
            return None, {}
        tool = toolset.tools.get(function)
        if tool is None:
            text = (
                f"`{local}` has no tool `{function}`" if function else f"`{local}` is a toolset, name one of its tools"
            )
            self.texts.report_unknown("AS305", text, function, toolset.tools, where)
            return None, {}
        self._check_arguments(node, fields, tool.parameters, given)
        parts = tuple((key, part[0]) for key, part in given.items())
        return ToolWork(local, tool, lambda lookup: {key: part(lookup) for key, part in parts}), tool.returns

    def _check_arguments(
        self, node: Node, fields: ToolShape, parameters: Schema, given: dict[str, tuple[Compiled, Schema]]
    ) -> None:
        known = parameters.get("properties", {})
        for key, (_, schema) in given.items():
            place = (*node.where, "with", key)
            if key not in known:
                self.texts.report_unknown("AS309", f"`{fields.tool}` takes no `{key}`", key, known, place, key=True)
            elif set(schema) == {"const"}:
                self.fits_constant(schema["const"], known[key], f"`{key}` of `{fields.tool}`", place)
            else:
                self.texts.expect(schema, known[key], f"`{key}` of `{fields.tool}`", place)
        for key in parameters.get("required", ()):
            if key not in given:
                text = f"`{fields.tool}` needs `{key}`: {type_name(known[key])}"
                self.texts.report("AS309", text, (*node.where, "tool"))

    def fits_constant(self, value: Any, wanted: Schema, what: str, where: Where) -> None:
        """Report a value, written in the spec, that its type does not admit."""
        if problems_of(value, wanted):
            self.texts.report("AS308", f"{what} must be {type_name(wanted)}", where)
