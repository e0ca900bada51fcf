"""A plugin that goes wrong in every way that the error codes know. Found like any other: by its dist-info."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from agentspec.api import (
    AgentspecError,
    BackendError,
    BackendFactory,
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    Capabilities,
    Children,
    ContextOverflow,
    ModelBroken,
    ModelMissing,
    Options,
    RateLimited,
    Reply,
    Request,
    ToolContext,
    ToolError,
    Toolset,
    Usage,
    hookimpl,
)


class OddOptions(Options):
    timeout_s: float = 1.0


odd = Toolset("odd", "Tools that fail.", options=OddOptions)


@odd.tool(effect="read")
def refuse() -> str:
    raise ToolError("the drawer is locked", hint="unlock it")


@odd.tool(effect="read")
def crash(key: str = "temperature") -> str:
    return str({}[key])


@odd.tool(effect="read")
def lie() -> int:
    return "many"  # type: ignore[return-value]


@odd.tool(effect="read")
def peek(path: str, context: ToolContext) -> str:
    return context.readable(path).read_text(encoding="utf-8")


@odd.tool(effect="write")
def note(name: str, context: ToolContext) -> str:
    context.writable(name).write_text("was here", encoding="utf-8")
    return name


@odd.tool(effect="read")
async def sleep(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


@odd.tool(effect="read")
def nameless() -> str:
    raise AgentspecError("it did not work out")


@odd.tool(effect="read")
def count(number: int) -> int:
    return number


@odd.controller()
async def wander(children: Children) -> str:
    return str(await children.call("somewhere"))


FAILURES: dict[str, AgentspecError] = {
    "plain": BackendError("the answer got lost"),
    "silent": BackendUnavailable("nobody answers at http://127.0.0.1:1"),
    "gone": ModelMissing("there is no model `gone`"),
    "torn": ModelBroken("`torn.gguf` is cut off"),
    "narrow": ContextOverflow("the prompt has 9 tokens, but the context holds 8"),
    "busy": RateLimited("too many calls"),
    "slow": BackendTimeout("no answer for 1 s"),
    "strict": BackendRefused("the key is wrong"),
}


class OddBackend:
    def __init__(self, model: str) -> None:
        self._model = model
        self.capabilities = Capabilities(remote=model == "far")

    async def generate(self, request: Request) -> Reply:
        if self._model in FAILURES:
            raise FAILURES[self._model]
        if self._model == "crash":
            raise KeyError("temperature")
        return Reply(text="fine", usage=Usage(1, 1, 0, 0.0))

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        yield await self.generate(request)

    async def close(self) -> None:
        pass


@hookimpl
def agentspec_register_tools() -> list[Toolset]:
    return [odd]


@hookimpl
def agentspec_register_backends() -> list[BackendFactory]:
    return [
        BackendFactory(
            "odd", lambda binding: OddBackend(binding.model), OddOptions, "models that fail", ("far", *FAILURES)
        )
    ]
