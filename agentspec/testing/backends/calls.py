"""Rules of calls: how they end, what they leave behind, and how they behave beside each other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from agentspec.api.backend import Backend
from agentspec.api.errors import AgentspecError, BackendError
from agentspec.api.messages import Message, Reply, Request, ToolOffer
from agentspec.testing.backends.rule import rule
from agentspec.testing.backends.subject import LONG, TIGHT, Subject, say
from agentspec.testing.backends.watching import held, printed

PROMPT_S = 2.0
"""How soon a call has to end that is cancelled."""

BLOCKED_S = 1.0
"""For how long a call may keep other tasks from going on, once the backend is warm."""

_ROUND = 8
_BEFORE_CANCEL_S = (0.0, 0.005, 0.02, 0.05)


@rule("B25", "a call that is cancelled ends at once and leaves nothing behind")
async def cancelled_call(subject: Subject) -> AsyncIterator[str]:
    """B25."""
    async with subject.opened() as backend:
        async for problem in _cancelled(subject, backend, lambda: backend.generate(say(LONG, max_tokens=None))):
            yield problem


@rule("B26", "a stream that is cancelled, or left early, ends at once and leaves nothing behind")
async def cancelled_stream(subject: Subject) -> AsyncIterator[str]:
    """B26."""

    async def listen() -> None:
        async for _ in backend.stream(say(LONG, max_tokens=None)):
            pass

    async def leave() -> None:
        pieces: Any = backend.stream(say(LONG, max_tokens=None))
        async for _ in pieces:
            break
        await pieces.aclose()

    async with subject.opened() as backend:
        async for problem in _cancelled(subject, backend, listen):
            yield problem
        async for problem in _cancelled(subject, backend, leave):
            yield problem


async def _cancelled(subject: Subject, backend: Backend, call: Callable[[], Awaitable[Any]]) -> AsyncIterator[str]:
    """Cancel calls after a longer and longer while. What the second round leaves beyond the first is a leak."""
    await subject.ask(backend, say(TIGHT))
    before = None
    for _ in range(2):
        for count in range(_ROUND):
            task = asyncio.ensure_future(call())
            await asyncio.wait({task}, timeout=_BEFORE_CANCEL_S[count % len(_BEFORE_CANCEL_S)])
            task.cancel()
            started = time.monotonic()
            _, pending = await asyncio.wait({task}, timeout=PROMPT_S)
            if pending:
                yield f"it went on for more than {PROMPT_S:g} s"
                return
            if not task.cancelled() and isinstance(task.exception(), AgentspecError):
                yield f"it ended in {type(task.exception()).__name__} after {time.monotonic() - started:.1f} s"
                return
            if not task.cancelled() and task.exception() is not None:
                raise task.exception() or AssertionError
        now = await held(before, _ROUND // 2)
        if before is not None:
            for more in now.beyond(before, _ROUND // 2):
                yield f"after {_ROUND} calls that were cancelled there are {more}"
        before = now
    reply = await subject.ask(backend, say(TIGHT))
    if not isinstance(reply, Reply):
        yield "afterwards the backend does not answer any more"


@rule("B27", "calls at the same time get their own answers")
async def concurrent(subject: Subject) -> AsyncIterator[str]:
    """B27: each answer is told by a schema that admits nothing else, or by the answer to the same call alone."""
    async with subject.opened() as backend:
        await subject.ask(backend, say(TIGHT))
        places = range(_ROUND)
        read: Callable[[str], str] = str
        if backend.capabilities.structured != "none":
            requests = [say(f"Say {place}.", output=_only(f"answer {place}")) for place in places]
            wanted = [f"answer {place}" for place in places]
            read = _said
        elif subject.repeats(backend):
            requests = [say(f"This is call {place}. {'word ' * place}", max_tokens=20) for place in places]
            wanted = [(await subject.ask(backend, request)).text for request in requests]
        else:
            return
        replies = await asyncio.gather(*(_either(subject, backend, one, at) for at, one in enumerate(requests)))
        for place, reply in enumerate(replies):
            if reply is not None and reply.finish != "length" and read(reply.text) != wanted[place]:
                yield f"call {place} of {_ROUND} got {reply.text[:60]!r}, alone it gets {wanted[place][:60]!r}"


async def _either(subject: Subject, backend: Backend, request: Request, place: int) -> Reply | None:
    """Every other call is a stream."""
    if place % 2 == 0:
        return await subject.ask(backend, request)
    heard = await subject.listen(backend, request)
    return next((piece for piece in heard if isinstance(piece, Reply)), None)


def _only(word: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"said": {"enum": [word]}},
        "required": ["said"],
        "additionalProperties": False,
    }


def _said(text: str) -> str:
    try:
        return str(json.loads(text)["said"])
    except (ValueError, KeyError, TypeError):
        return text


@rule("B28", "other tasks go on while the model answers")
async def not_blocking(subject: Subject) -> AsyncIterator[str]:
    """B28."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    async with subject.opened() as backend:
        await subject.ask(backend, say(TIGHT))
        ticking = asyncio.ensure_future(tick())
        await asyncio.sleep(0.02)
        try:
            await subject.ask(backend, say(LONG))
            await asyncio.sleep(0.02)
        finally:
            ticking.cancel()
    if longest > BLOCKED_S:
        yield f"they stood still for {longest:.1f} s"


@rule("B29", "`close` may be called twice; a call after it raises `BackendError`")
async def closed(subject: Subject) -> AsyncIterator[str]:
    """B29."""
    backend = subject.create()
    await subject.ask(backend, say(TIGHT))
    await backend.close()
    try:
        await backend.close()
    except Exception as error:
        yield f"the second `close` raised {type(error).__name__}: {error}"
    for what, call in (("generate", backend.generate(say(TIGHT))), ("stream", _drain(backend, say(TIGHT)))):
        try:
            await asyncio.wait_for(call, subject.patience_s)
        except BackendError:
            continue
        except Exception as error:
            yield f"`{what}` after `close` raised {type(error).__name__}: {error}"
        else:
            yield f"`{what}` after `close` answered"
    with contextlib.suppress(Exception):  # what answered may have opened something
        await backend.close()


@rule("B30", "`close` gives back tasks, threads and sockets")
async def given_back(subject: Subject) -> AsyncIterator[str]:
    """B30: the first time may load what stays."""

    async def use() -> None:
        async with subject.opened() as backend:
            await subject.ask(backend, say(TIGHT))
            await subject.listen(backend, say(TIGHT))

    await use()
    before = await held()
    for _ in range(_ROUND // 2):
        await use()
    now = await held(before, 1)
    for more in now.beyond(before, 1):
        yield f"after {_ROUND // 2} backends that were closed there are {more}"


@rule("B31", "exceptions of other libraries never leave a backend")
async def foreign(subject: Subject) -> AsyncIterator[str]:
    """B31, for requests that are unusual and not wrong. Other rules report what they meet as this one."""
    odd = {
        "a lone surrogate": say("half a \ud83d character", max_tokens=5),
        "no messages": Request((), max_tokens=5),
        "any value": say(TIGHT, output={}, max_tokens=20),
        "a schema with a pattern": say(TIGHT, output={"type": "string", "pattern": "^(a+)+$"}, max_tokens=20),
        "a schema that refers to itself": say(TIGHT, output=_RECURSIVE, max_tokens=20),
        "a tool without a description": say(TIGHT, tools=(ToolOffer("t", "", {"type": "object"}),), max_tokens=5),
        "a huge seed": say(TIGHT, seed=2**63, max_tokens=5),
        "a result of no call": Request((Message("tool", "x", tool_call_id="none"),), max_tokens=5),
    }
    async with subject.opened() as backend:
        for what, request in odd.items():
            for call in (backend.generate(request), _drain(backend, request)):
                try:
                    await asyncio.wait_for(call, subject.patience_s)
                except AgentspecError:
                    continue
                except TimeoutError:
                    yield f"{what}: no end within {subject.patience_s:g} s"
                except Exception as error:
                    yield f"{what}: {type(error).__name__}: {str(error)[:200]}"


_RECURSIVE = {
    "$ref": "#/$defs/Tree",
    "$defs": {"Tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"}}}},
}


@rule("B32", "nothing is printed")
async def silent(subject: Subject) -> AsyncIterator[str]:
    """B32."""
    with printed() as output:
        async with subject.opened() as backend:
            await subject.ask(backend, say(TIGHT))
            await subject.listen(backend, say(TIGHT))
    if output.text:
        yield f"it printed {output.text[:100]!r}"


async def _drain(backend: Backend, request: Request) -> None:
    async for _ in backend.stream(request):
        pass
