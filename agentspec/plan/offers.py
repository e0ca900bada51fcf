"""What a model may call: tools, whole toolsets, and other agents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from agentspec.api.messages import Schema
from agentspec.api.schema import closed_object
from agentspec.api.tool import Tool
from agentspec.plan.agents import Agents
from agentspec.plan.bindings import Bindings
from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.texts import Texts
from agentspec.plan.work import AgentWork, Offer, ToolWork
from agentspec.spec.shapes import Retry
from agentspec.spec.source import Where

_NOT_WIRE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 64
"""Names that providers take: letters, digits, `_` and `-`, at most this many."""

RESERVED = frozenset({"lm", "approve", "steps"})
"""What the blocks of a model's turn, of a plan's approval and of its steps are called."""

_FILE = (".yaml", ".yml", "/")


class Offers:
    """Reads `tools:` of LM nodes and plans."""

    def __init__(self, texts: Texts, bindings: Bindings, agents: Agents) -> None:
        self.texts = texts
        self.bindings = bindings
        self.agents = agents

    def read(self, words: str | Sequence[str], where: Where) -> tuple[Offer, ...]:
        """Compile the offers that the words name; what is wrong with a word is reported there."""
        found: dict[str, Offer] = {}
        for number, word in enumerate([words] if isinstance(words, str) else words):
            place = where if isinstance(words, str) else (*where, number)
            for offer in self._read_word(word, place):
                other = found.setdefault(offer.wire, offer)
                if other is not offer and not _same(other, offer):
                    text = f"a model sees `{other.name}` and `{offer.name}` under one name, `{offer.wire}`"
                    self.texts.report("AS409", text, place, "rename one of the toolsets, or agents")
        return tuple(found.values())

    def _read_word(self, word: str, where: Where) -> Iterator[Offer]:
        if word.startswith((".", "/")) or word.endswith(_FILE):
            plan = self.agents.plan(word, self.bindings.spec.folder, self.texts, where)
            if plan is not None:
                yield self._agent(plan, where)
            return
        local, _, function = word.partition(".")
        for tool in self.bindings.find_tools(word, where):
            name = f"{local}.{tool.name}"
            yield self._tool(name, local, tool, where)
            if function != "*":
                return

    def _tool(self, name: str, local: str, tool: Tool, where: Where) -> Offer:
        work = ToolWork(self.bindings.key(local), tool, lambda lookup: lookup("args"))
        block = self._block(name, work, tool.returns, where)
        return Offer(name, wire_name(name), tool.description, tool.parameters, tool.returns, block)

    def _agent(self, plan: Plan, where: Where) -> Offer:
        work = AgentWork(plan, lambda lookup: lookup("args"))
        name = wire_name(plan.name)
        if name in RESERVED:
            text = f"a model cannot call an agent that is named `{plan.name}`"
            self.texts.report("AS409", text, where, "change the `name:` in its file")
        block = self._block(name, work, plan.block.value, where)
        description = plan.description or f"Ask the agent {plan.name}."
        return Offer(name, name, description, parameters_of(plan), plan.block.value, block)

    def _block(self, name: str, work: ToolWork | AgentWork, value: Schema, where: Where) -> PlanBlock:
        kind = "tool" if isinstance(work, ToolWork) else "controller"
        wall_s = work.plan.limits.wall if isinstance(work, AgentWork) else None
        return single_block(name, kind, work, value, self.texts, where, wall_s)


def _same(one: Offer, other: Offer) -> bool:
    """Tell whether two words offer the same thing."""
    works = one.block.nodes[0].work, other.block.nodes[0].work
    if isinstance(works[0], AgentWork) and isinstance(works[1], AgentWork):
        return works[0].plan is works[1].plan
    return one.name == other.name


def single_block(
    name: str, kind: str, work: object, value: Schema, texts: Texts, where: Where, timeout_s: float | None = None
) -> PlanBlock:
    """A block of one node that stands for a word of the spec, and fails when it fails."""
    node = PlanNode(
        index=0,
        id=name,
        kind=kind,  # type: ignore[arg-type]
        work=work,  # type: ignore[arg-type]
        needs=(),
        successors=(),
        when=None,
        retry=Retry(times=0),
        timeout_s=timeout_s,
        on_error="fail",
        fallback=None,
        origin=texts.document.source_at(where),
        span=texts.document.span(where),
        value=value,
    )
    return PlanBlock(name, (node,), (0,), (0,), lambda lookup: lookup(name), value, single=True)


def wire_name(name: str) -> str:
    """The name of an offer as models see it."""
    return _NOT_WIRE.sub("_", name)[:_LONGEST]


def parameters_of(plan: Plan) -> Schema:
    """The inputs of an agent as the parameters of a function."""
    properties = {
        one.name: {**one.schema, **({"description": one.description} if one.description else {})} for one in plan.inputs
    }
    return {**closed_object(properties), "required": [one.name for one in plan.inputs if one.required]}
