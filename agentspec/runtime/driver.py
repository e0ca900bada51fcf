"""The asyncio shell around the kernel: starts steps, waits for them, reports back.

Steps run in workers rather than in a task of their own: a worker takes one ready step after the other, and
another worker is added when a step really waits while others are ready. So a run of steps that answer at once
costs no task switch, and a thousand waiting steps have a thousand workers.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from agentspec.api.errors import AgentspecError, Exit, LimitReached, RunDiverged, StepCrashed, StepTimeout
from agentspec.api.events import (
    BlockCalled,
    Event,
    Failure,
    Meta,
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
from agentspec.nodes.services import Ask, CallBlock, Waiting
from agentspec.plan.model import Plan, Rule
from agentspec.runtime.questions import Questions, silence
from agentspec.runtime.recalls import Recalls
from agentspec.runtime.recording import Recording
from agentspec.runtime.replay import Past

Execute = Callable[[StartStep, CallBlock], Awaitable[tuple[Json, Meta]]]
Observe = Callable[[Event], None]

_STEPS_PER_TURN = 200
"""How many steps a worker runs before it lets the event loop look at timers and signals."""

_PATIENCE_S = (0.5, 0.1, 0.1, 0.1, 0.1, 0.1)
"""How long a cancelled step may tidy up, and how long after each time that it is cancelled again."""


class Driver:
    """Drives one run of a plan.

    Args:
        execute: runs a step.
        observe: hears of everything that happens.
        recording: is given each event before the kernel takes it in; the same events make the same state.
        ask: asks a person, where one is there; without it the run pauses.
        now: seconds since 1970, for questions that stay open over a restart.
    """

    def __init__(
        self,
        plan: Plan,
        execute: Execute,
        observe: Observe | None = None,
        recording: Recording | None = None,
        ask: Ask | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.state = new_state(plan)
        self._plan = plan
        self._execute = execute
        self._observe = observe
        self.paused = False
        self._recording = recording
        self._now = now
        self._ready: deque[StartStep] = deque()
        self._dropped: dict[str, int] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._busy: dict[str, asyncio.Task[Any]] = {}
        self._unwanted: set[asyncio.Task[Any]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._calls: dict[tuple[str, int], asyncio.Future[ReturnCall]] = {}
        self._recalls: dict[str, Recalls] = {}
        self._questions = Questions(ask, now, self._take_answer)
        self._called = False
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
                self._ready.append(command)
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
            self._add_worker()
            await self._done
        except asyncio.CancelledError:
            self.cancel("interrupted")
            raise
        finally:
            await self._stop()
        if self._crash is not None:
            raise self._crash
        return self.state.finished or RunFinished("paused", None)

    async def call(self, path: str, name: str, values: Mapping[str, Json]) -> ReturnCall:
        """Have the step at `path` call a block, and wait for what it comes to.

        A step that runs again after a restart gets what its earlier calls gave. Raises `RunDiverged` when it
        calls something else than it did then.
        """
        step = self.state.running[path]
        recalls = self._recalls.get(path)
        if recalls is None:
            recalls = self._recalls[path] = Recalls(path, step)
        number, recorded = recalls.count(), step.calls
        if number < len(recorded):
            call = recorded[number]
            now = values if self._recording is None else self._recording.as_recorded(values)
            if call.name != name or call.values != now:
                text = (
                    f"`{path}` called `{call.name}` as its call {number + 1}, and now calls `{name}` with other values"
                )
                raise RunDiverged(text, hint="start the run anew: its spec or a plugin has changed")
            await recalls.turn(number)
            if call.done:
                return ReturnCall(path, number, call.value, call.meta, call.failure)
        answer: asyncio.Future[ReturnCall] = asyncio.get_running_loop().create_future()
        self._calls[path, number] = answer
        if number == len(recorded):
            self._feed(BlockCalled(path, number, name, values))
            if self._ready and not self._called:
                self._add_worker()
        try:
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
                    self._set_timer(command, command.wait_s)
                else:
                    self._ready.append(command)
            elif isinstance(command, Announce):
                self._tell(command.event)
            elif isinstance(command, CancelStep):
                self._cancel_step(command.path)
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
            if not self._called:
                self._add_worker()
        elif is_stalled(self.state):
            self._pause()

    def _end(self, crash: Exception | None) -> None:
        self._crash = self._crash or crash
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _add_worker(self) -> None:
        self._called = False
        if self._ready:
            self._workers.add(asyncio.get_running_loop().create_task(self._work()))

    async def _work(self) -> None:
        """Run ready steps until there are none."""
        me = asyncio.current_task()
        assert me is not None
        try:
            await self._run_ready(me)
        except Exception as error:  # a defect, which `run` raises
            self._end(error)
        finally:
            self._workers.discard(me)
            self._unwanted.discard(me)

    async def _run_ready(self, me: asyncio.Task[Any]) -> None:
        ready, busy, dropped, observe, execute = self._ready, self._busy, self._dropped, self._observe, self._execute
        count = 0
        while ready:
            command = ready.popleft()
            path, node = command.path, command.node
            if dropped and self._was_dropped(path):
                continue
            if ready and not self._called:
                self._called = True
                asyncio.get_running_loop().call_soon(self._add_worker)
            busy[path] = me
            if observe is not None:
                observe(StepStarted(path, node.id, node.kind, command.attempt))
            event: StepSucceeded | StepFailed | StepPaused
            self._recalls.pop(path, None)
            try:
                value, meta = await (
                    execute(command, self.call) if node.timeout_s is None else self._within(command, node.timeout_s)
                )
                event = StepSucceeded(path, value, meta)
            except Waiting as waiting:
                event = StepPaused(path, command.attempt, waiting.question, waiting.asked)
            except AgentspecError as error:
                event = StepFailed(path, command.attempt, Failure.of(path, error))
            except asyncio.CancelledError as error:
                if me.cancelling() and me not in self._unwanted:
                    raise
                inside = StepCrashed(f"`{path}` was cancelled from inside: {error!r}")
                event = StepFailed(path, command.attempt, Failure.of(path, inside))
            if me in self._unwanted:  # cancelled by the kernel: nobody waits for the answer
                self._unwanted.discard(me)
                me.uncancel()
                continue
            del busy[path]
            self._feed(event)
            count += 1
            if count % _STEPS_PER_TURN == 0:
                await asyncio.sleep(0)

    async def _within(self, command: StartStep, timeout_s: float) -> tuple[Json, Meta]:
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                answer = await self._execute(command, self.call)
        except TimeoutError:
            if not deadline.expired():
                raise
        else:
            if not deadline.expired():
                return answer
        raise _too_late(command.path, timeout_s)

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
            failure = Failure.of(path, _too_late(path, command.timeout_s))
            self._from_timer(StepFailed(path, attempt, failure), self._feed)
        elif isinstance(command.node.work, Rule):  # observers hear of it when it opens, which is now
            self._from_timer(StepStarted(path, command.node.id, "controller", attempt), self._apply)
        else:
            self._ready.append(command)
        if not self._called:
            self._add_worker()

    def _from_timer(self, event: Any, take: Callable[[Any], None]) -> None:
        """Take in an event that no worker brings; nobody else would see what goes wrong."""
        try:
            take(event)
        except Exception as error:
            self._end(error)

    def _cancel_step(self, path: str) -> None:
        if self._stop_timer(path):
            return
        worker = self._busy.pop(path, None)
        if worker is not None:
            self._unwanted.add(worker)
            worker.cancel()
        else:
            self._dropped[path] = self._dropped.get(path, 0) + 1

    def _was_dropped(self, path: str) -> bool:
        """Tell whether this ready step was cancelled. The same step may stand further back, started anew."""
        times = self._dropped.pop(path, 0)
        if times > 1:
            self._dropped[path] = times - 1
        return times > 0

    async def _stop(self) -> None:
        """Cancel what is left and wait for it, so that no task outlives the run."""
        for timer in self._timers.values():
            timer.cancel()
        left = [task for task in (*self._workers, *self._questions.tasks) if not task.done()]
        for worker in set(left) - self._unwanted:
            worker.cancel()
        for patience_s in _PATIENCE_S:
            if not left:
                return
            left = list((await asyncio.wait(left, timeout=patience_s))[1])
            for worker in left:
                worker.cancel()


def _too_late(path: str, timeout_s: float) -> StepTimeout:
    return StepTimeout(f"`{path}` took longer than its timeout of {timeout_s:g} s", hint="raise `timeout:`")
