"""The served model: llama.cpp in process (`xllamacpp`), as the plugin uses it."""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xllamacpp

# Categories and key order as in the agent file; `due` is any date, not only those found: the plain schema.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "category": {"type": "string", "enum": ["urgent", "meeting", "newsletter", "other"]},
        "reply_needed": {"type": "boolean"},
        "due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    },
    "required": ["category", "reply_needed", "due"],
    "additionalProperties": False,
}
_VALUES = re.compile(r'(?<=:)("(?:[^"\\]*)"|true|false|null)')
_VALUES_BYTES = re.compile(_VALUES.pattern.encode())


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, the probability of its value tokens (0..1), and what it took."""

    value: dict[str, Any]
    confidence: float
    parts: tuple[float, ...]
    seconds: float
    tokens_in: int
    tokens_out: int


def start(model: Path, threads: int = 1) -> xllamacpp.Server:
    """Load the model into this process."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_ctx = 1024
    params.n_parallel = 1
    params.use_jinja = True
    params.warmup = False
    params.verbosity = -1
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    return xllamacpp.Server(params)


def value_probabilities(tokens: list[dict[str, Any]]) -> tuple[float, ...]:
    """Per value of the JSON text: the product of the probabilities of the tokens that touch it.

    `tokens` is `choices[0].logprobs.content` of the reply.
    """
    text = b"".join(bytes(token["bytes"]) for token in tokens)
    spans = [match.span(1) for match in _VALUES_BYTES.finditer(text)]
    sums = [0.0] * len(spans)
    at = 0
    for token in tokens:
        end = at + len(token["bytes"])
        for number, (first, last) in enumerate(spans):
            if at < last and end > first:
                sums[number] += token["logprob"]
                break
        at = end
    return tuple(math.exp(total) for total in sums)


def grounded(found: list[str]) -> dict[str, Any]:
    """The schema with `due` bound to the dates that code found."""
    return SCHEMA | {"properties": SCHEMA["properties"] | {"due": {"enum": [*found, None]}}}


def ask(server: xllamacpp.Server, prompt: str, schema: dict[str, Any] = SCHEMA) -> Reply:
    """One chat completion under the schema, greedy."""
    request = {
        "messages": [{"role": "user", "content": prompt}],
        "temperature": 0.0,
        "max_tokens": 64,
        "logprobs": True,
        "top_logprobs": 1,
        "cache_prompt": False,
        "response_format": {"type": "json_schema", "json_schema": {"name": "triage", "schema": schema}},
    }
    before = time.perf_counter()
    reply: dict[str, Any] = server.handle_chat_completions(request)
    seconds = time.perf_counter() - before
    choice, usage = reply["choices"][0], reply["usage"]
    parts = value_probabilities(choice["logprobs"]["content"])
    return Reply(
        json.loads(choice["message"]["content"]), math.prod(parts), parts, seconds,
        usage["prompt_tokens"], usage["completion_tokens"],
    )  # fmt: skip
