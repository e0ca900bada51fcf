"""Rules of replies: what stands in one, and how settings shape it."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import AsyncIterator

from agentspec.api.messages import Reply, Usage
from agentspec.testing.backends.abilities import DAY, SCHEMAS, WHEN
from agentspec.testing.backends.rule import rule
from agentspec.testing.backends.subject import LONG, TIGHT, CallBroke, Subject, say

_LONGEST_TOKEN = 100
_FEW = 3


@rule("B15", "usage is None where it is unknown, and else a number that can be true")
async def usage(subject: Subject) -> AsyncIterator[str]:
    """B15."""
    async with subject.opened() as backend:
        for request in (say(TIGHT), say(TIGHT, output=SCHEMAS["words and a boolean"])):
            reply = await subject.ask(backend, request)
            for problem in _impossible(reply.usage, reply.text):
                yield problem


def _impossible(usage: Usage, text: str) -> list[str]:
    counts = {name: getattr(usage, name) for name in ("tokens_in", "tokens_out", "tokens_cached")}
    wrong = [
        f"`{name}` is {count!r}"
        for name, count in counts.items()
        if count is not None and not (type(count) is int and count >= 0)
    ]
    if wrong:
        return wrong
    if usage.tokens_in == 0:
        wrong.append("`tokens_in` is 0 for a prompt with words; unknown is None")
    if usage.tokens_out == 0 and text:
        wrong.append("`tokens_out` is 0 for an answer with words; unknown is None")
    if (usage.tokens_cached or 0) > (usage.tokens_in if usage.tokens_in is not None else math.inf):
        wrong.append(f"`tokens_cached` is {usage.tokens_cached}, of {usage.tokens_in} in all")
    usd = usage.usd
    if usd is not None and not (isinstance(usd, int | float) and math.isfinite(usd) and usd >= 0):
        wrong.append(f"`usd` is {usd!r}")
    return wrong


@rule("B16", "`finish` is `tool_calls` with calls, else `stop` or `length`; the model's name is told")
async def finish(subject: Subject) -> AsyncIterator[str]:
    """B16."""
    async with subject.opened() as backend:
        requests = [say(TIGHT), say(TIGHT, output=SCHEMAS["words and a boolean"]), say(WHEN, tools=(DAY,))]
        for request in requests:
            try:
                reply = await subject.ask(backend, request)
            except CallBroke:
                if request.tools:  # B11 says what is wrong with that, if anything is
                    continue
                raise
            fitting = ("tool_calls", "length") if reply.tool_calls else ("stop", "length")
            if reply.finish not in fitting:
                yield f"`finish` is {reply.finish!r} with {len(reply.tool_calls)} calls"
            if not isinstance(reply.model, str) or not reply.model:
                yield f"`model` is {reply.model!r}"


@rule("B17", "`max_tokens` is respected, and an answer that it cuts says `length`")
async def max_tokens(subject: Subject) -> AsyncIterator[str]:
    """B17."""
    async with subject.opened() as backend:
        whole = await subject.ask(backend, say(LONG))
        cut = await subject.ask(backend, say(LONG, max_tokens=_FEW))
        told = cut.usage.tokens_out
        if told is not None and told > _FEW:
            yield f"with `max_tokens` {_FEW}, {told} came"
        elif len(cut.text) > _FEW * _LONGEST_TOKEN:
            yield f"with `max_tokens` {_FEW}, {len(cut.text)} characters came"
        shorter = len(cut.text) < len(whole.text) and whole.text.startswith(cut.text)
        if subject.repeats(backend) and shorter and cut.finish != "length":
            yield f"an answer was cut after {len(cut.text)} of {len(whole.text)} characters and says `{cut.finish}`"


@rule("B18", "`stop` is respected: no answer holds a stop text")
async def stop(subject: Subject) -> AsyncIterator[str]:
    """B18: the stop text is taken from the middle of an answer."""
    async with subject.opened() as backend:
        whole = (await subject.ask(backend, say(LONG))).text
        middle = len(whole) // 2
        word = whole[middle : middle + 4].strip()
        if not word:
            return
        reply = await subject.ask(backend, say(LONG, stop=(word,)))
        if word in reply.text:
            yield f"with `stop` {word!r} came {_around(reply.text, word)!r}"


def _around(text: str, word: str) -> str:
    place = text.index(word)
    return text[max(0, place - 15) : place + len(word) + 15]


@rule("B19", "the same request with the same seed gives the same answer")
async def seed(subject: Subject) -> AsyncIterator[str]:
    """B19, for local models and where it is claimed."""
    async with subject.opened() as backend:
        request = say(LONG, temperature=1.0, seed=11)
        texts = [(await subject.ask(backend, request)).text for _ in range(3)]
        if subject.repeats(backend) and len(set(texts)) > 1:
            first, other = texts[0], next(text for text in texts if text != texts[0])
            yield f"{first[:60]!r} and {other[:60]!r}"


@rule("B20", "a request is not changed: its schema, tools and messages belong to the caller")
async def unchanged(subject: Subject) -> AsyncIterator[str]:
    """B20."""
    async with subject.opened() as backend:
        for request in (say(TIGHT, output=SCHEMAS["nested objects"]), say(WHEN, tools=(DAY,))):
            before = copy.deepcopy(request)
            with contextlib.suppress(CallBroke):
                await subject.ask(backend, request)
            if request != before:
                what = "the schema" if request.output != before.output else "the request"
                yield f"{what} was changed during the call"


@rule("B21", "the pieces of a stream join to the text of its reply, which comes last and once")
async def stream(subject: Subject) -> AsyncIterator[str]:
    """B21."""
    async with subject.opened() as backend:
        schemas = (None, SCHEMAS["words beyond ASCII"], SCHEMAS["a word by itself"])
        for request in (say(LONG, output=schema) for schema in schemas):
            heard = await subject.listen(backend, request)
            replies = [piece for piece in heard if isinstance(piece, Reply)]
            if len(replies) != 1 or not isinstance(heard[-1], Reply):
                last = type(heard[-1]).__name__ if heard else "nothing"
                yield f"{len(replies)} replies came, and last {last}"
                continue
            pieces = heard[:-1]
            if not all(isinstance(piece, str) for piece in pieces):
                yield "a piece is no text"
                continue
            joined = "".join(pieces)
            if joined != replies[0].text:
                yield f"the pieces join to {joined[-60:]!r}, the reply ends {replies[0].text[-60:]!r}"
