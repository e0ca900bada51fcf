"""The backend `fake`: no model at all, for tests, docs and first steps.

`fake/echo` answers with the prompt or, when a type is asked for, with the first value that it admits.
`fake/script` answers from a list in the spec or a JSON Lines file, in order, the last one again and again.
Its tokens are words: `max_tokens` cuts after as many of them.
With `native_tools: true` it plays a model that takes tools natively: an answer `{calls: [{tool: mail_read,
arguments: {…}}]}` is given as tool calls, several in one turn. Other models call tools as they always do, with
`{tool: mail_read, arguments: {…}}`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from agentspec.api import (
    BackendError,
    BackendFactory,
    BackendRefused,
    Capabilities,
    ModelBinding,
    ModelMissing,
    Options,
    Reply,
    Request,
    TokenLogprob,
    ToolCall,
    Usage,
    hookimpl,
)
from agentspec.api.messages import Finish, Json, Schema, as_text


class FakeOptions(Options):
    """`answers`, `file` and `native_tools` belong to `fake/script`; `confidence` is what every answer claims."""

    answers: list[Any] | None = None
    file: str | None = None
    confidence: float = 1.0
    native_tools: bool = False


class FakeBackend:
    """Answers at once and always the same."""

    def __init__(self, answers: Sequence[Json] | None, confidence: float, *, native_tools: bool = False) -> None:
        self._answers = answers
        self._confidence = confidence
        self._next = 0
        self._closed = False
        self.capabilities = Capabilities("constrained" if answers is None else "none", native_tools, logprobs=True)

    async def generate(self, request: Request) -> Reply:
        """Answer without waiting. Raises `BackendError` once it is closed."""
        if self._closed:
            raise BackendError("the backend `fake` was closed")
        prompt = "\n\n".join(message.content for message in request.messages)
        calls: tuple[ToolCall, ...] = ()
        if self._answers is not None:
            text, calls = self._scripted()
        elif request.output is None:
            text = prompt
        else:
            text = json.dumps(first_value(request.output, request.texts), ensure_ascii=False)
        text, finish = _cut(text, request)
        return Reply(
            text=text,
            tool_calls=calls,
            usage=Usage(len(prompt.split()), _words(text, calls), 0, 0.0),
            finish="tool_calls" if calls else finish,
            enforced=self.capabilities.structured if request.output is not None else "none",
            logprobs=(TokenLogprob(text, math.log(self._confidence)),) if self._confidence > 0 else None,
            model="echo" if self._answers is None else "script",
        )

    def _scripted(self) -> tuple[str, tuple[ToolCall, ...]]:
        assert self._answers is not None
        answer = self._answers[min(self._next, len(self._answers) - 1)]
        self._next += 1
        if self.capabilities.tools and isinstance(answer, dict) and isinstance(answer.get("calls"), list):
            made = [one for one in answer["calls"] if isinstance(one, dict)]
            calls = tuple(
                ToolCall(f"script_{self._next}_{place}", str(one.get("tool")), one.get("arguments", {}))
                for place, one in enumerate(made, 1)
            )
            return str(answer.get("text", "")), calls
        return as_text(answer), ()

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        """Give the whole text as one piece, then the reply."""
        reply = await self.generate(request)
        yield reply.text
        yield reply

    async def close(self) -> None:
        """Nothing is open, and nothing is answered any more."""
        self._closed = True


def _cut(text: str, request: Request) -> tuple[str, Finish]:
    """End a text where the request's settings end it."""
    places = [place for word in request.stop if (place := text.find(word)) >= 0]
    text = text[: min(places, default=len(text))]
    if request.max_tokens is None or len(text.split()) <= request.max_tokens:
        return text, "stop"
    words = re.match(rf"(?:\s*\S+){{{request.max_tokens}}}", text)
    return (words[0] if words else ""), "length"


def _words(text: str, calls: Sequence[ToolCall]) -> int:
    return sum(len(part.split()) for part in (text, *(f"{one.name} {one.arguments}" for one in calls)))


def first_value(schema: Schema, texts: Mapping[str, Sequence[str]] | None = None) -> Json:
    """The simplest value that a schema admits: the first word, the smallest number, the empty list.

    Of a quote it is the first word of its text; see `Request.texts`.
    """
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return first_value(schema[key][0], texts)
    kind = schema.get("type", "null")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: first_value(properties[key], texts) for key in schema.get("required", ()) if key in properties}
    if kind == "array":
        return [first_value(schema.get("items", {}), texts)] * int(schema.get("minItems", 0))
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    if kind == "boolean":
        return False
    if kind == "string":
        if texts and schema.get("x-quote") in texts:
            return texts[schema["x-quote"]][0].split()[0]
        formats = {"date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "time": "00:00:00Z"}
        return formats.get(schema.get("format", ""), "x" * int(schema.get("minLength", 0)))
    return None


def create(binding: ModelBinding) -> FakeBackend:
    """Make `fake/echo` or `fake/script`. Raises `ModelMissing`, `BackendRefused`."""
    options: FakeOptions = binding.options
    if binding.model == "echo":
        return FakeBackend(None, options.confidence)
    if binding.model != "script":
        raise ModelMissing(f"there is no model `fake/{binding.model}`", hint="use fake/echo or fake/script")
    answers = options.answers
    if answers is None and options.file is not None:
        try:
            path = (binding.folder / options.file).resolve()
            if not path.is_relative_to(binding.folder.resolve()):
                raise ModelMissing(f"`{options.file}` lies outside the folder of the spec")
            lines = path.read_text(encoding="utf-8").splitlines()
            answers = [json.loads(line) for line in lines if line.strip()]
        except (OSError, ValueError) as error:
            raise ModelMissing(f"the answers in `{options.file}` cannot be read: {error}") from error
    if not answers:
        raise BackendRefused("fake/script has no answers", hint="give `answers:` or `file:` beside `use:`")
    return FakeBackend(answers, options.confidence, native_tools=options.native_tools)


@hookimpl
def agentspec_register_backends() -> list[BackendFactory]:
    """The backend `fake`."""
    return [BackendFactory("fake", create, FakeOptions, "answers without a model", ("echo", "script"))]
