"""From a model's text to a value that its schema admits, or the exact reasons why not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from agentspec.api.messages import Json, Message, Reply, Schema
from agentspec.api.schema import fill_absent
from agentspec.api.validate import problems_of

_FENCED = re.compile(r"\A\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed answer. `problems` is empty exactly when `value` fits the schema."""

    value: Json
    problems: tuple[str, ...] = ()


def read_answer(reply: Reply, schema: Schema | None) -> Answer:
    """Parse and validate a reply; without a schema the text itself is the value."""
    if schema is None:
        return Answer(reply.text)
    if reply.finish == "length":
        return Answer(None, ("the answer was cut before its end; raise `max_tokens`",))
    fenced = _FENCED.match(reply.text)
    try:
        value = json.loads(fenced.group(1) if fenced else reply.text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return Answer(None, (f"the answer is not JSON: {error}",))
    problems = tuple(problems_of(value, schema))
    return Answer(value, problems) if problems else Answer(fill_absent(value, schema))


def repair_messages(reply: Reply, problems: tuple[str, ...], schema: Schema) -> tuple[Message, Message]:
    """The two turns that show a model its own answer and what is wrong with it."""
    listed = "\n".join(f"- {problem}" for problem in problems[:10])
    text = (
        f"That answer does not fit:\n{listed}\n"
        f"Answer again with JSON that fits this schema, and nothing else:\n{json.dumps(schema, ensure_ascii=False)}"
    )
    return Message("assistant", reply.text), Message("user", text)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
