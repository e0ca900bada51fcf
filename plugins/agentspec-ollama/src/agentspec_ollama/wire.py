"""Our words to Ollama's and back, as in https://github.com/ollama/ollama/blob/main/docs/api.md ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentspec.api import Message, Reply, Request, TokenLogprob, ToolCall, Usage
from agentspec_ollama.options import OllamaOptions

_ENDLESS = 1e9
_REFUSES_SINCE = (0, 13)
"""`truncate` and `shift` came with 0.12.6."""


class ProtocolBroken(ValueError):
    """What came is not what Ollama's API sends."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says about a model and itself.

    Attributes:
        maximum: the longest context that the model was trained for.
        tools: whether its template knows tools.
        cloud: whether the server passes calls on to ollama.com.
        refuses: whether the server knows `truncate: false`.
    """

    maximum: int | None
    tools: bool
    cloud: bool
    refuses: bool


def facts(shown: Mapping[str, Any], version: str) -> Facts:
    """Read `/api/show` and `/api/version`. Raises `ProtocolBroken`."""
    info = _mapping(shown.get("model_info") or {})
    lengths = [value for key, value in info.items() if key.endswith(".context_length")]
    maximum = next((length for length in lengths if type(length) is int and length > 0), None)
    able = shown.get("capabilities")
    # Servers before 0.6.4 do not list capabilities: then the model gets the benefit of the doubt.
    tools = "tools" in able if isinstance(able, list) else True
    number = re.match(r"(\d+)\.(\d+)\.", version)
    # Builds from source say 0.0.0.
    old = number is not None and (0, 0) < (int(number[1]), int(number[2])) < _REFUSES_SINCE
    return Facts(maximum, tools, bool(shown.get("remote_host")), not old)


def chat_body(model: str, request: Request, options: OllamaOptions, num_ctx: int | None) -> dict[str, Any]:
    """Return the JSON of `POST /api/chat`; what is not set is left out."""
    settings = {
        "num_ctx": num_ctx,
        "num_predict": request.max_tokens or options.max_tokens,
        "temperature": options.temperature if request.temperature is None else request.temperature,
        "seed": options.seed if request.seed is None else request.seed,
        "stop": list(request.stop or options.stop) or None,
    }
    body: dict[str, Any] = {
        "model": model,
        "messages": _messages(request.messages),
        "stream": True,
        # Refuse, never cut: the prompt at the start, and its oldest half while the answer grows.
        "truncate": False,
        "shift": False,
        "options": {key: value for key, value in settings.items() if value is not None},
    }
    if request.tools:
        body["tools"] = [_tool(tool.name, tool.description, tool.parameters) for tool in request.tools]
    elif request.output is not None:
        body["format"] = dict(request.output)
    if request.logprobs:
        body["logprobs"] = True
    if options.think is not None:
        body["think"] = options.think
    if options.keep_alive is not None:
        body["keep_alive"] = options.keep_alive
    return body


def _tool(name: str, description: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    function = {
        "name": name,
        "description": description,
        "parameters": dict(parameters),
    }
    return {"type": "function", "function": function}


def _messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    turns: list[dict[str, Any]] = []
    for message in messages:
        turn: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.tool_calls:
            turn["tool_calls"] = [_call(call) for call in message.tool_calls]
        if message.tool_call_id is not None:
            turn["tool_call_id"] = message.tool_call_id
            turn["tool_name"] = names.get(message.tool_call_id, "")
        turns.append(turn)
    return turns


def _call(call: ToolCall) -> dict[str, Any]:
    # Ollama takes objects only; another backend's model may have given something else.
    arguments = call.arguments if isinstance(call.arguments, Mapping) else {"invalid": call.arguments}
    return {
        "id": call.id,
        "function": {"name": call.name, "arguments": dict(arguments)},
    }


@dataclass(slots=True)
class Answer:
    """The reply as it grows, line by line. Raises `ProtocolBroken` for what Ollama never sends."""

    model: str
    call_offset: int
    texts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    reason: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    done: bool = False

    def add(self, part: Mapping[str, Any]) -> str:
        """Take in one line; return the piece of text in it."""
        message = _mapping(part.get("message") or {})
        text = message.get("content") or ""
        if not isinstance(text, str):
            raise ProtocolBroken("`content` is no text")
        if text:
            self.texts.append(text)
        for entry in _list(message.get("tool_calls")):
            self.calls.append(self._tool_call(_mapping(entry)))
        if not message.get("thinking"):
            self.logprobs.extend(_logprob(_mapping(entry)) for entry in _list(part.get("logprobs")))
        if isinstance(part.get("model"), str):
            self.model = part["model"]
        if part.get("done"):
            self.done = True
            self.reason = str(part.get("done_reason") or "")
            self.tokens_in = _count(part.get("prompt_eval_count"))
            self.tokens_out = _count(part.get("eval_count"))
        return text

    def _tool_call(self, entry: Mapping[str, Any]) -> ToolCall:
        function = _mapping(entry.get("function"))
        name = function.get("name")
        if not isinstance(name, str):
            raise ProtocolBroken("a tool call has no name")
        # Servers before 0.13 give no ids; ours are unique in the conversation.
        identity = entry.get("id") or f"call_{self.call_offset + len(self.calls)}"
        return ToolCall(str(identity), name, function.get("arguments"))

    def reply(self, *, native: bool, usd: float | None) -> Reply:
        """Return what the lines amount to."""
        text = "".join(self.texts)
        whole = bool(self.logprobs) and "".join(token.text for token in self.logprobs) == text
        return Reply(
            text=text,
            tool_calls=tuple(self.calls),
            usage=Usage(self.tokens_in, self.tokens_out, None, usd),
            finish="length" if self.reason == "length" else "tool_calls" if self.calls else "stop",
            enforced="native" if native else "none",
            logprobs=tuple(self.logprobs) if whole else None,
            model=self.model,
        )


def _logprob(entry: Mapping[str, Any]) -> TokenLogprob:
    token, value = entry.get("token"), entry.get("logprob")
    if not isinstance(token, str) or not isinstance(value, int | float) or not abs(value) < _ENDLESS:
        raise ProtocolBroken("a log-probability without token or value")
    return TokenLogprob(token, min(float(value), 0.0))


def _count(value: Any) -> int | None:
    # Go leaves zeros out, and a prompt of no tokens does not exist: zero means unknown, too.
    return value if type(value) is int and value > 0 else None


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ProtocolBroken(f"an object was expected, {type(value).__name__} came")
    return value


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ProtocolBroken(f"a list was expected, {type(value).__name__} came")
    return value
