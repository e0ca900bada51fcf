"""Tool calls on every backend: native where the model takes tools, else as one of several JSON answers.

A model without tools of its own is shown the tools in a system message and answers with one object:
`{"answer": …}`, or `{"tool": "mail_search", "arguments": {…}}`. Where the backend can hold an answer to a
schema, it can say nothing else, so that a very small model calls tools as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from agentspec.api.messages import Json, Message, Reply, Request, Schema, ToolOffer
from agentspec.api.schema import closed_object, fill_absent
from agentspec.models.answers import Answer, is_deeper, read_answer
from agentspec.plan.offers import wire_name
from agentspec.plan.proof.visits import CALLS_PER_TURN

LONGEST_ARGUMENTS = 100_000
"""Bytes of the arguments of one call, as JSON."""

DEEPEST_ARGUMENTS = 64

_RULES = (
    "You may use these tools, one at a time. Answer with JSON and nothing else: "
    '{"tool": NAME, "arguments": {…}} to use a tool, {"answer": …} when you know the answer.'
)
_FORM = "When you know the answer, give it as JSON that fits this schema, and nothing else:"
_NOW = "No tool can be used any more. Answer now, from what you know."


def with_tools(request: Request, tools: Sequence[ToolOffer], native: bool) -> Request:
    """The request with tools offered, in the way that the model understands."""
    if native:
        form = () if request.output is None else (f"{_FORM}\n{json.dumps(request.output, ensure_ascii=False)}",)
        return replace(request, tools=tuple(tools), messages=_merged([*_system(form), *request.messages]))
    rules = "\n".join([_RULES, *map(_listed, tools)])
    messages = [*_system([rules]), *map(_in_words, request.messages)]
    return replace(request, messages=_merged(messages), output=_union(request.output, tools))


def without_tools(request: Request, tools: Sequence[ToolOffer], native: bool) -> Request:
    """The last request of a conversation: the model is told to answer, and has no tools to call.

    What was called before is told in words, since providers refuse calls in a conversation without tools.
    """
    last = [Message("user", _NOW)]
    if native:
        return replace(request, messages=_merged([*map(_in_words, request.messages), *last]))
    asked = with_tools(request, tools, native=False)
    return replace(asked, messages=_merged([*asked.messages, *last]), output=_answers(request.output))


def read_turn(reply: Reply, output: Schema | None, native: bool) -> Answer:
    """Read a turn: a value `{"answer": …}`, or `{"text", "calls": [{"id", "name", "arguments", "problem"}, …]}`.

    `text` are the words that the model said beside its calls. Arguments are not validated; where they cannot be
    handled at all they are null, and `problem` says why.
    """
    if reply.tool_calls:
        calls = [_call(call.id, call.name, call.arguments) for call in reply.tool_calls[:CALLS_PER_TURN]]
        calls += [_refused(call.id, call.name) for call in reply.tool_calls[CALLS_PER_TURN : 2 * CALLS_PER_TURN]]
        return Answer({"text": reply.text, "calls": calls})
    if native:
        answer = read_answer(reply, output)
        return answer if answer.problems else replace(answer, value={"answer": answer.value})
    answer = read_answer(reply, _loose(output))
    if answer.problems:
        return answer
    if "tool" in answer.value:
        call = _call("", answer.value["tool"], answer.value.get("arguments", {}))
        return replace(answer, value={"text": "", "calls": [call]})
    return replace(answer, value={"answer": fill_absent(answer.value["answer"], output or {})})


def _call(number: str, name: str, arguments: Json) -> Json:
    problem = _unusable(arguments)
    kept = None if problem else arguments
    return {"id": number, "name": wire_name(str(name)), "arguments": kept, "problem": problem}


def _refused(number: str, name: str) -> Json:
    problem = f"at most {CALLS_PER_TURN} calls can be made at a time"
    return {"id": number, "name": wire_name(str(name)), "arguments": None, "problem": problem}


def _unusable(value: Json) -> str:
    """Say why a value that a model wrote cannot be handled at all; empty when it can."""
    if is_deeper(value, DEEPEST_ARGUMENTS):
        return f"the arguments are nested deeper than {DEEPEST_ARGUMENTS} levels"
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError):
        return "the arguments hold something that is no JSON"
    return "" if size <= LONGEST_ARGUMENTS else f"the arguments are longer than {LONGEST_ARGUMENTS} bytes"


def _union(output: Schema | None, tools: Sequence[ToolOffer]) -> Schema:
    calls = [closed_object({"tool": {"const": tool.name}, "arguments": dict(tool.parameters)}) for tool in tools]
    return {"anyOf": [_answers(output), *calls]}


def _loose(output: Schema | None) -> Schema:
    """What is read: any tool with any arguments, since what is wrong with them goes back to the model."""
    call = {"type": "object", "properties": {"tool": {"type": "string"}}, "required": ["tool"]}
    return {"anyOf": [_answers(output), call]}


def _answers(output: Schema | None) -> Schema:
    return closed_object({"answer": {"type": "string"} if output is None else dict(output)})


def _listed(tool: ToolOffer) -> str:
    listed = {"tool": tool.name, "does": tool.description, "arguments": tool.parameters}
    return json.dumps(listed, ensure_ascii=False)


def _system(texts: Iterable[str]) -> list[Message]:
    return [Message("system", text) for text in texts]


def _in_words(message: Message) -> Message:
    """A turn with calls, or the result of one, for a model that knows only plain turns."""
    if message.role == "tool":
        return Message("user", f"Result:\n{message.content}")
    if message.tool_calls:
        calls = [{"tool": call.name, "arguments": call.arguments} for call in message.tool_calls]
        text = "\n".join(json.dumps(call, ensure_ascii=False) for call in calls)
        return Message(message.role, "\n".join(filter(None, (message.content, text))))
    return message


def _merged(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The conversation with plain turns of one role put together: many chat templates want them to alternate."""
    merged: list[Message] = []
    for message in messages:
        last = merged[-1] if merged else None
        if last is None or last.role != message.role or message.role == "tool" or last.tool_calls or message.tool_calls:
            merged.append(message)
        else:
            merged[-1] = Message(message.role, f"{last.content}\n\n{message.content}")
    return tuple(merged)
