"""A server on loopback that speaks OpenAI's protocol badly, or slowly, or plainly."""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from loopback import LoopbackServer

USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 500,
    "total_tokens": 1500,
    "prompt_tokens_details": {"cached_tokens": 400},
}


def completion(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant"} | message}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "far-1",
        "choices": [choice],
        "usage": USAGE,
    }


def delta(said: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": said, "finish_reason": finish}
    data = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "far-1", "choices": [choice]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


@dataclass
class Faulty(LoopbackServer):
    """`fault` names what goes wrong; `status`, `text` and `header` make a refusal, else it says `answer`."""

    fault: str = ""
    status: int = 200
    text: str = ""
    header: str = ""
    refuses: str = ""
    answer: dict[str, Any] = field(default_factory=lambda: completion({"content": "fine"}))
    chunks: list[bytes] | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(int(x.split(":")[1]) for x in head.split("\r\n") if x.lower().startswith("content-length"))
        body = json.loads(await reader.readexactly(length))
        self.heads.append(head)
        self.bodies.append(body)
        if self.fault == "reset":
            return self._reset(writer)
        if self.fault == "stall":
            return await self._wait(reader)
        status, content = self.status, json.dumps(self.answer)
        if self.refuses and self.refuses in body:
            status = 400
            content = json.dumps({"error": {"message": f"{self.refuses} is not supported", "type": "invalid"}})
        elif status != 200:
            content = json.dumps({"error": {"message": self.text, "type": "bad", "code": self.text.split(" ")[0]}})
        elif body.get("stream"):
            return await self._stream(reader, writer)
        elif self.fault == "truncated":
            content = content[:40]
        lines = [f"HTTP/1.1 {status} Status", "Content-Type: application/json", "Connection: close"]
        lines += [f"Content-Length: {len(content)}", *([self.header] if self.header else [])]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + content).encode())
        await writer.drain()
        return None

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        if self.chunks is not None:
            writer.write(b"".join(self.chunks) + b"data: [DONE]\n\n")
            return await writer.drain()
        writer.write(delta({"content": "fi"}) + delta({"content": "ne"}))
        await writer.drain()
        self.started.set()
        if self.fault == "midreset":
            return self._reset(writer)
        if self.fault == "midstall":
            return await self._wait(reader)
        if self.fault == "midend":
            return None
        if self.fault == "garbage":
            writer.write(b"data: {oops\n\n")
        writer.write(delta({}, "stop") + b"data: [DONE]\n\n")
        await writer.drain()
        return None

    async def _wait(self, reader: asyncio.StreamReader) -> None:
        self.started.set()
        await reader.read(1)
        self.gone.set()

    @staticmethod
    def _reset(writer: asyncio.StreamWriter) -> None:
        # Linger of zero seconds: closing sends RST instead of FIN.
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
