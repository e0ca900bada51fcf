"""Small agents for tests: a spec as text, tools from a catalogue of our own, steps that tests can hold back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

from agentspec.api import BackendFactory, BackendUnavailable, RateLimited, ToolError, Toolset
from agentspec.api.events import Meta
from agentspec.kernel import StartStep
from agentspec.plan import Plan, compile_spec
from agentspec.registry import Registry
from agentspec.runtime import Outcome, RunOptions, arun
from agentspec.spec.parse import parse_text

META = Meta()
FOREVER = 3600


class Workshop:
    """A catalogue with one toolset, `work`, whose tools wait, fail and count as a test wants."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.finished: list[str] = []
        self.cancelled: list[str] = []
        self.times: list[float] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.failures_left = 0
        self._registry = Registry()
        self._tools = self._make()

    def backend(self, use: str) -> BackendFactory:
        return self._registry.backend(use)

    def toolset(self, use: str) -> Toolset:
        return self._tools

    def gate(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    def _make(self) -> Toolset:
        work = Toolset("work")

        @work.tool(effect="read")
        async def say(text: Any) -> Any:
            """Give the text back."""
            self.calls.append(str(text))
            return text

        @work.tool(effect="read")
        async def wait(gate: str) -> str:
            """Wait until the test opens the gate."""
            self.calls.append(gate)
            try:
                await self.gate(gate).wait()
            except asyncio.CancelledError:
                self.cancelled.append(gate)
                raise
            self.finished.append(gate)
            return gate

        @work.tool(effect="read")
        async def nap(seconds: float) -> float:
            """Sleep."""
            await asyncio.sleep(seconds)
            return seconds

        @work.tool(effect="read")
        async def stubborn(times: int) -> str:
            """Ignore being cancelled that many times."""
            self.calls.append("stubborn")
            for _ in range(times):
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    self.cancelled.append("stubborn")
            await asyncio.sleep(3600)
            return "never"

        @work.tool(effect="read")
        async def flaky(kind: str) -> str:
            """Fail while there are failures left."""
            self.times.append(time.monotonic())
            if self.failures_left:
                self.failures_left -= 1
                raise {"unavailable": BackendUnavailable, "rate_limit": RateLimited}.get(kind, ToolError)("not now")
            return "done"

        @work.tool(effect="read")
        async def crash() -> str:
            """Have a defect."""
            return str(1 // 0)

        return work


def compiled(text: str, shop: Workshop | None = None) -> Plan:
    """Compile a spec; its first lines, a model and the tools `work` are there already."""
    head = "agentspec: 1\nname: test\n"
    for key, value in (("models:", "models: {m: fake/echo}\n"), ("tools:", "tools: {work: work}\n")):
        head += "" if f"\n{key}" in "\n" + dedent(text) else value
    return compile_spec(parse_text(head + dedent(text)), shop or Workshop())


def side_by_side(count: int) -> Plan:
    """That many nodes, `n0` and so on, that do not wait for each other."""
    nodes = "".join(f"  n{index}: {{lm: m, prompt: hello}}\n" for index in range(count))
    return compiled(f"nodes:\n{nodes}result: '${{{{ n{count - 1} }}}}'")


def chain(count: int) -> Plan:
    """That many nodes, each waiting for the one before."""
    one = side_by_side(1)
    node = one.block.nodes[0]
    nodes = tuple(
        replace(node, index=index, id=f"n{index}", successors=(index + 1,) if index + 1 < count else ())
        for index in range(count)
    )
    return replace(one, block=replace(one.block, nodes=nodes, waits=(0, *[1] * (count - 1))))


async def ran(text: str, shop: Workshop | None = None, **options: Any) -> Outcome:
    """Compile and run."""
    shop = shop or Workshop()
    return await arun(compiled(text, shop), shop, {}, RunOptions(outputs=Path("/nonexistent"), **options))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is about to happen."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def sleeps(command: StartStep, call: object) -> tuple[Any, Meta]:
    """The step that never answers."""
    await asyncio.sleep(FOREVER)
    raise AssertionError("nobody sleeps that long")


async def nothing(command: StartStep, call: object) -> tuple[Any, Meta]:
    """The step that does nothing."""
    return None, META


def alone(work: Callable[[], Awaitable[None]]) -> None:
    """Run a test, and see that it leaves no task behind."""

    async def run() -> None:
        await work()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert left == set(), f"tasks outlived the run: {left}"

    asyncio.run(run())
