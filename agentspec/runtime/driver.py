"""The asyncio shell around the kernel: does what it commands, and tells it what came of that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from agentspec.api.errors import Exit, LimitReached
from agentspec.api.events import (
    BlockCalled,
    Event,
    Failure,
    Meta,
    Observer,
    RunCancelled,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    StepFailed,
    StepPaused,
    StepStarted,
    StepSucceeded,
)
from agentspec.api.messages import Json
from agentspec.kernel import (
    Announce,
    CancelStep,
    PauseRun,
    ReturnCall,
    StartStep,
    StartTimer,
    StopTimer,
    advance,
    is_stalled,
    new_state,
)
from agentspec.kernel.advance import Stimulus
from agentspec.kernel.state import Running
from agentspec.nodes.services import Ask, CallBlock
from agentspec.plan.model import Plan
from agentspec.plan.work import Rule
from agentspec.runtime.questions import Questions, silence
from agentspec.runtime.recalls import Recalls
from agentspec.runtime.recording import Recording
from agentspec.runtime.replay import Past
from agentspec.runtime.workers import Workers, too_late

Execute = Callable[[StartStep, CallBlock], Awaitable[tuple[Json, Meta]]]


class Driver:
    """Drives one run of a plan.

    Args:
        execute: runs a step.
        observe: hears of everything that happens.
        recording: is given each event before the kernel takes it in; the same events make the same state.
        ask: asks a person, where one is there; without it the run pauses.
        now: seconds since 1970, for questions that stay open over a restart.
        stretch: how many times as long as the kernel says a step waits before it is tried again, at least 1. Chance has
            its place here: steps that failed together should not come back together.
    """

    def __init__(
        self,
        plan: Plan,
        execute: Execute,
        observe: Observer | None = None,
        recording: Recording | None = None,
        ask: Ask | None = None,
        now: Callable[[], float] = time.time,
        stretch: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self.state = new_state(plan)
        self._plan = plan
        self._observe = observe
        self.paused = False
        self._recording = recording
        self._now = now
        self._stretch = stretch
        self._workers = Workers(self._run, self._feed, self._end, observe)
        self._execute = execute
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._calls: dict[tuple[str, int], asyncio.Future[ReturnCall]] = {}
        self._recalls: dict[str, Recalls] = {}
        self._questions = Questions(ask, now, self._take_answer)
        self._done: asyncio.Future[None] | None = None
        self._crash: Exception | None = None

    async def run(self, inputs: dict[str, Json]) -> RunFinished:
        """Run to the end, or until all that is left waits for a person: then the status is `paused`.

        Cancelling the caller's task cancels the run and everything in it.
        """
        return await self._drive(lambda: self._feed(RunStarted(self._plan.name, inputs)), 0.0)

    async def resume(self, past: Past, answers: Iterable[StepSucceeded | StepFailed] = ()) -> RunFinished:
        """Go on with a run from what is recorded of it: only steps that were in flight run again.

        `answers` are what persons said to questions of the run.
        """
        self.state = past.state
        return await self._drive(lambda: self._go_on(past, {answer.path: answer for answer in answers}), past.active_s)

    def _go_on(self, past: Past, answers: Mapping[str, StepSucceeded | StepFailed]) -> None:
        """Start again what was in flight. What stands in the record comes first, what changes it last."""
        state, now = self.state, self._now()
        self._tell(RunResumed(self._plan.name))
        overdue = {path: silence(path, paused) for path, paused in state.paused.items() if paused.is_over(now)}
        answers = {**overdue, **answers}
        rules: list[tuple[str, Running]] = []
        for path, step in state.running.items():
            wait_s = max(past.waits.get(path, now) - now, 0.0)
            command = StartStep(path, step.node, step.frame.lookup, step.attempt, wait_s)
            if wait_s:
                self._set_timer(command, wait_s)
            elif isinstance(step.node.work, Rule):
                rules.append((path, step))
            else:
                self._workers.put(command)
        for path, visit in state.timed.items():
            timeout_s = visit.node.timeout_s or 0.0
            left_s = timeout_s - (past.active_s - past.timed[path])
            self._set_timer(StartTimer(path, visit.attempt, timeout_s), max(left_s, 0.0))
        for path, paused in state.paused.items():
            if path not in answers:
                self._questions.put(path, paused)
        for path, step in rules:
            if state.running.get(path) is step:
                self._apply(StepStarted(path, step.node.id, step.node.kind, step.attempt))
        for path, answer in answers.items():
            if path in state.paused:
                self._feed(answer)
        if is_stalled(state):
            self._pause()

    async def _drive(self, begin: Callable[[], None], spent_s: float) -> RunFinished:
        if self.state.finished is not None:  # cancelled before it began
            return self.state.finished
        wall_s = self._plan.limits.wall
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        if wall_s is not None:
            self._timers[""] = loop.call_later(max(wall_s - spent_s, 0.0), self._out_of_time, wall_s)
        try:
            begin()
            self._workers.wake()
            await self._done
        except asyncio.CancelledError:
            self.cancel("interrupted")
            raise
        finally:
            await self._stop()
        if self._crash is not None:
            raise self._crash
        return self.state.finished or RunFinished("paused", None)

    def _run(self, step: StartStep) -> Awaitable[tuple[Json, Meta]]:
        self._recalls.pop(step.path, None)  # a step that is run once more counts its calls anew
        return self._execute(step, self.call)

    async def call(self, path: str, name: str, values: Mapping[str, Json]) -> ReturnCall:
        """Have the step at `path` call a block, and wait for what it comes to.

        A step that runs again after a restart gets what its earlier calls gave. Raises `RunDiverged` when it
        calls something else than it did then.
        """
        step = self.state.running[path]
        recalls = self._recalls.get(path)
        if recalls is None:
            recalls = self._recalls[path] = Recalls(path, step)
        if step.calls:
            now = values if self._recording is None else self._recording.as_recorded(values)
            known = recalls.number_of(name, now)
            if known is not None:
                call = step.calls[known]
                if not call.done:
                    return await self._result_of(path, known)
                await recalls.turn(known)
                return ReturnCall(path, known, call.value, call.meta, call.failure)
            await recalls.all_made(name)
        number = len(step.calls)
        return await self._result_of(path, number, BlockCalled(path, number, name, values))

    async def _result_of(self, path: str, number: int, event: BlockCalled | None = None) -> ReturnCall:
        """Wait for the result of a call, which is made now if there is an event for it."""
        answer: asyncio.Future[ReturnCall] = asyncio.get_running_loop().create_future()
        self._calls[path, number] = answer
        try:
            if event is not None:
                self._feed(event)
                self._workers.wake()
            return await answer
        finally:
            del self._calls[path, number]

    def cancel(self, reason: str) -> None:
        """End the run now; steps in flight are cancelled."""
        if self.state.finished is None:
            self._feed(RunCancelled(Failure("", "AS600", reason, exit=Exit.INTERRUPTED)))

    def _out_of_time(self, wall_s: float) -> None:
        if self.state.finished is None:
            error = LimitReached(f"the limit `wall: {wall_s:g}s` is reached", hint="raise `limits: {wall: …}`")
            self._from_timer(RunCancelled(Failure.of("", error)), self._feed)

    def _tell(self, event: Event) -> None:
        if self._observe is not None:
            self._observe(event)

    def _feed(self, event: RunStarted | StepSucceeded | StepFailed | StepPaused | BlockCalled | RunCancelled) -> None:
        if self._observe is not None:
            self._observe(event)
        self._apply(event)

    def _apply(self, event: Stimulus) -> None:
        if self._recording is not None:
            self._recording.append(event)
        commands = advance(self.state, event)
        if isinstance(event, StepPaused):
            self._questions.put(event.path, self.state.paused[event.path])
        for command in commands:
            if isinstance(command, StartStep):
                if command.wait_s:
                    self._set_timer(command, command.wait_s * self._stretch())
                else:
                    self._workers.put(command)
            elif isinstance(command, Announce):
                self._tell(command.event)
            elif isinstance(command, CancelStep):
                if not self._stop_timer(command.path):
                    self._workers.cancel(command.path)
            elif isinstance(command, StartTimer):
                self._set_timer(command, command.timeout_s)
            elif isinstance(command, StopTimer):
                self._stop_timer(command.path)
            elif isinstance(command, ReturnCall):
                waiting = self._calls.get((command.path, command.number))
                if waiting is not None and not waiting.done():
                    waiting.set_result(command)
            elif isinstance(command, PauseRun):
                self._pause()
            else:
                self._tell(command.event)
                self._end(None)
        if self._questions:
            self._questions.keep(self.state.paused)

    def _pause(self) -> None:
        """All that is left waits for a person: unless one is being asked, the run ends here, and can be resumed."""
        if not self._questions.asking:
            self.paused = True
            self._tell(RunPaused(tuple(self.state.paused)))
            self._end(None)

    def _take_answer(self, answer: StepSucceeded | StepFailed | None) -> None:
        if answer is not None:
            self._from_timer(answer, self._feed)
            self._workers.wake()
        elif is_stalled(self.state):
            self._pause()

    def _end(self, crash: Exception | None) -> None:
        self._crash = self._crash or crash
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _set_timer(self, command: StartStep | StartTimer, seconds: float) -> None:
        self._timers[command.path] = asyncio.get_running_loop().call_later(seconds, self._ring, command)

    def _stop_timer(self, path: str) -> bool:
        timer = self._timers.pop(path, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    def _ring(self, command: StartStep | StartTimer) -> None:
        path, attempt = command.path, command.attempt
        del self._timers[path]
        if isinstance(command, StartTimer):
            failure = Failure.of(path, too_late(path, command.timeout_s))
            self._from_timer(StepFailed(path, attempt, failure), self._feed)
        elif isinstance(command.node.work, Rule):  # observers hear of it when it opens, which is now
            self._from_timer(StepStarted(path, command.node.id, "controller", attempt), self._apply)
        else:
            self._workers.put(command)
        self._workers.wake()

    def _from_timer(self, event: Any, take: Callable[[Any], None]) -> None:
        """Take in an event that no worker brings; nobody else would see what goes wrong."""
        try:
            take(event)
        except Exception as error:
            self._end(error)

    async def _stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        await self._workers.stop(self._questions.tasks)
