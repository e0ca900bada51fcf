"""Blocks that a running step calls: an LM's tools, the steps of a plan, the nodes of a controller in Python."""

from __future__ import annotations

from agentspec.api.events import BlockCalled, ControllerEntered, Failure, Meta
from agentspec.api.messages import Json
from agentspec.kernel.commands import Announce, ReturnCall
from agentspec.kernel.state import Call, CallVisit, Frame, Running, Settled, State
from agentspec.kernel.steps import begin
from agentspec.plan.model import PlanBlock
from agentspec.plan.steps import STEPS, steps_block
from agentspec.plan.work import Caller, FreeWork, PlanningWork, callees


def open_block(state: State, step: Running, event: BlockCalled) -> None:
    """Open the block that a step calls."""
    work = step.node.work
    assert isinstance(work, Caller), f"{event.path} calls no blocks"
    path = f"{event.path}/{event.name}#{event.number + 1}"
    if step.node.kind == "controller":
        word = work.kind if isinstance(work, FreeWork) else "plan"
        chosen = f"{event.name}#{event.number + 1}"
        state.commands.append(Announce(ControllerEntered(event.path, word, chosen)))
    step.calls.append(Call(event.name, event.values))
    step.open += 1
    visit = CallVisit(step, event.number)
    begin(state, Frame(_block(work, event), step.frame, visit, f"{path}/", dict(event.values)))


def return_value(state: State, visit: CallVisit, frame: Frame, value: Json) -> None:
    """A block that was called has its value."""
    meta = frame.metas.get(frame.block.nodes[0].id) if frame.block.single else None
    _return(state, visit, value, meta, None)


def return_failure(state: State, visit: CallVisit, frame: Frame, failure: Failure) -> None:
    """A block that was called failed; what was done in it by then is its value."""
    done = {
        node.id: frame.values[node.id]
        for node, how in zip(frame.block.nodes, frame.settled, strict=True)
        if how == Settled.DONE
    }
    _return(state, visit, done, None, failure)


def _return(state: State, visit: CallVisit, value: Json, meta: Meta | None, failure: Failure | None) -> None:
    caller = visit.caller
    call = caller.calls[visit.number]
    call.done, call.value, call.meta, call.failure = True, value, meta, failure
    caller.open -= 1
    caller.returned.append(visit.number)
    state.commands.append(ReturnCall(visit.path, visit.number, value, meta, failure))


def _block(work: Caller, event: BlockCalled) -> PlanBlock:
    if isinstance(work, PlanningWork) and event.name == STEPS:
        return steps_block(work.offers, event.values[STEPS])
    return callees(work)[event.name]
