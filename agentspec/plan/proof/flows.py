"""Where the texts in a value come from: the values of an agent, and which of them are made of which.

A value is a *source* when its text comes from outside: what a model says, what a tool reads. Values of a closed
type (words of a list, booleans, numbers, dates) are no text: nobody can hide an instruction in them.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from agentspec.api.tool import Effect
from agentspec.plan.infer import ANY
from agentspec.plan.model import Plan, PlanBlock, PlanNode, Use
from agentspec.plan.proof.values import Decision, Outcome, Site, Value, is_closed
from agentspec.plan.typing.steps import track
from agentspec.plan.work import (
    AgencyWork,
    AgentWork,
    ApproveWork,
    FreeWork,
    LmWork,
    LoopWork,
    MachineWork,
    MapWork,
    Offer,
    PlanningWork,
    ToolWork,
    Work,
    inner_blocks,
)

_DECISIONS = frozenset({"when", "on", "cases", "next", "over", "until", "while"})
"""Fields that decide whether, or how often, something runs."""

_GUARDS = frozenset({"when", "on", "cases", "next"})
"""Those which decide it before it runs, so that a person's choice in them guards it."""

Names = ChainMap[str, Value]
Decisions = tuple[Decision, ...]


class Flows:
    """The values and sites of one agent.

    Args:
        agents: of each plan that is called, whether text from outside comes in with its result, and which of its
            inputs its approvals show, when its result tells their choice; None when it does not.
    """

    def __init__(self, plan: Plan, agents: Mapping[int, tuple[bool, frozenset[str] | None]]) -> None:
        self.sites: list[Site] = []
        self._agents = agents
        self._inputs = {one.name: Value(f"inputs.{one.name}", one.schema, input=one.name) for one in plan.inputs}
        self.result = self._block(plan.block, Names(), "", ())

    def _block(self, block: PlanBlock, names: Names, prefix: str, decisions: Decisions) -> Outcome:
        inside = names.new_child()
        for node in block.nodes:
            inside[node.id] = Value(block.path_of(node, prefix), node.value, node)
        for node in block.nodes:
            self._node(node, inside[node.id], inside, decisions)
        ends = [inside[node.id] for node in block.nodes if not node.successors]
        return self._outcome(block, ends, inside)

    def _outcome(self, block: PlanBlock, ends: Sequence[Value], names: Names) -> Outcome:
        if block.uses is None:
            texts = [value for value in ends if not is_closed(value.schema)]
            return Outcome(texts, [choice for value in ends for choice in value.choices])
        return Outcome(self._texts(block.uses, names), self._choices(block.uses, names))

    def _node(self, node: PlanNode, value: Value, names: Names, around: Decisions) -> None:
        work = node.work
        decisions = (*around, *self._decision(value.label, [use for use in node.uses if use.field[0] == "when"], names))
        data = [use for use in node.uses if use.field[0] not in _DECISIONS]
        value.made_of = self._texts(data, names)
        if isinstance(work, ToolWork):
            value.source = work.tool.effect is not Effect.WRITE
            if work.tool.effect is not Effect.READ:
                self.sites.append(Site(value.label, node, work, self._given(data, names), decisions))
        elif isinstance(work, AgentWork):
            value.source, shows = self._agents[id(work.plan)]
            given = self._given(data, names)
            if shows is not None:
                value.choices = [value]
                value.shown = [text for name in shows for text in given.get(name, ())]
            self.sites.append(Site(value.label, node, work, given, decisions))
        elif isinstance(work, ApproveWork):
            value.shown, value.made_of, value.choices = value.made_of, [], [value]
        elif isinstance(work, LmWork | AgencyWork | PlanningWork):
            value.source = True
            if isinstance(work, AgencyWork) or (isinstance(work, PlanningWork) and work.approval is None):
                self._offers(value, work.offers, decisions)
        else:
            self._controller(node, value, names, decisions)

    def _given(self, data: Sequence[Use], names: Names) -> dict[str, list[Value]]:
        """What goes into a call, by parameter."""
        given: dict[str, list[Value]] = {}
        for use in data:
            given.setdefault(str(use.field[1]), []).extend(self._texts([use], names))
        return given

    def _offers(self, value: Value, offers: Iterable[Offer], decisions: Decisions) -> None:
        """What a model may call, with arguments of its own."""
        for offer in offers:
            node = offer.block.nodes[0]
            work = node.work
            if isinstance(work, AgentWork) or (isinstance(work, ToolWork) and work.tool.effect is not Effect.READ):
                given = {name: [value] for name in offer.parameters.get("properties", ())}
                self.sites.append(Site(f"{value.label}/{offer.name}", node, work, given, decisions, model=value))

    def _controller(self, node: PlanNode, value: Value, names: Names, around: Decisions) -> None:
        work, label = node.work, value.label
        deciding = [use for use in node.uses if use.field[0] in _DECISIONS and use.field[0] != "when"]
        inside = names.new_child()
        if isinstance(work, MachineWork):
            found = [self._machine(label, work, deciding, inside, around)]
        else:
            decisions = around if isinstance(work, LoopWork) else (*around, *self._decision(label, deciding, names))
            passed = Value(f"{label} (args)", ANY, made_of=list(value.made_of))
            if isinstance(work, MapWork):
                inside[work.variable] = Value(label, work.item, made_of=self._texts(deciding, names))
            elif isinstance(work, FreeWork):
                inside["args"] = passed
            blocks = inner_blocks(work)
            found = [self._block(block, inside, f"{label}{suffix}/", decisions) for suffix, block in blocks]
            passed.made_of += [text for one in found for text in one.texts]
        value.made_of += [text for one in found for text in one.texts]
        value.choices += [choice for one in found for choice in one.choices]

    def _machine(
        self, label: str, work: MachineWork, deciding: Sequence[Use], names: Names, around: Decisions
    ) -> Outcome:
        """States see each other's values; one that is only reached by a person's choice is guarded by it."""
        nodes = work.block.nodes
        for node in nodes:
            names[node.id] = Value(f"{label}/{node.id}", node.value, node)
        for node in nodes:  # the choices must be known before conditions that read them are looked at
            if self._tells_choice(node.work):
                names[node.id].choices = [names[node.id]]
        leaving = [self._decision(label, [use for use in deciding if use.field[1] == node.id], names) for node in nodes]
        every = [decision for one in leaving for decision in one]
        texts = tuple(text for decision in every for text in decision.texts)
        approvals = tuple(asked for decision in every for asked in decision.approvals)
        free = _unguarded(work, [any(decision.approvals for decision in one) for one in leaving])
        entered = {after for ways in work.ways for _, after in ways}
        for index, node in enumerate(nodes):
            own = (Decision(label, texts, () if index in free else approvals),) if index in entered else ()
            self._node(node, names[node.id], names, (*around, *own))
        return self._outcome(work.block, [names[node.id] for node in nodes], names)

    def _tells_choice(self, work: Work) -> bool:
        agent = isinstance(work, AgentWork) and self._agents[id(work.plan)][1] is not None
        return agent or isinstance(work, ApproveWork)

    def _decision(self, label: str, uses: Sequence[Use], names: Names) -> Decisions:
        if not uses:
            return ()
        asked = self._choices([use for use in uses if use.field[0] in _GUARDS], names)
        return (Decision(label, tuple(self._texts(uses, names)), tuple(asked)),)

    def _choices(self, uses: Iterable[Use], names: Names) -> list[Value]:
        found = [value for use in uses for value, _ in self._resolved(use, names)]
        return [choice for value in found for choice in value.choices]

    def _texts(self, uses: Iterable[Use], names: Names) -> list[Value]:
        """The values behind these uses, as far as free text can come from there."""
        found = []
        for use in uses:
            for value, steps in self._resolved(use, names):
                if not is_closed(track(value.schema, steps, lenient=True).schema):
                    found.append(value)
        return found

    def _resolved(self, use: Use, names: Names) -> Iterator[tuple[Value, tuple[str | int, ...]]]:
        """The values that a path may mean, each with the steps into it."""
        first, *steps = use.path
        if first == "inputs":
            for name, value in self._inputs.items():
                if not steps or steps[0] == name:
                    yield value, tuple(steps[1:])
            return
        if first == "previous" and steps:
            first, *steps = steps
        if isinstance(first, str) and first in names:
            yield names[first], tuple(steps)


def _unguarded(work: MachineWork, asks: Sequence[bool]) -> set[int]:
    """The states that can be reached without going on from one whose conditions read a person's choice."""
    found, waiting = {work.start}, [work.start]
    while waiting:
        index = waiting.pop()
        for _, after in () if asks[index] else work.ways[index]:
            if after is not None and after not in found:
                found.add(after)
                waiting.append(after)
    return found
