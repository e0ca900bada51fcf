"""Controllers in Python: a coroutine that calls the nodes of its block."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from agentspec.api.errors import CallRefused
from agentspec.api.events import Meta
from agentspec.api.messages import Json
from agentspec.api.validate import plain
from agentspec.kernel.commands import StartStep
from agentspec.nodes.agency import value_of
from agentspec.nodes.services import CallBlock, Services
from agentspec.plan.work import FreeWork
from agentspec.spec.diagnostics import did_you_mean, suggest


class BoundChildren:
    """The `Children` of one step."""

    def __init__(self, path: str, work: FreeWork, call: CallBlock) -> None:
        self._path = path
        self._work = work
        self._call = call
        self._made = 0
        self._ended = False
        self._waiting: set[asyncio.Task[Any] | None] = set()

    @property
    def names(self) -> Sequence[str]:
        """The ids of the nodes, in the order of the file."""
        return tuple(self._work.blocks)

    async def call(self, name: str, /, **args: Json) -> Json:
        """Run a node. Raises `CallRefused`, `CallFailed`."""
        if name not in self._work.blocks:
            close = suggest(name, self._work.blocks)
            known = did_you_mean(close, f"it has {', '.join(self._work.blocks) or 'none'}")
            raise CallRefused(f"`{self._path}` has no node `{name}`", hint=known)
        most = self._work.max_calls
        if most is not None and self._made == most:
            raise CallRefused(f"`{self._path}` made its {most} calls", hint="raise `max_calls:`")
        if self._ended:
            raise CallRefused(f"`{self._path}` has ended, and calls `{name}`", hint="await every call before returning")
        values = {"args": plain(args, f"what `{name}` is called with")}
        self._made += 1
        task = asyncio.current_task()
        self._waiting.add(task)
        try:
            return value_of(await self._call(self._path, name, values))
        finally:
            self._waiting.discard(task)

    def end(self) -> None:
        """The coroutine has ended: tasks that it left behind get no answer any more."""
        self._ended = True
        for task in self._waiting:
            if task is not None:
                task.cancel()


async def run_free(command: StartStep, work: FreeWork, call: CallBlock, services: Services) -> tuple[Json, Meta]:
    """Run the coroutine. Raises what it raises."""
    started = services.clock()
    children = BoundChildren(command.path, work, call)
    key = f"{services.run}/{command.path}"
    context = services.tools.context(work.toolset, key, command.lookup, children)
    try:
        value = await work.call(work.arguments(command.lookup), context)
    finally:
        children.end()
    return value, Meta(attempts=command.attempt, seconds=services.clock() - started)
