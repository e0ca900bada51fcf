"""The open questions of a run: asked where a person is there, and watched until their time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from agentspec.api.errors import AgentspecError, StepCrashed, StepTimeout
from agentspec.api.events import Failure, Meta, StepFailed, StepSucceeded
from agentspec.kernel.state import Paused
from agentspec.nodes.approve import check_choice, choice_of_silence
from agentspec.nodes.services import Ask

Answer = StepSucceeded | StepFailed


class Questions:
    """Puts questions, each in a task of its own.

    Args:
        ask: asks a person; None where nobody is there, then only the time of the questions is watched.
        now: seconds since 1970.
        take: is given the answer to a question; None when the person does not answer now.

    Attributes:
        tasks: those that are going on.
    """

    def __init__(self, ask: Ask | None, now: Callable[[], float], take: Callable[[Answer | None], None]) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self._ask = ask
        self._now = now
        self._take = take
        self._open: dict[str, tuple[Paused, asyncio.Task[None]]] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    @property
    def asking(self) -> bool:
        """Whether a person is being asked."""
        return self._ask is not None and bool(self._open)

    def put(self, path: str, paused: Paused) -> None:
        """Ask the person who is there, or at least watch the question's time."""
        if self._ask is not None or paused.question.timeout_s is not None:
            task = asyncio.get_running_loop().create_task(self._have_answered(path, paused))
            self._open[path] = (paused, task)
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def keep(self, waiting: Mapping[str, Paused]) -> None:
        """Stop asking all that nobody waits for any more."""
        for path, (paused, task) in list(self._open.items()):
            if waiting.get(path) is not paused:
                del self._open[path]
                task.cancel()

    async def _have_answered(self, path: str, paused: Paused) -> None:
        attempt = paused.step.attempt
        event: Answer | None = None
        try:
            choice = await self._answer(path, paused)
            if choice is not None:
                check_choice(path, paused.question, choice)
                event = StepSucceeded(path, choice, Meta(attempts=attempt, seconds=self._now() - paused.asked))
        except AgentspecError as error:
            event = StepFailed(path, attempt, Failure.of(path, error))
        except Exception as error:  # a defect of whoever asks
            event = StepFailed(path, attempt, Failure.of(path, StepCrashed(f"asking `{path}` failed: {error!r}")))
        known = self._open.get(path)
        if known is not None and known[0] is paused:
            del self._open[path]
            self._take(event)

    async def _answer(self, path: str, paused: Paused) -> str | None:
        """The person's choice, or what holds when the time is up; None when nobody answers now."""
        question, left_s = paused.question, None
        if question.timeout_s is not None:
            left_s = max(paused.asked + question.timeout_s - self._now(), 0.0)
        try:
            async with asyncio.timeout(left_s) as deadline:
                if self._ask is not None:
                    return await self._ask(path, question)
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            if not deadline.expired():
                raise
        return choice_of_silence(path, question)


def silence(path: str, paused: Paused) -> Answer:
    """What comes of a question whose time is over."""
    attempt, question = paused.step.attempt, paused.question
    try:
        meta = Meta(attempts=attempt, seconds=question.timeout_s or 0.0)
        return StepSucceeded(path, choice_of_silence(path, question), meta)
    except StepTimeout as error:
        return StepFailed(path, attempt, Failure.of(path, error))
