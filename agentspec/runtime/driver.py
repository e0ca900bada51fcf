"""The asyncio shell around the kernel: starts steps, waits for them, reports back.

Steps run in workers rather than in a task of their own: a worker takes one ready step after the other, and a
spare worker stands by for the moment when a step really waits. So a run of steps that answer at once costs no
task switch, and a thousand waiting steps have a thousand workers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from agentspec.api.errors import AgentspecError, Exit, LimitReached, StepTimeout
from agentspec.api.events import (
    Event,
    Failure,
    Meta,
    RunCancelled,
    RunFinished,
    RunStarted,
    StepFailed,
    StepStarted,
    StepSucceeded,
)
from agentspec.api.messages import Json
from agentspec.kernel import Announce, CancelStep, FinishRun, StartStep, advance, new_state
from agentspec.kernel.advance import Stimulus
from agentspec.plan.model import Plan

Execute = Callable[[StartStep], Awaitable[tuple[Json, Meta]]]
Observe = Callable[[Event], None]

_STEPS_PER_TURN = 200
"""How many steps a worker runs before it lets the event loop look at timers and signals."""


class Driver:
    """Drives one run of a plan."""

    def __init__(self, plan: Plan, execute: Execute, observe: Observe | None = None) -> None:
        self.state = new_state(plan)
        self._plan = plan
        self._execute = execute
        self._observe = observe
        self._ready: deque[StartStep] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._busy: dict[str, asyncio.Task[Any]] = {}
        self._unwanted: set[asyncio.Task[Any]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._spare = False
        self._done: asyncio.Event = asyncio.Event()
        self._crash: BaseException | None = None

    async def run(self, inputs: dict[str, Json]) -> RunFinished:
        """Run to the end. Cancelling the caller's task cancels the run and everything in it."""
        wall_s = self._plan.limits.wall
        loop = asyncio.get_running_loop()
        timer = None if wall_s is None else loop.call_later(wall_s, self._out_of_time, wall_s)
        try:
            self._feed(RunStarted(self._plan.name, inputs))
            if self._ready:
                self._call_spare()
            await self._done.wait()
        except asyncio.CancelledError:
            if self.state.finished is None:
                self.cancel("interrupted")
            raise
        finally:
            if timer is not None:
                timer.cancel()
            await self._stop()
        if self._crash is not None:
            raise self._crash
        assert self.state.finished is not None
        return self.state.finished

    def cancel(self, reason: str) -> None:
        """End the run now; steps in flight are cancelled."""
        if self.state.finished is None:
            self._feed(RunCancelled(Failure("", "AS600", reason, exit=Exit.INTERRUPTED)))

    def _out_of_time(self, wall_s: float) -> None:
        if self.state.finished is None:
            error = LimitReached(f"the limit `wall: {wall_s:g}s` is reached", hint="raise `limits: {wall: …}`")
            self._feed(RunCancelled(Failure.of("", error)))

    def _feed(self, event: Stimulus) -> None:
        if self._observe is not None:
            self._observe(event)
        for command in advance(self.state, event):
            kind = type(command)
            if kind is StartStep:
                if command.wait_s:
                    self._start_later(command)
                else:
                    self._ready.append(command)
            elif kind is CancelStep:
                self._cancel_step(command.path)
            elif kind is Announce:
                if self._observe is not None:
                    self._observe(command.event)
            elif kind is FinishRun:
                if self._observe is not None:
                    self._observe(command.event)
                self._ready.clear()
                self._done.set()

    def _call_spare(self) -> None:
        self._spare = True
        worker = asyncio.get_running_loop().create_task(self._work())
        self._workers.add(worker)
        worker.add_done_callback(self._worker_done)

    def _worker_done(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        self._unwanted.discard(worker)
        if not worker.cancelled() and worker.exception() is not None and self._crash is None:
            self._crash = worker.exception()
            self._done.set()

    async def _work(self) -> None:
        """Run ready steps until there are none."""
        self._spare = False
        ready, busy = self._ready, self._busy
        me = asyncio.current_task()
        assert me is not None
        count = 0
        while ready:
            command = ready.popleft()
            path = command.path
            if ready and not self._spare:
                self._call_spare()
            if self._observe is not None:
                self._observe(StepStarted(path, command.node.id, command.node.kind, command.attempt))
            busy[path] = me
            event: StepSucceeded | StepFailed
            try:
                if command.node.timeout_s is None:
                    value, meta = await self._execute(command)
                else:
                    value, meta = await self._within(command, command.node.timeout_s)
                event = StepSucceeded(path, value, meta)
            except AgentspecError as error:
                event = StepFailed(path, command.attempt, Failure.of(path, error))
            except asyncio.CancelledError:
                if me not in self._unwanted:
                    raise
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
                return await self._execute(command)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise StepTimeout(
                f"`{command.path}` took longer than its timeout of {timeout_s:g} s", hint="raise `timeout:`"
            ) from None

    def _start_later(self, command: StartStep) -> None:
        def start() -> None:
            del self._timers[command.path]
            self._ready.append(command)
            if not self._spare:
                self._call_spare()

        self._timers[command.path] = asyncio.get_running_loop().call_later(command.wait_s, start)

    def _cancel_step(self, path: str) -> None:
        timer = self._timers.pop(path, None)
        if timer is not None:
            timer.cancel()
        worker = self._busy.pop(path, None)
        if worker is not None:
            self._unwanted.add(worker)
            worker.cancel()
        else:
            remaining = [command for command in self._ready if command.path != path]
            self._ready.clear()
            self._ready.extend(remaining)

    async def _stop(self) -> None:
        """Cancel what is left and wait for it, so that no task outlives the run."""
        for timer in self._timers.values():
            timer.cancel()
        left = [worker for worker in self._workers if worker is not asyncio.current_task()]
        for worker in left:
            if worker not in self._unwanted:
                worker.cancel()
        if left:
            await asyncio.wait(left, timeout=1.0)
