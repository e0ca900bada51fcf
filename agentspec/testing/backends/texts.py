"""Rules of texts: whatever is said goes in and comes out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from agentspec.api.errors import AgentspecError, ContextOverflow
from agentspec.api.messages import Message, Request
from agentspec.testing.backends.rule import rule
from agentspec.testing.backends.subject import TIGHT, Subject, say

ODD = 'é 東京 🙂 \u202bעברית\u202c "quoted" \\ back \u2028 \u0085 e\u0301'
_LONG_CHARACTERS = 20_000


@rule("B22", "texts beyond ASCII go in and come out as they are")
async def unicode(subject: Subject) -> AsyncIterator[str]:
    """B22."""
    async with subject.opened() as backend:
        reply = await subject.ask(backend, say(f"Say this: {ODD}"))
        if "\ufffd" in reply.text and reply.finish == "stop":
            yield f"an answer holds broken characters: {reply.text[:60]!r}"
        if backend.capabilities.structured == "none":
            return
        schema = {
            "type": "object",
            "properties": {"said": {"enum": [ODD]}},
            "required": ["said"],
            "additionalProperties": False,
        }
        reply = await subject.ask(backend, say("Say it.", output=schema, max_tokens=400))
        if reply.finish != "stop" or reply.enforced == "none":
            return
        try:
            said = json.loads(reply.text)["said"]
        except (ValueError, KeyError, TypeError):
            said = reply.text
        if said != ODD:
            yield f"of {ODD!r} came back {said!r}"


@rule("B23", "an empty prompt, a system message and earlier turns are answered")
async def conversations(subject: Subject) -> AsyncIterator[str]:
    """B23."""
    turns = {
        "an empty prompt": (Message("user", ""),),
        "a system message": (Message("system", "Be brief."), Message("user", TIGHT)),
        "earlier turns": (
            Message("system", "Be brief."),
            Message("user", TIGHT),
            Message("assistant", "Paris."),
            Message("user", "And of Spain?"),
        ),
    }
    async with subject.opened() as backend:
        for what, messages in turns.items():
            request = Request(messages, temperature=0.0, seed=7, max_tokens=60)
            try:
                reply = await backend.generate(request)
            except AgentspecError as error:
                yield f"{what} raised {type(error).__name__}: {error.message}"
                continue
            if not isinstance(reply.text, str):
                yield f"{what} gave the text {reply.text!r}"


@rule("B24", "a very long text is answered or raises `ContextOverflow`")
async def very_long(subject: Subject) -> AsyncIterator[str]:
    """B24."""
    text = ("Ünïcødé 東京🙂 " * _LONG_CHARACTERS)[:_LONG_CHARACTERS]
    async with subject.opened() as backend:
        try:
            await backend.generate(say(text, max_tokens=5))
        except ContextOverflow:
            return
        except AgentspecError as error:
            yield f"{len(text):,} characters raised {type(error).__name__}: {error.message[:200]}"
