"""Workers that run steps.

Steps run in workers rather than in a task of their own: a worker takes one ready step after the other, and
another worker is added when a step really waits while others are ready. So a run of steps that answer at once
costs no task switch, and a thousand waiting steps have a thousand workers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from agentspec.api.errors import AgentspecError, StepCrashed, StepTimeout
from agentspec.api.events import Failure, Meta, Observer, StepFailed, StepPaused, StepStarted, StepSucceeded
from agentspec.api.messages import Json
from agentspec.kernel import StartStep
from agentspec.nodes.services import Waiting

Answer = StepSucceeded | StepFailed | StepPaused

_STEPS_PER_TURN = 200
"""How many steps a worker runs before it lets the event loop look at timers and signals."""

_PATIENCE_S = (0.5, 0.1, 0.1, 0.1, 0.1, 0.1)
"""How long a cancelled step may tidy up, and how long after each time that it is cancelled again."""


class Workers:
    """Runs steps in the order in which they are put in.

    Args:
        run: runs a step. Raises `AgentspecError`, and `Waiting` for a person.
        answered: is given what came of a step, unless it was cancelled.
        crashed: is given an error of our own.
        observe: hears of each step that begins.
    """

    def __init__(
        self,
        run: Callable[[StartStep], Awaitable[tuple[Json, Meta]]],
        answered: Callable[[Answer], None],
        crashed: Callable[[Exception], None],
        observe: Observer | None,
    ) -> None:
        self._run = run
        self._answered = answered
        self._crashed = crashed
        self._observe = observe
        self._ready: deque[StartStep] = deque()
        self._dropped: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: dict[str, asyncio.Task[Any]] = {}
        self._unwanted: set[asyncio.Task[Any]] = set()
        self._called = False

    def put(self, command: StartStep) -> None:
        """Have a step run. It does once a worker is free, or `wake` has been called."""
        self._ready.append(command)

    def wake(self) -> None:
        """See to it that somebody takes what is ready; for callers that are no workers themselves."""
        if not self._called:
            self._add()

    def cancel(self, path: str) -> None:
        """Stop a step that runs, or leave out one that is ready; no answer comes."""
        worker = self._busy.pop(path, None)
        if worker is not None:
            self._unwanted.add(worker)
            worker.cancel()
        else:
            self._dropped[path] = self._dropped.get(path, 0) + 1

    async def stop(self, others: Iterable[asyncio.Task[Any]]) -> None:
        """Cancel what is left, and `others`, and wait for it, so that no task outlives the run."""
        left = [task for task in (*self._tasks, *others) if not task.done()]
        for worker in set(left) - self._unwanted:
            worker.cancel()
        for patience_s in _PATIENCE_S:
            if not left:
                return
            left = list((await asyncio.wait(left, timeout=patience_s))[1])
            for worker in left:
                worker.cancel()

    def _add(self) -> None:
        self._called = False
        if self._ready:
            self._tasks.add(asyncio.get_running_loop().create_task(self._work()))

    async def _work(self) -> None:
        """Run ready steps until there are none."""
        me = asyncio.current_task()
        assert me is not None
        try:
            await self._run_ready(me)
        except Exception as error:  # a defect, which the run raises
            self._crashed(error)
        finally:
            self._tasks.discard(me)
            self._unwanted.discard(me)

    async def _run_ready(self, me: asyncio.Task[Any]) -> None:
        ready, busy, dropped, observe, run = self._ready, self._busy, self._dropped, self._observe, self._run
        count = 0
        while ready:
            command = ready.popleft()
            path, node = command.path, command.node
            if dropped and self._was_dropped(path):
                continue
            if ready and not self._called:
                self._called = True
                asyncio.get_running_loop().call_soon(self._add)
            busy[path] = me
            if observe is not None:
                observe(StepStarted(path, node.id, node.kind, command.attempt))
            event: Answer
            try:
                value, meta = await (run(command) if node.timeout_s is None else self._within(command, node.timeout_s))
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
            self._answered(event)
            count += 1
            if count % _STEPS_PER_TURN == 0:
                await asyncio.sleep(0)

    async def _within(self, command: StartStep, timeout_s: float) -> tuple[Json, Meta]:
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                answer = await self._run(command)
        except TimeoutError:
            if not deadline.expired():
                raise
        else:
            if not deadline.expired():
                return answer
        raise too_late(command.path, timeout_s)

    def _was_dropped(self, path: str) -> bool:
        """Tell whether this ready step was cancelled. The same step may stand further back, started anew."""
        times = self._dropped.pop(path, 0)
        if times > 1:
            self._dropped[path] = times - 1
        return times > 0


def too_late(path: str, timeout_s: float) -> StepTimeout:
    """The error of a step whose `timeout` is over."""
    return StepTimeout(f"`{path}` took longer than its timeout of {timeout_s:g} s", hint="raise `timeout:`")
