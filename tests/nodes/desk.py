"""A desk to run agents on: a toolset, a backend that plays given replies, and specs of a few lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from pydantic import BaseModel, ConfigDict

from agentspec.api import (
    BackendFactory,
    Capabilities,
    Children,
    ControllerFactory,
    Message,
    Options,
    Reply,
    Request,
    ToolCall,
    ToolError,
    Toolset,
    Usage,
)
from agentspec.api.events import Event
from agentspec.kernel.invariants import broken_invariants
from agentspec.plan import Plan, compile_spec
from agentspec.registry import Registry
from agentspec.runtime import Outcome, RunOptions
from agentspec.runtime.session import Run
from agentspec.spec.parse import parse_text


class Slot(BaseModel):
    model_config = ConfigDict(extra="forbid")

    day: int
    hour: int


class Played:
    """A backend that takes tools natively and gives the replies that a test laid out, the last one again and again."""

    def __init__(self, replies: Sequence[Reply], *, native: bool = True) -> None:
        self.capabilities = Capabilities("native", tools=native)
        self.requests: list[Request] = []
        self._replies = replies

    async def generate(self, request: Request) -> Reply:
        self.requests.append(request)
        return self._replies[min(len(self.requests), len(self._replies)) - 1]

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        yield await self.generate(request)

    async def close(self) -> None:
        pass


class Desk:
    """A catalogue: the toolset `desk`, whatever is registered, and `played/model` where a test has replies."""

    def __init__(self, replies: Sequence[Reply] = (), *, native: bool = True) -> None:
        self.played = Played(replies, native=native)
        self.calls: list[str] = []
        self.stopped: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.controllers: dict[str, ControllerFactory] = {}
        self._registry = Registry()
        self.desk = self._tools()

    def backend(self, use: str) -> BackendFactory:
        if use.startswith("played"):
            return BackendFactory("played", lambda binding: self.played, Options)
        return self._registry.backend(use)

    def toolset(self, use: str) -> Toolset:
        return self.desk

    def controller(self, use: str) -> ControllerFactory:
        return self.controllers[use]

    def _tools(self) -> Toolset:
        desk = Toolset("desk")

        @desk.tool(effect="read")
        async def look(day: int) -> str:
            """Look a day up."""
            self.calls.append(f"look {day}")
            return f"day {day} is free"

        @desk.tool(effect="read")
        async def slots(day: int, count: int = 2) -> list[Slot]:
            """List free hours."""
            self.calls.append(f"slots {day} {count}")
            return [Slot(day=day, hour=9 + at) for at in range(count)]

        @desk.tool(effect="write")
        async def book(hour: int, title: str = "meeting") -> str:
            """Book an hour."""
            self.calls.append(f"book {hour} {title}")
            return f"{title} at {hour}"

        @desk.tool(effect="read")
        async def refuse() -> str:
            """Fail."""
            self.calls.append("refuse")
            raise ToolError("the drawer is\x1b[31m locked")

        @desk.tool(effect="read")
        async def huge() -> str:
            """Give very much."""
            return "x" * 100_000

        @desk.tool(effect="read")
        async def wait(gate: str) -> str:
            """Wait until the test opens the gate."""
            self.calls.append(gate)
            try:
                await self.gates.setdefault(gate, asyncio.Event()).wait()
            except asyncio.CancelledError:
                self.stopped.append(gate)
                raise
            return gate

        return desk


def call(tool: str, number: str = "", /, **arguments: Any) -> ToolCall:
    return ToolCall(number, tool, arguments)


def calls(*made: ToolCall, text: str = "") -> Reply:
    return Reply(text, made, Usage(10, 5, 0, 0.0), "tool_calls")


def says(value: Any) -> Reply:
    return Reply(value if isinstance(value, str) else json.dumps(value), usage=Usage(10, 5, 0, 0.0))


def compiled(text: str, desk: Desk, folder: Path | None = None) -> Plan:
    """Compile a spec; its first lines, a model and the tools `desk` are there already."""
    text = dedent(text)
    head = "agentspec: 1\nname: test\nallow_unreviewed: desk.book\n"
    for key, value in (("models:", "models: {m: played/model}\n"), ("tools:", "tools: {desk: desk}\n")):
        head += "" if f"\n{key}" in "\n" + text else value
    return compile_spec(parse_text(head + text, folder=folder or Path()), desk)


class Watched:
    """One run, with every event that it had. The kernel's invariants are looked at after each of them."""

    def __init__(self, plan: Plan, desk: Desk, **options: Any) -> None:
        self.events: list[Event] = []
        outputs = Path("/nonexistent")
        self.run = Run(plan, desk, RunOptions(outputs=outputs, observers=[self._observe], **options))

    def _observe(self, event: Event) -> None:
        driver = self.run._driver
        if driver is not None and driver.state.root is not None and not driver.state.commands:
            assert broken_invariants(driver.state) == []
        self.events.append(event)


def outcome_of(text: str, desk: Desk, inputs: dict[str, Any] | None = None, folder: Path | None = None) -> Outcome:
    """Compile and run, and see that nothing is left behind."""
    plan = compiled(text, desk, folder)

    async def run() -> Outcome:
        outcome = await Watched(plan, desk).run.execute(inputs or {})
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert left == set(), f"tasks outlived the run: {left}"
        return outcome

    return asyncio.run(run())


def told(request: Request) -> list[Message]:
    """The results of tools in a conversation."""
    return [message for message in request.messages if message.role == "tool"]


__all__ = ["Children", "Desk", "Played", "Watched", "call", "calls", "compiled", "outcome_of", "says", "told"]
