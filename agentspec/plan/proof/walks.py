"""What the walk through a machine may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from agentspec.plan.graph import find_circle, in_order
from agentspec.plan.proof.amounts import Range, between
from agentspec.plan.proof.costs import FREE, Cost, one_of
from agentspec.plan.work import MachineWork


def walk(work: MachineWork, states: Sequence[Cost]) -> Cost:
    """What one visit of a machine uses: its longest walk, or as many of its dearest states as it has steps."""
    befores = _befores(work)
    if find_circle(befores):
        whole = one_of(states) * between(0, (1 + work.most) / 2, work.most)
        start = states[work.start]
        return Cost(
            **{
                one.name: replace(getattr(whole, one.name), least=getattr(start, one.name).least)
                for one in fields(Cost)
            }
        )
    rest: dict[str, Cost] = {}
    for name in reversed(in_order(befores)):
        further = [FREE if after is None else rest[str(after)] for _, after in work.ways[int(name)]]
        rest[name] = states[int(name)] + one_of(further)
    return rest[str(work.start)]


def visits_of_state(work: MachineWork) -> Range:
    """How often one state is visited."""
    if find_circle(_befores(work)):
        return between(0, (1 + work.most) / 2 / len(work.block.nodes), work.most)
    return between(0, 0.5, 1)


def _befores(work: MachineWork) -> dict[str, list[str]]:
    """Per state, those from which a way leads to it."""
    found: dict[str, list[str]] = {str(index): [] for index in range(len(work.ways))}
    for index, ways in enumerate(work.ways):
        for _, after in ways:
            if after is not None and str(index) not in found[str(after)]:
                found[str(after)].append(str(index))
    return found
