"""One number in 0..1 that says how sure a model was of its answer."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from agentspec.api.messages import TokenLogprob

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|“[^”]*”|True|False|None')
_COLON = re.compile(r"\s*:")


def confidence(
    logprobs: Sequence[TokenLogprob] | None, *, structured: bool, span: tuple[int, int] | None = None
) -> float | None:
    """Return the probability that the model gave its answer, or None when it gave no log-probabilities.

    For a structured answer: the product over the tokens that touch a value; keys, quotes and braces are the
    grammar's, not the model's choice. For free text: the geometric mean over all tokens, since a product
    would only measure the length. `span` is where the answer stands in the text, unless it is all of it.
    """
    if not logprobs:
        return None
    if not structured:
        return math.exp(sum(token.logprob for token in logprobs) / len(logprobs))
    text = "".join(token.text for token in logprobs)
    spans = _value_spans(text, *(span or (0, len(text))))
    total, start, current = 0.0, 0, 0
    for token in logprobs:
        end = start + len(token.text)
        while current < len(spans) and spans[current][1] <= start:
            current += 1
        if current < len(spans) and spans[current][0] < end:
            total += token.logprob
        start = end
    return math.exp(min(total, 0.0))


def _value_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Offsets of the scalar values in the JSON in a text, quotes excluded."""
    spans = []
    for match in _JSON_TOKEN.finditer(text, start, end):
        if not match.group().startswith(('"', "“")):
            spans.append(match.span())
        elif not _COLON.match(text, match.end()):
            spans.append((match.start() + 1, max(match.end() - 1, match.start() + 2)))
    return spans
