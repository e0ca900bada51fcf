"""Tool calls on every backend: native where the model takes tools, else as one of several JSON answers.

A model without tools of its own is shown the tools in a system message and answers with one object:
`{"answer": …}`, or `{"tool": "mail_search", "arguments": {…}}`. Where the backend can hold an answer to a
schema, it can say nothing else, so that a very small model calls tools as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentspec.api.messages import Json, Message, Reply, Request, Schema, ToolOffer
from agentspec.models.answers import Answer, read_answer

_RULES = (
    "You may use these tools, one at a time. Answer with JSON and nothing else: "
    '{"tool": NAME, "arguments": {…}} to use a tool, {"answer": …} when you know the answer.'
)


def with_tools(request: Request, tools: Sequence[ToolOffer], native: bool) -> Request:
    """The request with tools offered, in the way that the model understands."""
    if not tools:
        return request
    if native:
        return replace(request, tools=tuple(tools))
    listed = "\n".join(
        json.dumps({"tool": tool.name, "does": tool.description, "arguments": tool.parameters}, ensure_ascii=False)
        for tool in tools
    )
    rules = Message("system", f"{_RULES}\n{listed}")
    return replace(request, messages=(rules, *map(_in_words, request.messages)), output=_union(request.output, tools))


def read_turn(reply: Reply, output: Schema | None, tools: Sequence[ToolOffer], native: bool) -> Answer:
    """Read a turn: a value `{"answer": …}`, or `{"calls": [{"id", "name", "arguments"}, …]}`.

    Arguments are as the model gave them.
    """
    if tools and native and reply.tool_calls:
        calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in reply.tool_calls]
        return Answer({"calls": calls})
    if native or not tools:
        answer = read_answer(reply, output)
        return answer if answer.problems else Answer({"answer": answer.value})
    answer = read_answer(reply, _loose(output))
    if answer.problems:
        return answer
    if isinstance(answer.value, Mapping) and "tool" in answer.value:
        call = {"id": "", "name": answer.value["tool"], "arguments": answer.value.get("arguments") or {}}
        return Answer({"calls": [call]})
    return Answer({"answer": answer.value["answer"]})


def _union(output: Schema | None, tools: Sequence[ToolOffer]) -> Schema:
    answers = _closed({"answer": dict(output) if output is not None else {"type": "string"}})
    return {
        "anyOf": [
            answers,
            *(_closed({"tool": {"const": tool.name}, "arguments": dict(tool.parameters)}) for tool in tools),
        ]
    }


def _loose(output: Schema | None) -> Schema:
    """What is read: any tool with any arguments, since what is wrong with them goes back to the model."""
    answers = _closed({"answer": dict(output) if output is not None else {"type": "string"}})
    call = {"type": "object", "properties": {"tool": {"type": "string"}}, "required": ["tool"]}
    return {"anyOf": [answers, call]}


def _closed(properties: Mapping[str, Json]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _in_words(message: Message) -> Message:
    """A turn with calls, or the result of one, for a model that knows only plain turns."""
    if message.role == "tool":
        return Message("user", f"Result:\n{message.content}")
    if message.tool_calls:
        calls = [{"tool": call.name, "arguments": call.arguments} for call in message.tool_calls]
        text = "\n".join(json.dumps(call, ensure_ascii=False) for call in calls)
        return Message(message.role, "\n".join(filter(None, (message.content, text))))
    return message
