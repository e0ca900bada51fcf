"""`advance(state, event) -> commands`: the only way in which a run changes.

Pure: no clock, no I/O, no randomness. The same events give the same commands, in the same order.
"""

from __future__ import annotations

from agentspec.api.errors import AgentspecError, Exit
from agentspec.api.events import (
    BlockCalled,
    ControllerEntered,
    Failure,
    RunCancelled,
    RunFinished,
    RunStarted,
    Status,
    StepFailed,
    StepPaused,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from agentspec.api.tool import Effect
from agentspec.kernel import calls, controllers
from agentspec.kernel.commands import Announce, CancelStep, Command, FinishRun, PauseRun, StartStep
from agentspec.kernel.state import CallVisit, Frame, MachineVisit, MapVisit, Paused, Running, Settled, State, Visit
from agentspec.kernel.steps import begin, settle, unwatch
from agentspec.plan.model import Plan, PlanNode
from agentspec.plan.work import ApproveWork, Rule, ToolWork, Work, inner_blocks

Stimulus = RunStarted | StepStarted | StepSucceeded | StepFailed | StepPaused | BlockCalled | RunCancelled


class InvalidTransition(Exception):
    """An event that cannot follow from the commands given: a defect of ours, not of the user."""


def new_state(plan: Plan) -> State:
    """A run of `plan` that has not begun."""
    return State(plan)


def advance(state: State, event: Stimulus) -> list[Command]:
    """Take in one event; return what is to be done now. Raises `InvalidTransition`."""
    commands: list[Command] = []
    state.commands = commands
    if state.finished is not None:
        raise InvalidTransition(f"{event!r} came after the run had ended")
    if isinstance(event, StepSucceeded):
        path, value, meta = event
        step = state.running.pop(path, None)
        if step is None:
            step = _open_step(state, path)
            if step is None:
                raise _not_running(state, event)
            _taken(state, path, step)
        if step.open:
            _stop_inside(state, step)
        step.frame.metas[step.node.id] = meta
        settle(state, step.frame, step.node, value)
    elif isinstance(event, StepFailed):
        if event.path in state.timed:
            _timed_out(state, event)
        else:
            step = _answered(state, event)
            if step.open:
                _stop_inside(state, step)
            _failed(state, step.frame, step.node, event.attempt, event.failure)
    elif isinstance(event, BlockCalled):
        step = state.running.get(event.path)
        if step is None or event.number != len(step.calls):
            raise _not_running(state, event)
        calls.open_block(state, step, event)
    elif isinstance(event, StepPaused):
        state.paused[event.path] = Paused(_answered(state, event), event.question, event.asked)
    elif isinstance(event, StepStarted):
        step = _answered(state, event)
        _enter(state, step.frame, step.node, step.attempt)
    elif isinstance(event, RunStarted):
        if state.root is not None:
            raise InvalidTransition("the run had begun already")
        state.root = Frame(state.plan.block, None, None, "", {"inputs": dict(event.inputs)})
        begin(state, state.root)
    elif isinstance(event, RunCancelled):
        _cancel(state, event)
    else:
        raise InvalidTransition(f"no run waits for {event!r}")
    agenda = state.agenda
    while agenda:
        frame, index = agenda.popleft()
        if index < 0:
            _complete(state, frame)
        else:
            _visit(state, frame, frame.block.nodes[index])
    if state.paused and is_stalled(state):
        commands.append(PauseRun(tuple(state.paused)))
    return commands


def is_stalled(state: State) -> bool:
    """Tell whether nothing goes on until a person answers."""
    return bool(state.paused) and state.finished is None and all(step.open for step in state.running.values())


def _answered(state: State, event: StepStarted | StepFailed | StepPaused) -> Running:
    step = _open_step(state, event.path)
    if step is None or step.attempt != event.attempt:
        raise _not_running(state, event)
    return _taken(state, event.path, step)


def _open_step(state: State, path: str) -> Running | None:
    """A step that runs or that waits for a person."""
    paused = state.paused.get(path)
    return state.running.get(path) if paused is None else paused.step


def _taken(state: State, path: str, step: Running) -> Running:
    state.running.pop(path, None)
    state.paused.pop(path, None)
    return step


def _not_running(state: State, event: Stimulus) -> InvalidTransition:
    running = sorted(f"{path} (attempt {step.attempt})" for path, step in state.running.items())
    return InvalidTransition(f"nothing running waits for {event!r}; running are {running[:20]}")


def _visit(state: State, frame: Frame, node: PlanNode) -> None:
    """A node's turn has come: skip it, open it or start it."""
    settled = frame.settled
    for index in node.needs:
        if settled[index] == Settled.SKIPPED:
            _skip(state, frame, node, "needs")
            return
    if node.when is not None:
        try:
            wanted = node.when(frame.lookup)
        except AgentspecError as error:
            _failed(state, frame, node, 1, Failure.of(frame.path_of(node), error))
            return
        if not wanted:
            _skip(state, frame, node, "condition")
            return
    _start(state, frame, node, 1, 0.0)


def _start(state: State, frame: Frame, node: PlanNode, attempt: int, wait_s: float) -> None:
    if node.kind == "controller":
        if isinstance(node.work, ApproveWork):
            state.commands.append(Announce(ControllerEntered(frame.path_of(node), "approve", "")))
        elif isinstance(node.work, Rule) and not wait_s:
            _enter(state, frame, node, attempt)
            return
    path = frame.path_of(node)
    state.running[path] = Running(frame, node, attempt)
    state.commands.append(StartStep(path, node, frame.lookup, attempt, wait_s))


def _enter(state: State, frame: Frame, node: PlanNode, attempt: int) -> None:
    try:
        controllers.enter(state, frame, node, attempt)
    except AgentspecError as error:
        path = frame.path_of(node)
        unwatch(state, path)
        _failed(state, frame, node, attempt, Failure.of(path, error))


def _skip(state: State, frame: Frame, node: PlanNode, reason: str) -> None:
    state.commands.append(Announce(StepSkipped(frame.path_of(node), reason)))  # type: ignore[arg-type]
    settle(state, frame, node, None, Settled.SKIPPED)


def _complete(state: State, frame: Frame) -> None:
    """All nodes of a frame are settled: its value goes to whoever opened it."""
    visit = frame.visit
    try:
        value = frame.block.result(frame.lookup)
        if visit is None:
            _finish(state, RunFinished("ok", value))
        elif isinstance(visit, CallVisit):
            calls.return_value(state, visit, frame, value)
        else:
            controllers.child_done(state, visit, frame, value)
    except AgentspecError as error:
        path = "result" if visit is None else frame.prefix + "result"
        if isinstance(visit, MachineVisit):  # its frame has no result of its own: it is about the way on
            path = visit.path
        _frame_failed(state, frame, Failure.of(path, error))


def _failed(state: State, frame: Frame, node: PlanNode, attempt: int, failure: Failure) -> None:
    """An attempt failed: try again, go on without, or let the frame fail."""
    if failure.fatal:
        _end_failed(state, failure)
    elif attempt <= node.retry.times and failure.kind in node.retry.on and may_repeat(node.work):
        wait_s = node.retry.wait * node.retry.backoff ** (attempt - 1)
        _start(state, frame, node, attempt + 1, max(wait_s, failure.retry_after_s or 0.0))
    elif node.on_error == "fail":
        _frame_failed(state, frame, failure)
    else:
        state.problems.append(failure)
        if node.on_error == "skip":
            _skip(state, frame, node, "failure")
        else:
            settle(state, frame, node, node.fallback)


def may_repeat(work: Work) -> bool:
    """A tool that changes something is repeated only when it says that this does no harm, wherever it stands."""
    if isinstance(work, ToolWork):
        return work.tool.effect is Effect.READ or work.tool.idempotent
    return all(may_repeat(inner.work) for _, block in inner_blocks(work) for inner in block.nodes)


def _timed_out(state: State, event: StepFailed) -> None:
    """A controller's time is up: whatever goes on in it is stopped."""
    visit = state.timed[event.path]
    if visit.attempt != event.attempt:
        raise _not_running(state, event)
    del state.timed[event.path]
    _stop_inside(state, visit)
    _failed(state, visit.frame, visit.node, visit.attempt, event.failure)


def _frame_failed(state: State, frame: Frame, failure: Failure) -> None:
    visit = frame.visit
    if visit is None:
        _end_failed(state, failure)
    elif isinstance(visit, CallVisit):
        if not _is_alone(frame):
            _stop_inside(state, frame)
        calls.return_failure(state, visit, frame, failure)
    elif isinstance(visit, MapVisit) and visit.work.keep_going:
        if not _is_alone(frame):
            _stop_inside(state, frame)
        _item_failed(state, visit, frame, failure)
    else:
        if isinstance(visit, MapVisit) or not _is_alone(frame):
            _stop_inside(state, visit)
        unwatch(state, visit.path)
        _failed(state, visit.frame, visit.node, visit.attempt, failure)


def _item_failed(state: State, visit: MapVisit, frame: Frame, failure: Failure) -> None:
    """An item that may fail did. When all of them did there is nothing to go on with, and the map fails, too."""
    visit.failures[frame.values["loop"]["index"]] = failure
    if len(visit.failures) < len(visit.items):
        state.problems.append(failure)
        controllers.child_done(state, visit, frame, None)
    else:
        unwatch(state, visit.path)
        _failed(state, visit.frame, visit.node, visit.attempt, visit.failures[0])


def _is_alone(frame: Frame) -> bool:
    """Tell whether the node that failed is the only one that was going on: then nothing is to be stopped.

    It usually is, and looking for others among all running steps would make many failures at once dear.
    """
    return sum(not how and not left for how, left in zip(frame.settled, frame.waiting, strict=True)) <= 1


def _stop_inside(state: State, owner: Visit | Frame | Running) -> None:
    """Forget all that is going on in a frame, in the frames of a visit, or in the blocks that a step called."""
    for path in [path for path, step in state.running.items() if step.frame.is_inside(owner)]:
        del state.running[path]
        state.commands.append(CancelStep(path))
    for path in [path for path, paused in state.paused.items() if paused.step.frame.is_inside(owner)]:
        del state.paused[path]
    for path in [path for path, visit in state.timed.items() if visit.frame.is_inside(owner)]:
        unwatch(state, path)
    kept = [entry for entry in state.agenda if not entry[0].is_inside(owner)]
    state.agenda.clear()
    state.agenda.extend(kept)


def _end_failed(state: State, failure: Failure) -> None:
    _stop_everything(state)
    _finish(state, RunFinished("failed", None, failure))


def _cancel(state: State, event: RunCancelled) -> None:
    _stop_everything(state)
    status: Status = "cancelled" if event.failure.exit is Exit.INTERRUPTED else "failed"
    _finish(state, RunFinished(status, None, event.failure))


def _stop_everything(state: State) -> None:
    state.commands.extend(CancelStep(path) for path in state.running)
    state.running.clear()
    state.paused.clear()
    for path in list(state.timed):
        unwatch(state, path)
    state.agenda.clear()


def _finish(state: State, event: RunFinished) -> None:
    state.finished = event
    state.commands.append(FinishRun(event))
