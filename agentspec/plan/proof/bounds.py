"""What a plan may use: worst case and expected, by node and in total. Linear in the number of nodes.

Expected means, where a run decides: nothing fails and no answer needs a repair; half of the conditions hold; the
cases of a switch are equally likely; loops with a condition, machines and models with tools take half of their
rounds; a turn calls one tool; a plan has half of its steps; an answer is half as long as it may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.names import Letter, letter_and_name
from agentspec.plan.proof.amounts import ONCE, Range, Unknown, between, unknown
from agentspec.plan.proof.asks import Asks, Question, question_of, sampled, unknown_prompt
from agentspec.plan.proof.costs import FREE, Cost, in_order, in_sequence, one_of
from agentspec.plan.proof.prices import PriceBook, price_book
from agentspec.plan.proof.visits import Inputs, bytes_of, calls_of, chances, length_of, rounds_of, takes_one, tries_of
from agentspec.plan.proof.walks import visits_of_state, walk
from agentspec.plan.work import (
    AgencyWork,
    AgentWork,
    ApproveWork,
    Caller,
    FreeWork,
    LmWork,
    LoopWork,
    MachineWork,
    MapWork,
    SwitchWork,
    TurnWork,
    Work,
    callees,
    inner_blocks,
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one node uses in a whole run.

    Attributes:
        path: of the node, without numbers: `each/sort`.
        visits: how often the node's turn comes.
        cost: of all visits; its `chain` and `seconds` are those of one.
    """

    path: str
    letter: Letter
    name: str
    node: PlanNode
    visits: Range
    cost: Cost


class Bounds:
    """What a plan may use.

    Attributes:
        total: of a whole run that no limit stops.
        book: where the prices come from.
    """

    def __init__(self, plan: Plan, inputs: Inputs, book: PriceBook) -> None:
        self.plan = plan
        self.book = book
        self._inputs = inputs
        self._asks = Asks(plan.models, book)
        self._blocks: dict[int, Cost] = {}
        self._nodes: dict[int, Cost] = {}
        self._askers: dict[int, str] = {}
        self._time: Range | None = None
        self.total = self._block(plan.block, inputs)

    def rows(self) -> Iterator[Row]:
        """Every node in the order of the plan, those of called agents included."""
        yield from self._rows(self.plan.block, "", ONCE, self._inputs)

    def _rows(self, block: PlanBlock, prefix: str, visits: Range, inputs: Inputs) -> Iterator[Row]:
        for node, chance in zip(block.nodes, chances(block), strict=True):
            path = block.path_of(node, prefix)
            work, times, one = node.work, visits * chance, self._nodes[id(node)]
            yield Row(path, *letter_and_name(work), node, times, (one * times).with_chain(one.chain, one.seconds))
            for label, inner in inner_blocks(work):
                if isinstance(inner.nodes[0].work if inner.nodes else None, TurnWork):
                    continue  # the model's turns are what its own row tells
                opened = times * tries_of(node) * _openings(node, work, inner, inputs)
                known = None if isinstance(work, AgentWork) else inputs
                yield from self._rows(inner, f"{path}{label}/", opened, known)

    def _block(self, block: PlanBlock, inputs: Inputs) -> Cost:
        if id(block) not in self._blocks:
            costs = [
                self._node(node, inputs) * chance for node, chance in zip(block.nodes, chances(block), strict=True)
            ]
            self._blocks[id(block)] = in_order(costs, [node.successors for node in block.nodes])
        return self._blocks[id(block)]

    def _node(self, node: PlanNode, inputs: Inputs) -> Cost:
        cost = self._work(node, node.work, inputs) * tries_of(node)
        if node.timeout_s is not None and not node.retry.times:
            cost = replace(cost, seconds=between(0, node.timeout_s / 2, node.timeout_s))
        self._nodes[id(node)] = cost
        return cost

    def _work(self, node: PlanNode, work: Work, inputs: Inputs) -> Cost:
        if isinstance(work, SwitchWork):
            blocks = [self._block(block, inputs) for _, block in inner_blocks(work)]
            return one_of(blocks if takes_one(node, work) else [*blocks, FREE])
        if isinstance(work, MapWork):
            return self._map(node, work, inputs)
        if isinstance(work, LoopWork):
            return self._block(work.block, inputs) * rounds_of(work)
        if isinstance(work, MachineWork):
            parts = zip(work.block.nodes, chances(work.block), strict=True)
            return walk(work, [self._node(inner, inputs) * chance for inner, chance in parts])
        if isinstance(work, AgentWork):
            return _limited(self._block(work.plan.block, None), work.plan)
        if isinstance(work, Caller):
            return self._caller(node, work, inputs)
        return self._leaf(node, work, inputs)

    def _leaf(self, node: PlanNode, work: Work, inputs: Inputs) -> Cost:
        step = Cost(steps=ONCE, seconds=self._untimed(node))
        if isinstance(work, LmWork):
            question = question_of(work, bytes_of(node, work, inputs), node.id, node.origin, node.span)
            return step + sampled(work, self._asks, question)
        if isinstance(work, TurnWork):
            name = self._askers[id(node)]
            prompt = unknown_prompt(name, "grow with every turn", node.origin, node.span)
            most = work.settings.max_tokens
            question = Question(prompt, work.output or {}, work.repair, most, name, node.origin, node.span)
            return step + self._asks.ask(work.model, question)
        return replace(step, questions=ONCE) if isinstance(work, ApproveWork) else step

    def _map(self, node: PlanNode, work: MapWork, inputs: Inputs) -> Cost:
        """Items run side by side, `concurrency` at a time; the chain takes them to be equally long."""
        once, length = self._block(work.block, inputs), length_of(node, work, inputs)
        every = once * (replace(length, least=0.0) if work.keep_going else length)
        known = length.worst.known
        if known is not None:
            rounds = between(0, -(-known // work.concurrency), -(-known // work.concurrency))
        else:
            share = 1 / work.concurrency
            rounds = length * between(0, share, share) + between(0, 0, 1 - share)
        return every.with_chain(once.chain * rounds, once.seconds * rounds)

    def _caller(self, node: PlanNode, work: Caller, inputs: Inputs) -> Cost:
        """A step of its own, the turns of its model, and each time the dearest of what it may call."""
        blocks = callees(work)
        self._askers |= {id(block.nodes[0]): node.id for block in blocks.values()}
        always = [] if isinstance(work, FreeWork) else [name for name in ("lm", "approve") if name in blocks]
        costs = [self._block(blocks.pop(name), inputs) * calls_of(node, work, name) for name in always]
        dearest = one_of([self._block(block, inputs) for block in blocks.values()])
        chosen = dearest * calls_of(node, work, "")
        if isinstance(work, AgencyWork):  # the calls of one turn run side by side
            turns = between(0, work.max_turns / 2, work.max_turns - 1)
            chosen = chosen.with_chain(dearest.chain * turns, dearest.seconds * turns)
        return in_sequence([Cost(steps=ONCE, seconds=self._untimed(node)), *costs, chosen])

    def _untimed(self, node: PlanNode) -> Range:
        """One unknown for all steps without a timeout: which they are, nobody needs to read in every sum."""
        if self._time is None:
            self._time = unknown(Unknown("time", f"`{node.id}`, for one, has no `timeout`", node.origin, node.span))
        return self._time


def bounds_of(plan: Plan, inputs: Inputs = None) -> Bounds:
    """Work out what a plan may use. `inputs` are those whose values are known; a missing one is not."""
    return Bounds(plan, inputs, price_book())


def _openings(node: PlanNode, work: Work, inner: PlanBlock, inputs: Inputs) -> Range:
    """How often a block is opened in one try of the node that owns it."""
    if isinstance(work, SwitchWork):
        return between(0, 1 / (len(work.blocks) + (work.default is not None)), 1)
    if isinstance(work, MapWork):
        return length_of(node, work, inputs)
    if isinstance(work, LoopWork):
        return rounds_of(work)
    if isinstance(work, MachineWork):
        return visits_of_state(work)
    return calls_of(node, work, inner.label) if isinstance(work, Caller) else ONCE


def _limited(cost: Cost, plan: Plan) -> Cost:
    """What a visit of an agent may use under those of its limits that are held before each step and call."""
    limits = plan.limits
    return replace(
        cost,
        steps=cost.steps.capped(limits.steps),
        lm_calls=cost.lm_calls.capped(limits.lm_calls),
        chain=cost.chain.capped(limits.lm_calls),
    )
