"""The two moves that everything else is made of: opening a frame and settling a node."""

from __future__ import annotations

from agentspec.api.messages import Json
from agentspec.kernel.state import Frame, Settled, State
from agentspec.plan.model import PlanNode


def begin(state: State, frame: Frame) -> None:
    """Put the first nodes of a new frame on the agenda."""
    agenda = state.agenda
    for index in frame.block.starts:
        agenda.append((frame, index))


def settle(state: State, frame: Frame, node: PlanNode, value: Json, how: Settled = Settled.DONE) -> None:
    """Give a node its final value, and those that waited for it their turn."""
    frame.values[node.id] = value
    frame.settled[node.index] = how
    waiting, agenda = frame.waiting, state.agenda
    for index in node.successors:
        left = waiting[index] = waiting[index] - 1
        if not left:
            agenda.append((frame, index))
    frame.open -= 1
    if not frame.open:
        agenda.append((frame, -1))
