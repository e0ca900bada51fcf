"""What `pocket` costs above llama.cpp itself: the same prompts, grammar and settings, turn about in one run.

    python benchmarks/pocket.py [MODEL] [--calls N] [--no-logprobs]

MODEL is a shipped name or a path (default `triage`). The raw side calls `xllamacpp.Server` directly, without
streaming, with bodies encoded beforehand, and parses what comes back: the least that anybody can do. Medians
per call; the verdict is about wall time and about CPU time of the whole process, each at most 10 % above raw.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from agentspec_pocket import wire
from agentspec_pocket.backend import open_backend
from agentspec_pocket.loaded import start_server
from agentspec_pocket.options import PocketOptions
from agentspec_pocket.pool import Pool

from agentspec.api import Message, ModelBinding, Reply, Request

LIMIT = 1.10
SCHEMA = {
    "type": "object",
    "properties": {
        "category": {"enum": ["urgent", "meeting", "newsletter", "other"]},
        "reply_needed": {"type": "boolean"},
        "due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    },
    "required": ["category", "reply_needed", "due"],
    "additionalProperties": False,
}
MAILS = (
    (
        "Ann Lee",
        "2026-03-06",
        "Quarterly report",
        "Could you send me the report by Friday? The board meets on Monday.",
    ),
    ("Shop", "none", "Spring sale", "Everything is 20 % off this week. Unsubscribe at any time."),
    ("Bo Chen", "2026-03-09", "Coffee?", "Shall we meet on Monday at ten to talk about the plan?"),
    ("Ops", "none", "Server down", "The main server does not answer since 7:40, please look at it at once."),
    ("Mia", "none", "Photos", "Here are the pictures of the trip. No need to answer, just enjoy them."),
)


@dataclass(slots=True)
class Times:
    """Seconds of each call, and the tokens of all."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    tokens: int = 0

    def add(self, wall_s: float, cpu_s: float, tokens: int) -> None:
        self.wall_s.append(wall_s)
        self.cpu_s.append(cpu_s)
        self.tokens += tokens

    def line(self, name: str) -> str:
        wall, cpu = statistics.median(self.wall_s), statistics.median(self.cpu_s)
        speed = self.tokens / sum(self.wall_s)
        return f"{name:<8} wall {wall * 1e3:7.2f} ms   cpu {cpu * 1e3:7.2f} ms   {speed:7.0f} tokens/s"


def requests(*, logprobs: bool) -> list[Request]:
    texts = [
        f"Sort this e-mail.\nFrom: {sender}\nBulk: no\nDates: {dates}\nSubject: {subject}\n\n{body}"
        for sender, dates, subject, body in MAILS
    ]
    return [Request((Message("user", text),), output=SCHEMA, max_tokens=80, logprobs=logprobs) for text in texts]


def raw_body(request: Request, options: PocketOptions) -> bytes:
    """Return the same call without streaming."""
    return wire.encode(request, options, in_pieces=False, thinks=False)


async def timed(times: Times, call: Callable[[], Awaitable[tuple[str, int]]]) -> str:
    cpu, wall = time.process_time(), time.perf_counter()
    text, tokens = await call()
    times.add(time.perf_counter() - wall, time.process_time() - cpu, tokens)
    return text


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="triage")
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--no-logprobs", dest="logprobs", action="store_false")
    given = parser.parse_args()
    options = PocketOptions()
    backend = open_backend(ModelBinding(given.model, options, Path.cwd()), Pool())
    server = start_server(backend.load)
    asked = requests(logprobs=given.logprobs)
    bodies = [raw_body(request, options) for request in asked]
    raw_times, our_times = Times(), Times()

    async def raw(body: bytes) -> tuple[str, int]:
        kept: list[bytes] = []
        server.handle_chat_completions(body, kept.append)
        reply: dict[str, Any] = json.loads(kept[0])
        return reply["choices"][0]["message"]["content"], reply["usage"]["completion_tokens"]

    async def ours(request: Request) -> tuple[str, int]:
        reply: Reply = await backend.generate(request)
        return reply.text, reply.usage.tokens_out or 0

    for number in range(given.calls + 10):
        if number == 10:  # both are warm
            raw_times, our_times = Times(), Times()
        request, body = asked[number % len(asked)], bodies[number % len(asked)]
        sides = [(raw_times, partial(raw, body)), (our_times, partial(ours, request))]
        first, second = [await timed(*side) for side in (sides if number % 2 else sides[::-1])]
        if first != second:
            print(f"the two sides disagree: {first} and {second}")
            return 1
    await backend.close()
    print(f"{given.model}: {given.calls} calls a side, {our_times.tokens / given.calls:.0f} tokens an answer")
    print(raw_times.line("raw"))
    print(our_times.line("pocket"))
    wall = statistics.median(our_times.wall_s) / statistics.median(raw_times.wall_s)
    cpu = statistics.median(our_times.cpu_s) / statistics.median(raw_times.cpu_s)
    passed = max(wall, cpu) <= LIMIT
    print(f"ratio    wall {wall:.3f}   cpu {cpu:.3f}   {'PASS' if passed else 'FAIL'}: overhead at most 10 %")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
