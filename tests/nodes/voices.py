"""Models that answer what a test wants, when it wants, and keep what they were asked."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from agentspec.api import BackendFactory, Capabilities, ModelBinding, Options, Reply, Request, TokenLogprob, Toolset
from agentspec.api.controller import ControllerFactory
from agentspec.api.events import Event
from agentspec.api.messages import Usage
from agentspec.plan import Plan, compile_spec
from agentspec.registry import Registry
from agentspec.runtime import Outcome, RunOptions
from agentspec.runtime.session import Run
from agentspec.spec.parse import parse_text

Speak = Callable[[Request], Awaitable[Any]]


class AnyOptions(Options):
    tone: str = ""
    file: str = ""


class Voice:
    """One model. Its answers come from a function, or from a list, the last one again and again."""

    def __init__(self, choir: Choir, name: str) -> None:
        self.capabilities = Capabilities(logprobs=True)
        self._choir = choir
        self._name = name

    async def generate(self, request: Request) -> Reply:
        self._choir.asked.append((self._name, request))
        voice = self._choir.voices[self._name]
        if callable(voice):
            said = await voice(request)
        else:
            said = voice[min(self._choir.count(self._name), len(voice)) - 1]
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Reply) else sure(said, None)

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        reply = await self.generate(request)
        yield reply.text
        yield reply

    async def close(self) -> None:
        self._choir.closed.append(self._name)


class Choir:
    """A catalogue whose backend `say` has the voices of a test."""

    def __init__(self, **voices: list[Any] | Speak) -> None:
        self.voices: Mapping[str, list[Any] | Speak] = voices
        self.asked: list[tuple[str, Request]] = []
        self.closed: list[str] = []
        self.options: list[Any] = []
        self.toolsets: dict[str, Toolset] = {}
        self.release = "1"
        self._registry = Registry()

    def count(self, name: str) -> int:
        return sum(one == name for one, _ in self.asked)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.asked]

    def backend(self, use: str) -> BackendFactory:
        def create(binding: ModelBinding) -> Voice:
            self.options.append(binding.options)
            return Voice(self, binding.model)

        return BackendFactory("say", create, AnyOptions) if use == "say" else self._registry.backend(use)

    def toolset(self, use: str) -> Toolset:
        return self.toolsets[use]

    def version(self, use: str) -> str:
        return self.release

    def controller(self, use: str) -> ControllerFactory:
        return self._registry.controller(use)


def sure(value: Any, confidence: float | None, usd: float | None = 0.0) -> Reply:
    """An answer with a confidence; each costs 10 tokens in and 5 out."""
    text = value if isinstance(value, str) else json.dumps(value)
    logprobs = None if confidence is None else (TokenLogprob(text, math.log(confidence)),)
    return Reply(text, usage=Usage(10, 5, 0, usd), logprobs=logprobs)


def compiled(text: str, choir: Choir, folder: Path | None = None) -> Plan:
    head = "agentspec: 1\nname: test\n"
    return compile_spec(parse_text(head + dedent(text), folder=folder or Path()), choir)


class Heard:
    """A run, with every event that it had."""

    def __init__(self, plan: Plan, choir: Choir, **options: Any) -> None:
        self.events: list[Event] = []
        outputs = Path("/nonexistent")
        self.run = Run(plan, choir, RunOptions(outputs=outputs, observers=[self.events.append], **options))

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def sung(
    text: str, choir: Choir, inputs: dict[str, Any] | None = None, folder: Path | None = None, **options: Any
) -> tuple[Outcome, Heard]:
    """Compile and run, and see that no task is left behind."""
    heard = Heard(compiled(text, choir, folder), choir, **options)

    async def run() -> Outcome:
        outcome = await heard.run.execute(inputs or {})
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert left == set(), f"tasks outlived the run: {left}"
        return outcome

    return asyncio.run(run()), heard
