"""How many tokens a prompt has, before any model has counted them."""

from __future__ import annotations

from dataclasses import dataclass

from agentspec.api.messages import Request

_BYTES = 4
"""Bytes of text in a token, as a rule of thumb."""


@dataclass(frozen=True, slots=True)
class Size:
    """Tokens of a prompt.

    Attributes:
        least: one for each word, since no tokenizer in use puts two words into one token.
        likely: one for every four bytes, and no fewer than `least`.
    """

    least: int
    likely: int


def size_of(request: Request) -> Size:
    """The size of all messages of a request."""
    texts = [message.content for message in request.messages]
    least = sum(len(text.split()) for text in texts)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    return Size(least, max(least, size // _BYTES))
