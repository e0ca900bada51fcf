"""Plays the shell: answers a kernel's commands in any order, and looks at it after every event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentspec.api.events import (
    ControllerEntered,
    Event,
    Failure,
    Meta,
    RunCancelled,
    RunFinished,
    RunStarted,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from agentspec.kernel import (
    Announce,
    CancelStep,
    Command,
    FinishRun,
    StartStep,
    StartTimer,
    StopTimer,
    advance,
    new_state,
)
from agentspec.kernel.advance import Stimulus
from agentspec.kernel.invariants import broken_invariants
from agentspec.kernel.state import Frame, LoopVisit, MapVisit, Settled, Visit
from agentspec.plan.model import Plan

from .builder import Draft, block, plan

Answer = Callable[[StartStep], Any]
"""Gives a step's value, or a `Failure`."""


class Player:
    """Drives one run, one event at a time."""

    def __init__(self, compiled: Plan) -> None:
        self.state = new_state(compiled)
        self.open: dict[str, StartStep] = {}
        self.timers: dict[str, StartTimer] = {}
        self.history: list[tuple[Stimulus, list[Command]]] = []
        self.started: list[str] = []
        self.announced: list[Event] = []
        self.finished: RunFinished | None = None
        self.feed(RunStarted("by_hand", {"x": 1}))

    def feed(self, event: Stimulus) -> list[Command]:
        commands = advance(self.state, event)
        self.history.append((event, commands))
        if isinstance(event, StepStarted | StepSucceeded | StepFailed):
            self.open.pop(event.path, None)
        for command in commands:
            assert self.finished is None, f"{command} came after the end"
            self._take(command)
        assert broken_invariants(self.state) == []
        assert self.open.keys() == self.state.running.keys()
        assert self.timers.keys() == self.state.timed.keys()
        if self.finished is not None:
            assert self.open == {}
            assert self.timers == {}
        self._check_bounds()
        return commands

    def _take(self, command: Command) -> None:
        match command:
            case StartStep():
                assert command.path not in self.open, f"{command.path} is running already"
                self._check_before(command)
                self.open[command.path] = command
                self.started.append(command.path)
            case StartTimer():
                assert command.path not in self.timers
                self.timers[command.path] = command
            case StopTimer():
                del self.timers[command.path]
            case CancelStep():
                del self.open[command.path]
            case Announce():
                self.announced.append(command.event)
            case FinishRun():
                self.finished = command.event

    def _check_before(self, command: StartStep) -> None:
        """Nothing starts before all that it waits for is settled, and all that it needs is there."""
        frame: Frame = command.lookup.__self__  # type: ignore[attr-defined]
        for other in frame.block.nodes:
            if command.node.index in other.successors:
                assert frame.settled[other.index] != Settled.NOT_YET, f"{command.path} is too early"
        for index in command.node.needs:
            assert frame.settled[index] == Settled.DONE, f"{command.path} lacks what it needs"

    def _check_bounds(self) -> None:
        """No map has more items open than it may, no loop is in a round beyond its last."""
        items: dict[Visit, set[Frame]] = {}
        for frame in self.state.frames():
            if isinstance(frame.visit, MapVisit):
                items.setdefault(frame.visit, set()).add(frame)
            elif isinstance(frame.visit, LoopVisit):
                assert frame.visit.round <= frame.visit.work.most
        for visit, frames in items.items():
            assert isinstance(visit, MapVisit)
            assert len(frames) <= visit.work.concurrency

    def succeed(self, path: str, value: Any = None, meta: Meta | None = None) -> list[Command]:
        return self.feed(StepSucceeded(path, value, meta or Meta()))

    def fail(self, path: str, kind: str | None = None, *, fatal: bool = False) -> list[Command]:
        attempt = self.open[path].attempt
        return self.feed(StepFailed(path, attempt, Failure(path, "AS601", "no", kind=kind, fatal=fatal)))

    def ring(self, path: str) -> list[Command]:
        """A controller's time is up."""
        timer = self.timers.pop(path)
        failure = Failure(path, "AS605", "took too long", kind="timeout")
        return self.feed(StepFailed(path, timer.attempt, failure))

    def cancel(self, failure: Failure) -> list[Command]:
        return self.feed(RunCancelled(failure))

    def answer(self, path: str, answer: Answer) -> None:
        command = self.open[path]
        if command.node.kind == "controller":
            self.feed(StepStarted(path, command.node.id, "controller", command.attempt))
            return
        value = answer(command)
        event: Stimulus
        if isinstance(value, Failure):
            event = StepFailed(path, command.attempt, value)
        else:
            event = StepSucceeded(path, value, Meta(attempts=command.attempt))
        self.feed(event)

    def play(self, answer: Answer, pick: Callable[[list[str]], str], most: int = 20_000) -> RunFinished:
        """Answer one open step after the other, in the order that `pick` chooses, until the run ends."""
        for _ in range(most):
            if self.finished is not None:
                return self.finished
            self.answer(pick(list(self.open)), answer)
        raise AssertionError("the run does not end")

    def skipped(self) -> list[str]:
        return [event.path for event in self.announced if isinstance(event, StepSkipped)]

    def entered(self, path: str) -> list[str]:
        return [event.choice for event in self.announced if isinstance(event, ControllerEntered) and event.path == path]


def run(*drafts: Draft, **options: Any) -> Player:
    """A run that has begun, of one block."""
    return Player(plan(block(*drafts, **options)))
