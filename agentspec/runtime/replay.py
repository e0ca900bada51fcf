"""A run made again from what is recorded of it: the kernel takes in the same events, and nothing is done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from agentspec.api.errors import AgentspecError, Exit, LimitReached, RunDiverged
from agentspec.api.events import (
    BlockCalled,
    CallAnswered,
    Event,
    RunCancelled,
    RunFinished,
    RunPaused,
    RunResumed,
    StepFailed,
    StepPaused,
    StepStarted,
    StepSucceeded,
)
from agentspec.api.journal import Entry
from agentspec.api.messages import Usage
from agentspec.kernel import Announce, CancelStep, InvalidTransition, StartStep, StartTimer, State, advance, new_state
from agentspec.kernel.advance import Stimulus, may_repeat
from agentspec.nodes import Budgets
from agentspec.plan.model import Plan
from agentspec.plan.work import Rule, ToolWork


@dataclass(slots=True)
class Past:
    """What is recorded of a run.

    Attributes:
        state: where the run stands.
        budgets: what it has used. A step that was cut off does not count: it counts when it runs again.
        events: what observers have heard, without the starts of steps that were cut off.
        begun: steps that were cut off, with the place of their start in `events` while it was there.
        waits: when steps that are to be tried again may start, in seconds since 1970.
        active_s: for how long the run was going on, without the time between a pause or a crash and going on.
        timed: by the path of a controller, the `active_s` at which its time began.
    """

    state: State
    budgets: Budgets
    events: list[Event] = field(default_factory=list)
    begun: dict[str, int] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)
    active_s: float = 0.0
    timed: dict[str, float] = field(default_factory=dict)

    def doubtful(self) -> list[str]:
        """Tools that were cut off and may have changed something that must not be changed twice.

        Not the steps that call them: what those called is recorded, and they are given it again.
        """
        works = {path: self.state.running[path].node.work for path in self.begun}
        return [path for path, work in works.items() if isinstance(work, ToolWork) and not may_repeat(work)]


def replay(plan: Plan, entries: Iterable[Entry]) -> Past:
    """Make a run again. Raises `RunDiverged` when its events do not fit the plan."""
    past = Past(new_state(plan), Budgets(plan))
    last = None
    try:
        for at, event in entries:
            if last is not None and not isinstance(event, RunResumed):
                past.active_s += max(at - last, 0.0)
            last = at
            _take(past, at, event)
    except (InvalidTransition, AgentspecError, LookupError, AssertionError) as error:
        text = f"what is recorded of the run does not fit `{plan.source.name}` any more"
        raise RunDiverged(text, hint="start the run anew: its spec or a plugin has changed") from error
    cut_off = set(past.begun.values())
    past.events = [event for place, event in enumerate(past.events) if place not in cut_off]
    return past


def is_interruption(event: Event) -> bool:
    """Tell whether an event ended only the process: the run can go on."""
    return isinstance(event, RunCancelled) and event.failure.exit is Exit.INTERRUPTED


def _take(past: Past, at: float, event: Event) -> None:
    if isinstance(event, StepStarted):
        step = past.state.running.get(event.path)
        past.waits.pop(event.path, None)
        if step is not None and isinstance(step.node.work, Rule):
            _advance(past, at, event)  # observers hear of it when it opens
        elif event.path not in past.begun:
            past.begun[event.path] = len(past.events)
            past.events.append(event)
    elif isinstance(event, CallAnswered):
        past.events.append(event)
        with contextlib.suppress(LimitReached):
            past.budgets.before_call(event.path)
            past.budgets.after_call(event.path, Usage(event.tokens_in, event.tokens_out, usd=event.usd))
    elif isinstance(event, Stimulus):
        if not is_interruption(event):
            past.events.append(event)
            if isinstance(event, BlockCalled):
                past.budgets.hear(event)
            if isinstance(event, StepSucceeded | StepFailed | StepPaused):
                _no_longer_runs(past, event.path)
            _advance(past, at, event)
    elif not isinstance(event, RunPaused | RunResumed | RunFinished):
        past.events.append(event)


def _advance(past: Past, at: float, event: Stimulus) -> None:
    for command in advance(past.state, event):
        if isinstance(command, Announce):
            past.events.append(command.event)
        elif isinstance(command, CancelStep):
            _no_longer_runs(past, command.path)
        elif isinstance(command, StartStep) and command.wait_s:
            past.waits[command.path] = at + command.wait_s
        elif isinstance(command, StartTimer):
            past.timed[command.path] = past.active_s


def _no_longer_runs(past: Past, path: str) -> None:
    past.waits.pop(path, None)
    if past.begun.pop(path, None) is not None:
        with contextlib.suppress(LimitReached):
            past.budgets.before_step(path)
