"""Request -> the JSON that llama.cpp's chat endpoint takes, and its chunks -> Reply."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_core import from_json

from agentspec.api import (
    BackendError,
    BackendRefused,
    ContextOverflow,
    Message,
    Reply,
    Request,
    TokenLogprob,
    ToolCall,
    Usage,
)
from agentspec.api.messages import Enforced, Finish
from agentspec_pocket.grammar import from_schema
from agentspec_pocket.options import PocketOptions

_SEEDS = 0xFFFF_FFFF
"""llama.cpp's seeds are 32 bits wide, and the last one means "draw one"."""

_FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}


def enforced(request: Request) -> Enforced:
    """Tell how the answer will be held to its schema: llama.cpp takes a grammar or tools, not both."""
    return "constrained" if request.output is not None and not request.tools else "none"


def longest(request: Request, options: PocketOptions) -> int | None:
    """Return how many tokens the answer may have, None for as many as there is room for."""
    return request.max_tokens if request.max_tokens is not None else options.max_tokens


def encode(request: Request, options: PocketOptions, *, in_pieces: bool, thinks: bool) -> bytes:
    """Return the body of the call.

    With `in_pieces` llama.cpp reports each token, and the length of the prompt before the first. `thinks`
    says whether the model's template can switch thinking.
    """
    temperature = request.temperature if request.temperature is not None else options.temperature
    body: dict[str, Any] = {
        "messages": [_message(message) for message in request.messages],
        "temperature": temperature,
    }
    if in_pieces:
        body |= {"stream": True, "return_progress": True, "stream_options": {"include_usage": True}}
    if temperature == 0:
        body["top_k"] = 1
    seed = request.seed if request.seed is not None else options.seed
    if seed is not None:
        body["seed"] = seed % _SEEDS
    limit = longest(request, options)
    if limit is not None:
        body["max_tokens"] = limit
    if request.stop:
        body["stop"] = list(request.stop)
    constrained = enforced(request) == "constrained"
    if request.output is not None and constrained:
        body["grammar"] = from_schema(request.output, request.texts)
        body["reasoning_format"] = "none"
    if thinks:
        body["chat_template_kwargs"] = {"enable_thinking": options.thinking and not constrained}
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                },
            }
            for tool in request.tools
        ]
    elif request.logprobs:
        body["logprobs"], body["top_logprobs"] = True, 1
    return json.dumps(body, default=dict, separators=(",", ":")).encode()


def _message(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        plain["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        plain["tool_call_id"] = message.tool_call_id
    return plain


def prompt_tokens(chunk: bytes) -> int | None:
    """Return the length of the prompt, which the first chunk tells before anything is generated."""
    progress = from_json(chunk).get("prompt_progress")
    return progress["total"] if progress else None


def piece(chunk: bytes) -> str:
    """Return the text that a chunk adds."""
    return "".join(choice["delta"].get("content") or "" for choice in from_json(chunk).get("choices", ()))


def decode(chunks: Sequence[bytes], request: Request, model: str) -> Reply:
    """Put the chunks of one call together. Raises `BackendError` for what llama.cpp reports."""
    try:
        parts = from_json(b"[" + b",".join(chunks) + b"]")
    except ValueError as error:
        raise BackendError("llama.cpp answered with something that is no JSON") from error
    texts: list[str] = []
    tokens: list[dict[str, Any]] = []
    calls: dict[int, dict[str, str]] = {}
    finish = ""
    usage: dict[str, Any] = {}
    for part in parts:
        if "error" in part:
            raise problem(part["error"])
        usage = part.get("usage") or usage
        for choice in part["choices"]:
            added = choice["delta"] if "delta" in choice else choice["message"]
            if added.get("content"):
                texts.append(added["content"])
            if choice.get("logprobs"):
                tokens += choice["logprobs"]["content"]
            for place, call in enumerate(added.get("tool_calls") or ()):
                _add_call(calls, call, place)
            finish = choice["finish_reason"] or finish
    if not finish:
        raise BackendError("llama.cpp ended its answer early")
    text = "".join(texts)
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Reply(
        text=text,
        tool_calls=tuple(_tool_call(call) for _, call in sorted(calls.items())),
        usage=Usage(usage.get("prompt_tokens"), usage.get("completion_tokens"), cached, usd=0.0),
        finish=_FINISHES.get(finish, "stop"),
        enforced=enforced(request),
        logprobs=_logprobs(tokens, text) if tokens else None,
        model=model,
    )


def problem(error: dict[str, Any]) -> BackendError:
    """Turn an error that llama.cpp reports into one of ours."""
    if error.get("type") == "exceed_context_size_error":
        return overflow(error.get("n_prompt_tokens", 0), 0, error.get("n_ctx", 0))
    text = str(error.get("message", error))
    if error.get("type") in ("invalid_request_error", "not_supported_error"):
        return BackendRefused(f"llama.cpp does not take this request: {text}")
    return BackendError(f"llama.cpp could not answer: {text}")


def overflow(prompt: int, answer: int, context: int) -> ContextOverflow:
    """Say by how much a call is too long."""
    what = f"the prompt has {prompt:,} tokens"
    if answer:
        what += f" and the answer may have {answer:,}"
    return ContextOverflow(
        f"{what}, but the context holds {context:,}",
        hint="shorten the prompt, lower `max_tokens:`, or raise the model's `context:` if it was trained for more",
    )


def _add_call(calls: dict[int, dict[str, str]], added: dict[str, Any], place: int) -> None:
    call = calls.setdefault(added.get("index", place), {"id": "", "name": "", "arguments": ""})
    function = added.get("function") or {}
    call["id"] += added.get("id") or ""
    call["name"] += function.get("name") or ""
    call["arguments"] += function.get("arguments") or ""


def _tool_call(call: dict[str, str]) -> ToolCall:
    try:
        arguments = json.loads(call["arguments"] or "{}")
    except ValueError:
        arguments = call["arguments"]
    return ToolCall(call["id"] or call["name"], call["name"], arguments)


def _logprobs(tokens: Iterable[dict[str, Any]], text: str) -> tuple[TokenLogprob, ...] | None:
    """Fit the tokens to the text: thoughts and stop words fall away, bytes of one character come together.

    None when the tokens are not those of the text (bytes that are no UTF-8).
    """
    pairs = [(bytes(token["bytes"]), token["logprob"]) for token in tokens]
    joined = b"".join(data for data, _ in pairs)
    wanted = text.encode(errors="surrogatepass")
    start = joined.rfind(wanted)
    if start < 0:
        return None
    end, place = start + len(wanted), 0
    merged: list[TokenLogprob] = []
    held, held_logprob = b"", 0.0
    for data, logprob in pairs:
        kept = data[max(0, start - place) : max(0, end - place)]
        place += len(data)
        if not kept:
            continue
        held, held_logprob = held + kept, held_logprob + min(logprob, 0.0)
        try:
            merged.append(TokenLogprob(held.decode(), held_logprob))
        except UnicodeDecodeError:
            continue
        held, held_logprob = b"", 0.0
    return tuple(merged)
