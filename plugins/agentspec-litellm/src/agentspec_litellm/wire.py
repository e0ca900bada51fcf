"""Our words to OpenAI's, which litellm takes for every provider, and back."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentspec.api import Message, Reply, Request, TokenLogprob, ToolCall, Usage
from agentspec_litellm.schema import ResponseFormat

_NAME = re.compile(r"[^a-zA-Z0-9_-]")
"""What providers do not allow in the name of a tool; ours have dots, as in `mail.search`."""


class Withheld(ValueError):
    """The provider answers that it will not answer."""


class ToolNames:
    """Names of tools as providers take them, and the way back."""

    def __init__(self, request: Request) -> None:
        self._outward: dict[str, str] = {}
        called = [call.name for message in request.messages for call in message.tool_calls]
        for name in [*(tool.name for tool in request.tools), *called]:
            self._add(name)
        self._inward = {outward: name for name, outward in self._outward.items()}

    def _add(self, name: str) -> None:
        if name in self._outward:
            return
        base = outward = _NAME.sub("_", name)
        count = 2
        while outward in self._outward.values():
            outward = f"{base}_{count}"
            count += 1
        self._outward[name] = outward

    def outward(self, name: str) -> str:
        """Return the name for the provider."""
        return self._outward[name]

    def inward(self, name: str) -> str:
        """Return our name; a name that the model made up stays as it is."""
        return self._inward.get(name, name)


def messages(turns: Sequence[Message], names: ToolNames) -> list[dict[str, Any]]:
    """Return the conversation."""
    return [_message(turn, names) for turn in turns]


def _message(turn: Message, names: ToolNames) -> dict[str, Any]:
    # A lone surrogate cannot be sent as UTF-8.
    text = turn.content.encode(errors="replace").decode()
    if turn.role == "tool":
        return {"role": "tool", "tool_call_id": turn.tool_call_id or "", "content": text}
    if not turn.tool_calls:
        return {"role": turn.role, "content": text}
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": names.outward(call.name), "arguments": _arguments(call.arguments)},
        }
        for call in turn.tool_calls
    ]
    return {"role": turn.role, "content": text or None, "tool_calls": calls}


def _arguments(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def tools(request: Request, names: ToolNames) -> list[dict[str, Any]]:
    """Return the tools on offer."""
    return [
        {
            "type": "function",
            "function": {
                "name": names.outward(tool.name),
                "description": tool.description,
                "parameters": dict(tool.parameters),
            },
        }
        for tool in request.tools
    ]


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Answer:
    """The reply as it grows, from one response or from the chunks of a stream."""

    names: ToolNames
    texts: list[str] = field(default_factory=list)
    calls: dict[int, _Call] = field(default_factory=dict)
    tokens: list[Any] = field(default_factory=list)
    finish: str = ""
    usage: Any = None
    model: str = ""

    def add(self, part: Any) -> str:
        """Take in a response or a chunk; return the text in it. Raises `Withheld`."""
        self.model = getattr(part, "model", None) or self.model
        self.usage = getattr(part, "usage", None) or self.usage
        if not part.choices:
            return ""
        choice = part.choices[0]
        said = getattr(choice, "delta", None) or choice.message
        self.finish = choice.finish_reason or self.finish
        if self.finish == "content_filter":
            raise Withheld("the content filter stopped the answer")
        refusal = getattr(said, "refusal", None) or (getattr(said, "provider_specific_fields", None) or {}).get(
            "refusal"
        )
        if refusal:
            raise Withheld(str(refusal))
        for place, call in enumerate(said.tool_calls or ()):
            self._call(getattr(call, "index", None) or (place if part.object == "chat.completion" else 0), call)
        self.tokens.extend(getattr(getattr(choice, "logprobs", None), "content", None) or ())
        text = said.content or ""
        if text:
            self.texts.append(text)
        return str(text)

    def _call(self, index: int, delta: Any) -> None:
        call = self.calls.setdefault(index, _Call())
        call.id = delta.id or call.id
        call.name += delta.function.name or ""
        call.arguments += delta.function.arguments or ""

    def reply(self, format_: ResponseFormat | None, usd: float | None) -> Reply:
        """Return what the parts amount to; `usd` are the costs."""
        whole = "".join(self.texts)
        text = format_.unwrap(whole) if format_ else whole
        calls = tuple(self._tool_call(place, call) for place, call in sorted(self.calls.items()))
        return Reply(
            text=text,
            tool_calls=calls,
            usage=_usage(self.usage, usd),
            finish="length" if self.finish == "length" else "tool_calls" if calls else "stop",
            enforced="native" if format_ else "none",
            logprobs=_logprobs(self.tokens, text),
            model=self.model,
        )

    def _tool_call(self, place: int, call: _Call) -> ToolCall:
        try:
            arguments = json.loads(call.arguments or "{}")
        except (ValueError, RecursionError):
            # As the model gave them: whoever runs the tool checks and answers.
            arguments = call.arguments
        return ToolCall(call.id or f"call_{place}", self.names.inward(call.name), arguments)


def _usage(usage: Any, usd: float | None) -> Usage:
    if usage is None:
        return Usage()
    details = getattr(usage, "prompt_tokens_details", None)
    cached = getattr(details, "cached_tokens", None)
    return Usage(_count(usage.prompt_tokens), _count(usage.completion_tokens), _count(cached), usd)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _logprobs(tokens: Sequence[Any], text: str) -> tuple[TokenLogprob, ...] | None:
    """Return the tokens with their texts if these join to `text`; a character may span tokens."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    found: list[TokenLogprob] = []
    for token in tokens:
        piece = _field(token, "token")
        octets = _field(token, "bytes")
        value = _field(token, "logprob")
        if not isinstance(value, int | float) or math.isnan(value):
            return None
        part = decoder.decode(bytes(octets)) if isinstance(octets, list) else piece
        found.append(TokenLogprob(part or "", min(float(value), 0.0)))
    whole = bool(found) and "".join(token.text for token in found) == text
    return tuple(found) if whole else None


def _field(token: Any, name: str) -> Any:
    return token.get(name) if isinstance(token, Mapping) else getattr(token, name, None)
