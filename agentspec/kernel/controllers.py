"""The rules of controllers that decide from data alone: which block opens next, and what comes of it."""

from __future__ import annotations

from agentspec.api.errors import EvaluationFailed, MachineStuck
from agentspec.api.events import ControllerEntered, ControllerLeft
from agentspec.api.messages import Json
from agentspec.kernel.commands import Announce
from agentspec.kernel.state import (
    AgentVisit,
    Frame,
    LoopVisit,
    MachineVisit,
    MapVisit,
    Settled,
    State,
    SwitchVisit,
    Visit,
)
from agentspec.kernel.steps import begin, settle, unwatch, watch
from agentspec.plan.inputs import complete
from agentspec.plan.model import PlanBlock, PlanNode
from agentspec.plan.paths import case_path, label_of
from agentspec.plan.work import AgentWork, LoopWork, MachineWork, MapWork, SwitchWork


def enter(state: State, frame: Frame, node: PlanNode, attempt: int) -> None:
    """Open a controller. Raises `EvaluationFailed` when it cannot decide."""
    work = node.work
    if isinstance(work, SwitchWork):
        _enter_switch(state, SwitchVisit(frame, node, attempt, work))
    elif isinstance(work, MapWork):
        _enter_map(state, frame, node, attempt, work)
    elif isinstance(work, LoopWork):
        visit = LoopVisit(frame, node, attempt, work)
        watch(state, visit)
        _next_round(state, visit)
    elif isinstance(work, MachineWork):
        machine = MachineVisit(frame, node, attempt, work)
        watch(state, machine)
        _next_state(state, machine)
    elif isinstance(work, AgentWork):
        _enter_agent(state, AgentVisit(frame, node, attempt, work))
    else:
        raise AssertionError(f"{node.id} is run by no rule")


def child_done(state: State, visit: Visit, frame: Frame, value: Json) -> None:
    """A frame of this visit has its value. Raises `EvaluationFailed`."""
    if isinstance(visit, MapVisit):
        visit.results[frame.values["loop"]["index"]] = value
        visit.ended += 1
        if visit.ended == len(visit.items):
            _leave(state, visit, visit.results)
        else:
            _open_items(state, visit, visit.begun + 1)
    elif isinstance(visit, LoopVisit):
        visit.value = value
        visit.previous = {node.id: frame.values[node.id] for node in visit.work.block.nodes}
        until = visit.work.until
        if until is not None and until(frame.lookup):
            _leave(state, visit, value)
        else:
            _next_round(state, visit)
    elif isinstance(visit, MachineVisit):
        _leave_state(state, visit)
    else:
        _leave(state, visit, value)


def _enter_switch(state: State, visit: SwitchVisit) -> None:
    work, lookup = visit.work, visit.frame.lookup
    watch(state, visit)
    chosen: PlanBlock | None = work.default
    if work.on is not None:
        label = label_of(work.on(lookup))
        chosen = next((block for block in work.blocks if block.label == label), work.default)
    else:
        for condition, block in zip(work.conditions, work.blocks, strict=True):
            if condition(lookup):
                chosen = block
                break
    state.commands.append(Announce(ControllerEntered(visit.path, "switch", chosen.label if chosen else "")))
    if chosen is None:
        _leave(state, visit, None)
    else:
        begin(state, Frame(chosen, visit.frame, visit, f"{visit.path}{case_path(chosen.label)}/", {}))


def _enter_map(state: State, frame: Frame, node: PlanNode, attempt: int, work: MapWork) -> None:
    items = work.over(frame.lookup)
    if not isinstance(items, list):
        kind = "null" if items is None else type(items).__name__
        raise EvaluationFailed(f"`over` of `{node.id}` must give a list, it gave {kind}")
    visit = MapVisit(frame, node, attempt, work, items)
    watch(state, visit)
    state.commands.append(Announce(ControllerEntered(visit.path, "map", str(len(items)))))
    if items:
        _open_items(state, visit, work.concurrency)
    else:
        _leave(state, visit, [])


def _open_items(state: State, visit: MapVisit, most: int) -> None:
    """Open further items until `most` were opened in all."""
    work = visit.work
    while visit.begun < min(most, len(visit.items)):
        index = visit.begun
        visit.begun += 1
        values = {work.variable: visit.items[index], "loop": {"index": index}}
        begin(state, Frame(work.block, visit.frame, visit, f"{visit.path}[{index}]/", values))


def _next_round(state: State, visit: LoopVisit) -> None:
    work = visit.work
    if visit.round == work.most:
        _leave(state, visit, visit.value)
        return
    values: dict[str, Json] = {"loop": {"index": visit.round}, "previous": visit.previous}
    frame = Frame(work.block, visit.frame, visit, f"{visit.path}#{visit.round + 1}/", values)
    if work.again is not None and not work.again(frame.lookup):
        _leave(state, visit, visit.value)
        return
    visit.round += 1
    state.commands.append(Announce(ControllerEntered(visit.path, "loop", str(visit.round))))
    begin(state, frame)


def _next_state(state: State, visit: MachineVisit) -> None:
    """Begin the state at `visit.at`. Raises `MachineStuck` when no step is left."""
    work, frame = visit.work, visit.inside
    node = work.block.nodes[visit.at]
    if visit.step == work.most:
        text = f"`{visit.node.id}` did not come to its end in {work.most} steps, `{node.id}` would be next"
        raise MachineStuck(text, hint="raise `max_steps`, or look at the conditions under `next`")
    frame.values["loop"] = {"index": visit.step}
    visit.step += 1
    frame.prefix = f"{visit.path}#{visit.step}/"
    state.commands.append(Announce(ControllerEntered(visit.path, "machine", f"{visit.step}/{node.id}")))
    frame.settled[node.index] = Settled.NOT_YET
    frame.open = 1
    state.agenda.append((frame, node.index))


def _leave_state(state: State, visit: MachineVisit) -> None:
    work, frame = visit.work, visit.inside
    node = work.block.nodes[visit.at]
    for condition, after in work.ways[visit.at]:
        if condition is None or condition(frame.lookup):
            if after is not None:
                visit.at = after
                _next_state(state, visit)
            else:
                _leave(state, visit, frame.values[node.id] if work.result is None else work.result(frame.lookup))
            return
    text = f"no condition under `next` of `{visit.node.id}` holds after `{node.id}`"
    raise MachineStuck(text, hint="end the list with an entry without `when`")


def _enter_agent(state: State, visit: AgentVisit) -> None:
    """Open another agent's block. Raises `InvalidValue` when what it is given does not fit its inputs."""
    plan = visit.work.plan
    inputs = complete(plan, visit.work.arguments(visit.frame.lookup))
    watch(state, visit)
    state.commands.append(Announce(ControllerEntered(visit.path, "agent", plan.name)))
    begin(state, Frame(plan.block, None, visit, f"{visit.path}/", {"inputs": inputs}))


def _leave(state: State, visit: Visit, value: Json) -> None:
    unwatch(state, visit.path)
    state.commands.append(Announce(ControllerLeft(visit.path, value)))
    settle(state, visit.frame, visit.node, value)
