"""A small server on loopback with OpenAI's protocol, plainly and correctly spoken.

Its "model" takes one token per word, echoes the last message, fills a schema with the first values that it admits,
and calls the first tool that it is offered.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from loopback import LoopbackServer

MODEL = "far"
CONTEXT = 5000
PAUSE_S = 0.001


def first_value(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return first_value(schema["anyOf"][0])
    match schema.get("type"):
        case "object":
            return {key: first_value(part) for key, part in schema.get("properties", {}).items()}
        case "array":
            return [first_value(schema["items"])]
        case "boolean":
            return True
    return "word"


class FakeOpenai(LoopbackServer):
    """`running` gives the address; every error quotes the key, as careless providers do."""

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
        body = json.loads(await reader.readexactly(int(fields["content-length"])))
        status, answer = self._answer(body, fields.get("authorization", ""))
        if status != 200 or not body.get("stream"):
            self._head(writer, status, "application/json", len(answer := json.dumps(answer).encode()))
            writer.write(answer)
            await writer.drain()
            return
        self._head(writer, 200, "text/event-stream", None)
        leaving = asyncio.create_task(reader.read(1))
        leaving.add_done_callback(lambda task: task.cancelled() or task.exception())
        for chunk in self._chunks(answer):
            writer.write(b"data: " + chunk + b"\n\n")
            await writer.drain()
            if (await asyncio.wait({leaving}, timeout=PAUSE_S))[0]:
                return
        leaving.cancel()

    @staticmethod
    def _head(writer: asyncio.StreamWriter, status: int, kind: str, length: int | None) -> None:
        lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {kind}", "Connection: close"]
        lines += [] if length is None else [f"Content-Length: {length}"]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def _answer(self, body: dict[str, Any], key: str) -> tuple[int, Any]:
        prompt = sum(len((message.get("content") or "").split()) for message in body["messages"])
        if body["model"] != MODEL:
            text = f"The model `{body['model']}` does not exist (asked with {key})"
            return 404, {"error": {"message": text, "type": "invalid_request_error", "code": "model_not_found"}}
        if prompt > CONTEXT:
            text = f"This model's maximum context length is {CONTEXT} tokens, the messages have {prompt} ({key})"
            return 400, {"error": {"message": text, "type": "invalid", "code": "context_length_exceeded"}}
        message: dict[str, Any] = {"role": "assistant", "content": self._text(body)}
        finish, calls = "stop", []
        last = body["messages"][-1] if body["messages"] else {"role": "user"}
        if body.get("tools") and last["role"] != "tool":
            function = body["tools"][0]["function"]
            arguments = json.dumps(first_value(function["parameters"]))
            calls = [{"id": "c1", "type": "function", "function": {"name": function["name"], "arguments": arguments}}]
            message, finish = message | {"content": None, "tool_calls": calls}, "tool_calls"
        for stop in [] if calls else body.get("stop") or []:
            message["content"] = message["content"].partition(stop)[0]
        words = self._tokens(message["content"] or "")
        if len(words) > body.get("max_tokens", len(words)):
            words, finish = words[: body["max_tokens"]], "length"
            message["content"] = "".join(words)
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "message": message}
        if body.get("logprobs") and words:
            listed = [{"token": word, "logprob": -0.25, "bytes": list(word.encode())} for word in words]
            choice["logprobs"] = {"content": listed}
        tokens = {"prompt_tokens": prompt or 1, "completion_tokens": len(words) or 1}
        usage = tokens | {"total_tokens": sum(tokens.values())}
        whole = {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL}
        return 200, whole | {"choices": [choice], "usage": usage}

    @staticmethod
    def _text(body: dict[str, Any]) -> str:
        if body.get("response_format"):
            return json.dumps(first_value(body["response_format"]["json_schema"]["schema"]), ensure_ascii=False)
        return (body["messages"][-1].get("content") or "") if body["messages"] else ""

    @staticmethod
    def _tokens(text: str) -> list[str]:
        return [word if place == 0 else f" {word}" for place, word in enumerate(text.split(" "))] if text else []

    def _chunks(self, whole: dict[str, Any]) -> list[bytes]:
        [choice] = whole["choices"]
        message, listed = choice["message"], (choice.get("logprobs") or {}).get("content")
        deltas: list[dict[str, Any]] = []
        for place, word in enumerate(self._tokens(message["content"] or "")):
            deltas.append({"delta": {"content": word}, "finish_reason": None})
            if listed:
                deltas[-1]["logprobs"] = {"content": [listed[place]]}
        for place, call in enumerate(message.get("tool_calls") or ()):
            deltas.append({"delta": {"tool_calls": [call | {"index": place}]}, "finish_reason": None})
        deltas.append({"delta": {}, "finish_reason": choice["finish_reason"]})
        base = {key: whole[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
        chunks = [base | {"choices": [{"index": 0} | delta]} for delta in deltas]
        chunks.append(base | {"choices": [], "usage": whole["usage"]})
        return [*(json.dumps(chunk).encode() for chunk in chunks), b"[DONE]"]
