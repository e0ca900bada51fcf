"""From a model's text to a value that its schema admits, or the exact reasons why not."""

from __future__ import annotations

import json
from dataclasses import dataclass

from agentspec.api.messages import Json, Message, Reply, Schema
from agentspec.api.schema import fill_absent
from agentspec.api.validate import problems_of
from agentspec.models.extract import MOST_VALUES, load, values_in

LONGEST_ANSWER = 1_000_000
"""Characters of an answer that is read as JSON; a longer one was never asked for."""

DEEPEST_ANSWER = 100
"""Brackets inside brackets."""

_TOO_DEEP = f"the answer is nested deeper than {DEEPEST_ANSWER} levels"
_LONGEST_SHOWN = 20_000
"""Characters of its answer that a model is shown again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed answer. `problems` is empty exactly when `value` fits the schema.

    Attributes:
        span: where the value stands in a text that holds more, or writes it in another way than JSON does; None for
            a text that is JSON.
    """

    value: Json
    problems: tuple[str, ...] = ()
    span: tuple[int, int] | None = None


def read_answer(reply: Reply, schema: Schema | None) -> Answer:
    """Parse and validate a reply; without a schema the text itself is the value.

    A text that is not JSON is searched for it: see `agentspec.models.extract` for what is taken. Whatever is found
    has to fit the schema like any other answer; where several values do, none is taken.
    """
    if schema is None:
        return Answer(_text(reply.text))
    if reply.finish == "length":
        return Answer(None, ("the answer was cut before its end; raise `max_tokens`",))
    if len(reply.text) > LONGEST_ANSWER:
        size = f"the answer has {len(reply.text):,} characters, more than {LONGEST_ANSWER:,}"
        return Answer(None, (f"{size}: answer with JSON alone",))
    try:
        value = load(reply.text.removeprefix("\ufeff"))
    except RecursionError:
        return Answer(None, (_TOO_DEEP,))
    except ValueError as error:
        return _extracted(reply.text, schema, error)
    return _fitting(value, schema)


def _extracted(text: str, schema: Schema, error: Exception) -> Answer:
    """The one value inside a text that fits; `error` is why the text as a whole is no JSON."""
    found = values_in(text)
    if len(found) > MOST_VALUES:
        return Answer(None, (f"the answer holds more than {MOST_VALUES} JSON values: answer with one, and no text",))
    if not found:
        return Answer(None, (f"the answer is not JSON: {error}",))
    answers = [_fitting(one.value, schema, (one.start, one.end)) for one in found]
    fitting = [answer for answer in answers if not answer.problems]
    if not fitting:
        return answers[-1]
    if len({json.dumps(answer.value, sort_keys=True) for answer in fitting}) > 1:
        text = f"the answer holds {len(fitting)} different JSON values that fit: answer with one, and no text"
        return Answer(None, (text,))
    return fitting[0]


def _fitting(value: Json, schema: Schema, span: tuple[int, int] | None = None) -> Answer:
    if is_deeper(value, DEEPEST_ANSWER):
        return Answer(None, (_TOO_DEEP,))
    try:
        problems = tuple(problems_of(value, schema))
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError as error:  # half of a surrogate pair has no UTF-8
        return Answer(None, (f"the answer holds what is no text: {error}",))
    return Answer(value, problems) if problems else Answer(fill_absent(value, schema), span=span)


def _text(said: str) -> str:
    """A text that can be written: half of a surrogate pair has no UTF-8, and becomes U+FFFD."""
    try:
        said.encode()
    except UnicodeEncodeError:
        return said.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return said


def is_deeper(value: Json, most: int) -> bool:
    """Tell whether a value has more than `most` brackets inside each other."""
    level = [value]
    for _ in range(most):
        inner: list[Json] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        if not inner:
            return False
        level = inner
    return any(isinstance(one, dict | list) for one in level)


def repair_messages(reply: Reply, problems: tuple[str, ...], schema: Schema) -> tuple[Message, Message]:
    """The two turns that show a model its own answer and what is wrong with it."""
    listed = "\n".join(f"- {problem}" for problem in problems[:10])
    text = (
        f"That answer does not fit:\n{listed}\n"
        f"Answer again with JSON that fits this schema, and nothing else:\n{json.dumps(schema, ensure_ascii=False)}"
    )
    own = reply.text if len(reply.text) <= _LONGEST_SHOWN else f"{reply.text[:_LONGEST_SHOWN]} …"
    return Message("assistant", own), Message("user", text)
