"""Rules of declared capabilities: what a backend says that it can do, it does."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from agentspec.api.backend import Backend
from agentspec.api.errors import AgentspecError, BackendError, BackendRefused, ContextOverflow
from agentspec.api.messages import Message, Reply, Request, Schema, ToolOffer
from agentspec.api.validate import problems_of
from agentspec.testing.backends.rule import rule
from agentspec.testing.backends.subject import TIGHT, Subject, say

_MOST_WORDS = 4_000_000
_TRIES = 3


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        "words and a boolean": _object(kind={"enum": ["urgent", "other"]}, reply={"type": "boolean"}),
        "nested objects": _object(place=_object(country={"enum": ["France", "Spain"]}, known={"type": "boolean"})),
        "a list of words": _object(days={"type": "array", "items": {"enum": ["monday", "friday"]}, "maxItems": 3}),
        "a word or null": _object(mood={"anyOf": [{"enum": ["good", "bad"]}, {"type": "null"}]}),
        "words beyond ASCII": _object(place={"enum": ["Zürich", "東京"]}),
        "a word by itself": {"enum": ["yes", "no"]},
        "a boolean by itself": {"type": "boolean"},
    }
)
"""Schemas whose every value is short, so that a model of any size answers them to the end."""

DAY = ToolOffer(
    "calendar_free",
    "Tells which hours of a day are free.",
    _object(day={"enum": ["monday", "friday"]}),
)
WHEN = "Which hours are free on monday? Do not answer from memory: call the tool calendar_free with day monday."


@rule("B09", "with `structured` other than none, every whole answer is JSON that its schema admits")
async def structured(subject: Subject) -> AsyncIterator[str]:
    """B09."""
    async with subject.opened() as backend:
        await subject.ask(backend, say(TIGHT))
        if backend.capabilities.structured == "none":
            return
        for what, schema in SCHEMAS.items():
            reply = await subject.ask(backend, say(f"Pick any value: {what}.", output=schema))
            if reply.finish != "length" and reply.enforced != "none":
                wrong = _misfit(reply.text, schema)
                if wrong:
                    yield f"{what}: {wrong}"


def _misfit(text: str, schema: Schema) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return f"{text[:60]!r} is no JSON"
    return "; ".join(problems_of(value, schema)[:1])


@rule("B10", "`enforced` of a reply is what `structured` declares, and `none` where no schema was given")
async def enforced(subject: Subject) -> AsyncIterator[str]:
    """B10."""
    async with subject.opened() as backend:
        plain = await subject.ask(backend, say(TIGHT))
        if plain.enforced != "none":
            yield f"a reply in free text says `{plain.enforced}`"
        reply = await subject.ask(backend, say(TIGHT, output=SCHEMAS["words and a boolean"]))
        declared = backend.capabilities.structured
        if reply.enforced != declared:
            yield f"a reply says `{reply.enforced}`, `capabilities.structured` says `{declared}`"


@rule("B11", "with `tools`, a model that is told to call the only tool calls it; without, no call comes")
async def tools(subject: Subject) -> AsyncIterator[str]:
    """B11; a model gets several tries."""
    async with subject.opened() as backend:
        await subject.ask(backend, say(TIGHT))
        able = backend.capabilities.tools
        for attempt in range(_TRIES if able else 1):
            try:
                reply = await backend.generate(say(WHEN, tools=(DAY,), seed=attempt))
            except BackendRefused as error:
                if able:
                    yield f"the offer of a tool is refused: {error.message}"
                return
            except BackendError as error:
                yield f"the offer of a tool broke the call: {error.message}"
                return
            if reply.tool_calls and not able:
                yield f"`{reply.tool_calls[0].name}` was called, and `capabilities.tools` is false"
            if reply.tool_calls:
                return
        if able:
            yield f"no call came in {_TRIES} tries; the last answer was {reply.text[:60]!r}"


@rule("B12", "log-probabilities are at most 0 and join to the text; with `logprobs` they come when wanted")
async def logprobs(subject: Subject) -> AsyncIterator[str]:
    """B12."""
    async with subject.opened() as backend:
        for request in (say(TIGHT), say(TIGHT, output=SCHEMAS["words beyond ASCII"])):
            reply = await subject.ask(backend, request)
            found = reply.logprobs
            if found is None:
                if backend.capabilities.logprobs and reply.text:
                    yield "there are none"
                continue
            joined = "".join(token.text for token in found)
            if joined != reply.text:
                yield f"they join to {joined[:60]!r}, the text is {reply.text[:60]!r}"
            high = [token.logprob for token in found if not token.logprob <= 0]
            if high:
                yield f"one is {high[0]}"


@rule("B13", "a prompt longer than `context_tokens` raises `ContextOverflow` with both numbers")
async def overflow(subject: Subject) -> AsyncIterator[str]:
    """B13."""
    async with subject.opened() as backend:
        await subject.ask(backend, say(TIGHT))
        holds = backend.capabilities.context_tokens
        if holds is None or not 0 < 2 * holds <= _MOST_WORDS:
            return
        error = await _met(backend, say("word " * (2 * holds)))
        if not isinstance(error, ContextOverflow):
            met = "an answer" if error is None else f"{type(error).__name__} ({error})"
            yield f"a prompt of {2 * holds} words gave {met}, the context holds {holds} tokens"
            return
        numbers = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", error.message)}
        if holds not in numbers or not any(number > holds for number in numbers):
            yield f"`{error.message}` does not say how long the prompt is, and that {holds} is the most"


@rule("B14", "with `tools`, a conversation with a call and its result goes on")
async def tool_conversation(subject: Subject) -> AsyncIterator[str]:
    """B14: the call is one that the model made, so that its id and arguments come back as they were."""
    async with subject.opened() as backend:
        asked = say(WHEN, tools=(DAY,))
        try:
            first = await backend.generate(asked)
        except BackendError:
            return
        if not backend.capabilities.tools or not first.tool_calls:
            return
        for place, call in enumerate(first.tool_calls):
            if call.name != DAY.name:
                yield f"the model called `{call.name}`, on offer was `{DAY.name}`"
            if not call.id or call.id in {other.id for other in first.tool_calls[:place]}:
                yield f"a call has the id {call.id!r}, which is empty or that of another"
            if not isinstance(call.arguments, dict):
                yield f"the arguments are {call.arguments!r}, and no object"
        last = await subject.ask(backend, _with_results(asked, first))
        if not last.text and not last.tool_calls:
            yield "after the result of its call the model said nothing"


def _with_results(asked: Request, first: Reply) -> Request:
    results = [Message("tool", "Free on monday: 9 to 11.", tool_call_id=call.id) for call in first.tool_calls]
    turns = (*asked.messages, Message("assistant", first.text, first.tool_calls), *results)
    return replace(asked, messages=turns)


async def _met(backend: Backend, request: Request) -> AgentspecError | None:
    try:
        await backend.generate(request)
    except AgentspecError as error:
        return error
    return None
