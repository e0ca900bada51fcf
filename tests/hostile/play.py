"""A hostile backend in this process, and many runs against it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

from agentspec.api import (
    BackendFactory,
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    Capabilities,
    ContextOverflow,
    RateLimited,
    Reply,
    Request,
    TokenLogprob,
    ToolCall,
    Usage,
)

from .answers import Said, said
from .desk import SAY, SORT, TALK, Judge, World, compiled, one_run

_FAILURES = {
    "rate limit": RateLimited("later"),
    "rate limit, told when": RateLimited("later", retry_after_s=0.001),
    "unavailable": BackendUnavailable("nobody there"),
    "timeout": BackendTimeout("too slow"),
    "refused": BackendRefused("no"),
    "overflow": ContextOverflow("5 of 4"),
    "defect": KeyError("a defect of the plugin"),
}


@dataclass
class Played:
    """What happened: answers by kind, ends of runs by code, and what the judge found wrong."""

    answers: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    judge: Judge = field(default_factory=Judge)
    seconds: float = 0.0
    slowest: float = 0.0
    tasks_left: int = 0


class Hostile:
    """One model. It says what the script says, whatever it is asked."""

    def __init__(self, rng: Random, played: Played, *, tools: bool, structured: bool) -> None:
        self.capabilities = Capabilities("native" if structured else "none", tools=tools, logprobs=True)
        self.crashed = False
        self._rng = rng
        self._played = played

    async def generate(self, request: Request) -> Reply:
        answer = said(self._rng, tools=self.capabilities.tools)
        self._played.answers[answer.kind] += 1
        if answer.seconds:
            await asyncio.sleep(answer.seconds)
        if answer.raises:
            self.crashed = self.crashed or answer.raises == "defect"
            raise _FAILURES[answer.raises]
        return _reply(answer, self._rng)

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        reply = await self.generate(request)
        middle = len(reply.text) // 2
        yield reply.text[:middle]
        yield reply.text[middle:]
        yield reply

    async def close(self) -> None:
        pass


def _reply(answer: Said, rng: Random) -> Reply:
    logprobs = rng.choice(
        [None, (), (TokenLogprob(answer.text, -0.1),), (TokenLogprob("x", -1e9), TokenLogprob("", 0.0))]
    )
    usage = rng.choice([Usage(), Usage(1, 1, 0, 0.0), Usage(10**12, 0, None, None)])
    calls = tuple(ToolCall(call.id, call.name, _parsed(call.arguments)) for call in answer.calls)
    return Reply(answer.text, calls, usage, answer.finish, "none", logprobs, "hostile")  # type: ignore[arg-type]


def _parsed(text: str) -> object:
    """As the plugins do: JSON where it is some, else the text."""
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return text


def play(count: int, seed: int) -> Played:
    """Run agents until `count` answers were given."""
    played, rng = Played(), Random(seed)
    asyncio.run(_play(count, rng, played))
    return played


async def _play(count: int, rng: Random, played: Played) -> None:
    opened: list[Hostile] = []
    ways = [
        (SAY, False, False),
        (SORT, False, False),
        (SORT, False, True),
        (TALK, True, True),
        (TALK, False, False),
        (TALK, False, True),
    ]
    plans = []
    for text, tools, structured in ways:

        def create(binding: object, tools: bool = tools, structured: bool = structured) -> Hostile:
            opened.append(Hostile(rng, played, tools=tools, structured=structured))
            return opened[-1]

        world = World(played.judge, BackendFactory("hostile", create))
        plans.append((compiled(text, world, "hostile/m"), world))
    started = time.monotonic()
    while sum(played.answers.values()) < count:
        opened.clear()
        plan, world = rng.choice(plans)
        began = time.monotonic()
        outcome = await one_run(
            plan,
            world,
            played.judge,
            stream=rng.random() < 0.3,
            crashes=lambda: any(model.crashed for model in opened),
        )
        played.slowest = max(played.slowest, time.monotonic() - began)
        played.ends[outcome.failure.code if outcome.failure else "ok"] += 1
    await asyncio.sleep(0)
    played.tasks_left = len(asyncio.all_tasks()) - 1
    played.seconds = time.monotonic() - started
