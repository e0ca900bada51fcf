"""The moves that everything else is made of: opening a frame, settling a node, watching the time."""

from __future__ import annotations

from agentspec.api.messages import Json
from agentspec.kernel.commands import StartTimer, StopTimer
from agentspec.kernel.state import Frame, Settled, State, Visit
from agentspec.plan.model import PlanNode


def begin(state: State, frame: Frame) -> None:
    """Put the first nodes of a new frame on the agenda."""
    agenda = state.agenda
    for index in frame.block.starts:
        agenda.append((frame, index))
    if not frame.open:
        agenda.append((frame, -1))


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


def watch(state: State, visit: Visit) -> None:
    """Have a controller's `timeout` watched, if it has one."""
    timeout_s = visit.node.timeout_s
    if timeout_s is not None:
        state.timed[visit.path] = visit
        state.commands.append(StartTimer(visit.path, visit.attempt, timeout_s))


def unwatch(state: State, path: str) -> None:
    """A controller came to its end, one way or the other."""
    if state.timed.pop(path, None) is not None:
        state.commands.append(StopTimer(path))
