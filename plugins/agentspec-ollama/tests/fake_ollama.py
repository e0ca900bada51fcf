"""A small server with Ollama's documented HTTP protocol, and switches for what can go wrong.

https://github.com/ollama/ollama/blob/main/docs/api.md. Its "model" takes one token per word and four per
message, echoes the last message, fills a schema with the first values that it admits, and calls the first
tool that it is offered.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

STAMP = "2026-01-02T03:04:05.678901Z"
STATUS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 404: "Not Found"}
CHUNKED = b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


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
        case "integer" | "number":
            return 7
        case "boolean":
            return True
        case "null":
            return None
    return "word"


@dataclass
class FakeOllama:
    """`fault` names what goes wrong in `/api/chat`; `gone` is set when a client leaves early."""

    version: str = "0.14.1"
    models: dict[str, int] = field(default_factory=lambda: {"qwen3:8b": 40960, "tiny:latest": 64})
    capabilities: list[str] | None = field(default_factory=lambda: ["completion", "tools"])
    remote_host: str | None = None
    fault: str = ""
    delay_s: float = 0.0
    texts: list[str] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    busy: int = 0
    most_busy: int = 0
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeOllama]:
        connections: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            try:
                while await self._one(reader, writer):
                    pass
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                connections.discard(task)
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in list(connections):
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        path = lines[0].split(" ")[1]
        length = next((int(x.split(":")[1]) for x in lines if x.lower().startswith("content-length")), 0)
        body = json.loads(await reader.readexactly(length)) if length else {}
        self.paths.append(path)
        self.headers.append(head)
        if path == "/api/chat":
            self.bodies.append(body)
            return await self._chat(body, reader, writer)
        self._json(writer, *self._facts(path, body))
        await writer.drain()
        return True

    def _facts(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/api/version":
            return 200, {"version": self.version}
        if path == "/api/tags":
            return 200, {"models": [{"name": name, "model": name, "size": 1} for name in self.models]}
        if path != "/api/show":
            return 404, "404 page not found"
        if body["model"] not in self.models:
            return 404, {"error": f"model '{body['model']}' not found"}
        info: dict[str, Any] = {"general.architecture": "qwen3"}
        if self.models[body["model"]]:
            info["qwen3.context_length"] = self.models[body["model"]]
        shown: dict[str, Any] = {"details": {"family": "qwen3"}, "model_info": info}
        if self.capabilities is not None:
            shown["capabilities"] = self.capabilities
        if self.remote_host:
            shown["remote_host"] = self.remote_host
        return 200, shown

    def _json(self, writer: asyncio.StreamWriter, status: int, data: Any, *more: str) -> None:
        content = data.encode() if isinstance(data, str) else json.dumps(data).encode()
        lines = [
            f"HTTP/1.1 {status} {STATUS.get(status, 'Status')}",
            f"Content-Length: {len(content)}",
            *more,
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + content)

    async def _chat(self, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        kind, _, detail = self.fault.partition(" ")
        if kind.isdigit():
            text, _, header = detail.partition("|")
            self._json(writer, int(kind), {"error": text} if text else "", *([header] if header else []))
            await writer.drain()
            return True
        if kind == "reset":
            return await self._reset(writer)
        parts = self._parts(body)
        if isinstance(parts, str):
            self._json(writer, 400, {"error": parts})
            await writer.drain()
            return True
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        try:
            if body.get("stream", True):
                return await self._stream(parts, kind, reader, writer)
            text = "".join(part["message"]["content"] for part in parts)
            self._json(writer, 200, parts[-1] | {"message": {"role": "assistant", "content": text}})
            await writer.drain()
            return True
        finally:
            self.busy -= 1

    async def _stream(
        self,
        parts: list[dict[str, Any]],
        kind: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\n" + CHUNKED)
        leaving = asyncio.create_task(reader.read(1))
        try:
            for index, part in enumerate(parts):
                line = json.dumps(part, ensure_ascii=False).encode(errors="replace") + b"\n"
                if index == 1 and kind:
                    faults = {
                        "garbage": b"<html>oops</html>\n",
                        "list": b"[1, 2]\n",
                        "utf8": b'{"message": {"content": "\xff\xfe"}}\n',
                        "shape": b'{"message": {"content": 5}}\n',
                        "calls": b'{"message": {"tool_calls": [{"function": {}}]}}\n',
                        "error": b'{"error": "an error was encountered while running the model"}\n',
                        "memory": b'{"error": "llama runner process has terminated: exit status 2"}\n',
                    }
                    if kind == "midreset":
                        return await self._reset(writer)
                    if kind == "end":
                        break
                    line = faults.get(kind, line)
                writer.write(b"%x\r\n%s\r\n" % (len(line), line))
                await writer.drain()
                wait_s = 60.0 if kind == "stall" else self.delay_s
                if wait_s and (await asyncio.wait({leaving}, timeout=wait_s))[0]:
                    self.gone.set()
                    return False
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            return False
        finally:
            leaving.cancel()

    async def _reset(self, writer: asyncio.StreamWriter) -> bool:
        await writer.drain()
        # Linger of zero seconds: closing sends RST instead of FIN.
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False

    def _parts(self, body: dict[str, Any]) -> list[dict[str, Any]] | str:
        options, messages = body.get("options", {}), body["messages"]
        window = min(options.get("num_ctx", 4096), self.models[body["model"]] or 10**6)
        prompt = sum(len((message.get("content") or "").split()) + 4 for message in messages)
        if body.get("tools") and "tools" not in (self.capabilities or []):
            return f"registry.ollama.ai/library/{body['model']} does not support tools"
        if prompt > window:
            if body.get("truncate") is False and self._at_least(0, 12, 6):
                inner = f"request ({prompt} tokens) exceeds the available context size ({window} tokens)"
                return json.dumps({"error": {"code": 400, "message": inner, "n_prompt_tokens": prompt}})
            prompt = window // 2 + 3
        message = {"role": "assistant", "content": ""}
        base = {"model": body["model"], "created_at": STAMP}
        reason, texts, calls = "stop", self._texts(body), []
        if body.get("tools") and messages[-1]["role"] != "tool":
            function = body["tools"][0]["function"]
            arguments = first_value(function["parameters"])
            calls = [{"function": {"index": 0, "name": function["name"], "arguments": arguments}}]
            texts = []
        texts = self._until(options.get("stop", ()), texts)
        if options.get("num_predict", 10**6) < len(texts):
            texts, reason = texts[: options["num_predict"]], "length"
        parts = [base | {"message": message | {"content": text}, "done": False} for text in texts]
        if body.get("logprobs") and self._at_least(0, 12, 11):
            for part, text in zip(parts, texts, strict=True):
                part["logprobs"] = [{"token": text, "logprob": -0.25, "bytes": list(text.encode(errors="replace"))}]
        if calls:
            parts.append(base | {"message": message | {"tool_calls": calls}, "done": False})
        counts = {"prompt_eval_count": prompt, "eval_count": len(texts) or 1, "total_duration": 5}
        return [
            *parts,
            base | {"message": message, "done": True, "done_reason": reason} | counts | self.extra,
        ]

    @staticmethod
    def _until(stops: list[str], texts: list[str]) -> list[str]:
        whole = "".join(texts)
        left = min((place for stop in stops if (place := whole.find(stop)) >= 0), default=len(whole))
        kept = []
        for text in texts:
            kept.append(text[:left])
            left -= len(kept[-1])
        return [text for text in kept if text]

    def _at_least(self, *version: int) -> bool:
        return tuple(int(number) for number in self.version.split(".")) >= version

    def _texts(self, body: dict[str, Any]) -> list[str]:
        if self.texts is not None:
            return list(self.texts)
        if body.get("format"):
            text = json.dumps(first_value(body["format"]))
            return [text[at : at + 5] for at in range(0, len(text), 5)]
        words = body["messages"][-1]["content"].split()
        return [word if at == 0 else " " + word for at, word in enumerate(words)]
