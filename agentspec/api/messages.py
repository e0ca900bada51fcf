"""What goes to a language model and what comes back, in the same words for every backend."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool_calls"]
Enforced = Literal["constrained", "native", "none"]
Json = Any
"""Plain JSON data: None, bool, int, float, str, list, dict with string keys."""
Schema = Mapping[str, Any]
"""A JSON Schema, draft 2020-12."""


def as_text(value: Json) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def strings_in(value: Json) -> Iterator[str]:
    """Every string inside a value; the keys of objects are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from strings_in(item)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for. `arguments` are as the model gave them: not yet validated."""

    id: str
    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. `tool_call_id` is set when `role` is `tool`."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A tool as it is offered to a model."""

    name: str
    description: str
    parameters: Schema


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a language model.

    Attributes:
        messages: the conversation, oldest first.
        output: schema that the answer must fit; None for free text.
        tools: tools that the model may ask for.
        temperature, max_tokens, stop, seed: generation settings; None leaves the model's own.
        logprobs: whether log-probabilities are wanted where the backend has them.
        key: idempotency key, the same across attempts of one step.
        texts: what quotes are taken from, by the word that stands under `x-quote` in `output`. Only backends that
            hold answers to a grammar get them; every quote is checked when it comes.
    """

    messages: tuple[Message, ...]
    output: Schema | None = None
    tools: tuple[ToolOffer, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: bool = True
    key: str = ""
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A piece of the answer's text and the natural logarithm of its probability (at most 0)."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money of one call. None means unknown, never zero."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered.

    Attributes:
        text: the answer as text, JSON where `Request.output` was set.
        tool_calls: the calls that the model asks for; empty for an answer.
        usage: tokens and cost.
        finish: why the model stopped; `length` means that the answer is cut.
        enforced: how the backend held the answer to the schema.
        logprobs: per token of `text`, in order, joined they give `text`; None where there are none.
        model: the model that answered, as the provider names it.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish: Finish = "stop"
    enforced: Enforced = "none"
    logprobs: tuple[TokenLogprob, ...] | None = None
    model: str = ""
