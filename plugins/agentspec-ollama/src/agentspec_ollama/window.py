"""How large `num_ctx` has to be, so that Ollama never cuts a prompt.

Ollama drops the oldest messages of a prompt that is longer than `num_ctx`, keeps half of the rest, and
answers with 200 (ollama/ollama issues 3839, 14259). Three things stand against it here: `num_ctx` is always
set, to what the prompt needs; `truncate: false` makes servers since 0.12.6 refuse; the token count of the
reply is compared with what the prompt has at least.
"""

from __future__ import annotations

import json

from agentspec.api import Request

SMALLEST = 4096
"""The server's own default. Below it nothing is gained by a smaller window."""
ANSWER_TOKENS = 2048
"""Room for an answer that `max_tokens` does not limit."""
_BYTES_PER_TOKEN = 2
"""English text has about four bytes per token, JSON and code three, digits and rare scripts two."""
_TOKENS_PER_MESSAGE = 8
"""Role names and separators of chat templates."""


def least_tokens(request: Request) -> int:
    """Return a number of tokens that the prompt cannot fall below: one per word.

    Tokenizers split at white space before they merge (GPT-2 and tiktoken patterns, SentencePiece's
    `split_by_whitespace`), so that no token holds two words. Assistant messages do not count: templates may
    leave their reasoning out.
    """
    return sum(len(message.content.split()) for message in request.messages if message.role != "assistant")


def likely_tokens(request: Request) -> int:
    """Return a number of tokens that the prompt hardly exceeds."""
    tools = [[tool.name, tool.description, dict(tool.parameters)] for tool in request.tools]
    calls = [[call.name, call.arguments] for message in request.messages for call in message.tool_calls]
    size = sum(len(message.content.encode(errors="replace")) for message in request.messages)
    size += len(json.dumps([tools, calls], default=str)) if tools or calls else 0
    return size // _BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE * len(request.messages)


def window_for(prompt: int, answer: int | None, *, at_least: int, maximum: int | None) -> int:
    """Return the `num_ctx` for a prompt and an answer of so many tokens.

    A power of two and never below `at_least`, the window before: Ollama loads a model anew when `num_ctx`
    changes, and this way that happens a few times at most. Never above `maximum`, where it is known.
    """
    need = max(prompt + (answer or ANSWER_TOKENS), SMALLEST, at_least)
    window = 1 << (need - 1).bit_length()
    return window if maximum is None else min(window, maximum)
