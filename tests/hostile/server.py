"""An HTTP server on loopback that speaks enough of OpenAI's and of Ollama's protocol to be hostile in both.

Every answer of a model takes the next fault from a list, in turn; what the model says is as hostile.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from random import Random
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from .answers import MEGABYTES_10, RARE, Said, said

RETRY_AFTER = ("0", "0.01", "-5", "soon", "1e999", "nan", "99999999999", "Wed, 21 Oct 2015 07:28:00 GMT", "", "½")
WRONG_SHAPES: tuple[Any, ...] = (
    None, 5, "x", [], {}, [1], {"choices": None}, {"choices": {}}, {"choices": []}, {"choices": [None]},
    {"choices": [{}]}, {"choices": [{"message": None}]},
    {"choices": [{"message": {"content": 5}, "finish_reason": "stop"}]},
    {"choices": [{"message": {"content": ["x"]}, "finish_reason": "stop"}]},
    {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]},
    {"choices": [{"message": {"content": "x"}, "finish_reason": 7}]},
    {"choices": [{"message": {"content": "x", "tool_calls": {}}, "finish_reason": "stop"}]},
    {"choices": [{"message": {"content": "x", "tool_calls": [None]}, "finish_reason": "stop"}]},
    {"choices": [{"message": {"content": "x", "tool_calls": [{"function": {}}]}, "finish_reason": "tool_calls"}]},
    {"choices": [{"message": {"content": "x"}, "finish_reason": "stop", "logprobs": {"content": [{"token": 5}]}}]},
    {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": "many"},
    {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": -1}},
    {"choices": [{"delta": {"content": 5}}]}, {"choices": [{"delta": None}]},
    {"choices": [{"delta": {"tool_calls": 5}}]},
    {"error": None}, {"error": "no"}, {"error": {"message": {"message": 5}}},
    {"message": None}, {"message": 5}, {"message": {"content": 5}}, {"message": {"content": None}, "done": True},
    {"message": {"tool_calls": {}}, "done": True}, {"message": {"tool_calls": [5]}, "done": True},
    {"message": {"tool_calls": [{"function": {"name": 5}}]}, "done": True},
    {"message": {"content": "x"}, "done": "yes", "prompt_eval_count": -1, "eval_count": "many"},
    {"message": {"content": "x"}, "logprobs": [{"token": "x", "logprob": None}], "done": True},
    {"message": {"content": "x"}, "logprobs": 5, "done": True}, {"done": True},
)  # fmt: skip
FAULTS = (
    "speaks", "speaks", "wrong shape", "speaks", "wrong shape", "speaks", "truncated", "wrong shape", "speaks",
    "429 told", "429", "500", "503", "400", "401", "404", "418", "redirect", "html", "utf8", "reset",
    "reset in the middle",
    "stall", "stall in the middle", "drip", "slow head", "too long a length", "too short a length", "no length, no end",
    "empty", "no http", "endless head", "bad chunks", "bad gzip", "gzip bomb", "10 MB", "10 MB line", "nul",
)  # fmt: skip


class HostileServer:
    """`url` is its address; `faults` counts what it did."""

    def __init__(self, seed: int, faults: Sequence[str] = FAULTS) -> None:
        self.url = ""
        self.faults: Counter[str] = Counter()
        self._rng = Random(seed)
        self._next = cycle(faults)
        self._shapes = cycle(WRONG_SHAPES)
        self._waits = cycle(RETRY_AFTER)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[HostileServer]:
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._one(reader, writer)
            except (OSError, EOFError, asyncio.CancelledError):
                pass
            finally:
                tasks.discard(task)
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**26)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        length = next((int(line.split(":")[1]) for line in head if line.lower().startswith("content-length:")), 0)
        body = json.loads(await reader.readexactly(length)) if length else {}
        if path == "/api/version":
            await _send(writer, b'{"version": "0.14.1"}')
        elif path == "/api/tags":
            await _send(writer, b'{"models": []}')
        elif path == "/api/show":
            await _send(writer, b'{"model_info": {"a.context_length": 40960}, "capabilities": ["tools"]}')
        else:
            fault = next(self._next)
            self.faults[fault] += 1
            leaving = asyncio.ensure_future(reader.read(1))
            leaving.add_done_callback(lambda task: task.cancelled() or task.exception())
            try:
                await self._answer(fault, path, body, writer, leaving)
            finally:
                leaving.cancel()

    async def _answer(
        self,
        fault: str,
        path: str,
        body: dict[str, Any],
        writer: asyncio.StreamWriter,
        leaving: asyncio.Future[bytes],
    ) -> None:
        stream = bool(body.get("stream")) or path == "/api/chat"
        speak = _ollama if path == "/api/chat" else _openai_stream if stream else _openai
        whole = b"".join(speak(self._said(body)))
        middle = len(whole) // 2
        if fault == "speaks":
            await _send(writer, whole)
        elif fault == "wrong shape":
            shape = json.dumps(next(self._shapes)).encode()
            await _send(writer, shape if speak is not _openai_stream else b"data: " + shape + b"\n\ndata: [DONE]\n\n")
        elif fault == "429 told":
            await _send(writer, b'{"error": "slow down"}', "429 Busy", f"Retry-After: {next(self._waits)}")
        elif fault[:3].isdigit():
            await _send(writer, b'{"error": {"message": "no\\u001b[31m", "code": 5}}', f"{fault} Status")
        elif fault == "redirect":
            await _send(writer, b"", "307 Away", "Location: http://192.0.2.1/elsewhere")
        elif fault == "html":
            await _send(writer, b"<html>\xe2\x80\xa8<b>Bad gateway</b></html>")
        elif fault == "utf8":
            await _send(writer, whole[:middle] + b"\xff\xfe\xc0\x80" + whole[middle:])
        elif fault == "nul":
            await _send(writer, b"\0" * 1000 + whole)
        elif fault == "truncated":
            await _send(writer, whole[:middle])
        elif fault == "too long a length":
            await _raw(writer, f"HTTP/1.1 200 OK\r\nContent-Length: {len(whole) + 50}\r\n\r\n".encode() + whole)
        elif fault == "too short a length":
            await _raw(writer, f"HTTP/1.1 200 OK\r\nContent-Length: {middle}\r\n\r\n".encode() + whole)
        elif fault == "no length, no end":
            await _raw(writer, b"HTTP/1.1 200 OK\r\n\r\n" + whole)
            await asyncio.wait({leaving}, timeout=30)
        elif fault == "empty":
            await _send(writer, b"")
        elif fault == "no http":
            await _raw(writer, b"hello\r\n\r\nwho is there")
        elif fault == "endless head":
            await _raw(writer, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2_000_000)
        elif fault == "bad chunks":
            await _raw(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + whole)
        elif fault == "bad gzip":
            await _send(writer, whole, "200 OK", "Content-Encoding: gzip")
        elif fault == "gzip bomb":
            await _send(writer, gzip.compress(b" " * 3 * MEGABYTES_10), "200 OK", "Content-Encoding: gzip")
        elif fault == "10 MB":
            await _send(writer, b"".join(speak(Said("10 MB", json.dumps({"x": "y" * MEGABYTES_10})))))
        elif fault == "10 MB line":
            await _send(writer, b"x" * 2 * MEGABYTES_10)
        elif fault.startswith("reset"):
            if fault != "reset":
                await _raw(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + whole[:middle])
            # Linger of zero seconds: closing sends RST instead of FIN.
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif fault.startswith("stall"):
            if fault != "stall":
                await _raw(writer, b"HTTP/1.1 200 OK\r\n\r\n" + whole[:middle])
            await asyncio.wait({leaving}, timeout=30)
        elif fault == "slow head":
            await _drip(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", leaving)
        else:
            assert fault == "drip", fault
            await _raw(writer, b"HTTP/1.1 200 OK\r\n\r\n")
            await _drip(writer, b" " * 3000, leaving)

    def _said(self, body: dict[str, Any]) -> Said:
        while True:
            answer = said(self._rng, tools=bool(body.get("tools")))
            if not answer.raises and not answer.seconds and answer.kind not in RARE:
                return answer


async def _raw(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _send(writer: asyncio.StreamWriter, body: bytes, status: str = "200 OK", *more: str) -> None:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *more]
    await _raw(writer, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)


async def _drip(writer: asyncio.StreamWriter, data: bytes, leaving: asyncio.Future[bytes]) -> None:
    for byte in data:
        if leaving.done():
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(leaving), 0.05)
        await _raw(writer, bytes([byte]))


def _openai_calls(answer: Said) -> list[dict[str, Any]]:
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in answer.calls
    ]


def _openai(answer: Said) -> Iterator[bytes]:
    message = {"role": "assistant", "content": answer.text}
    message |= {"tool_calls": _openai_calls(answer)} if answer.calls else {}  # type: ignore[dict-item]
    choice = {"index": 0, "finish_reason": answer.finish, "message": message}
    usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
    whole = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "hostile",
        "choices": [choice],
        "usage": usage,
    }
    yield json.dumps(whole).encode()


def _openai_stream(answer: Said) -> Iterator[bytes]:
    base = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "hostile"}
    middle = len(answer.text) // 2
    deltas: list[dict[str, Any]] = [{"content": answer.text[:middle]}, {"content": answer.text[middle:]}]
    deltas += [{"tool_calls": [{**call, "index": place}]} for place, call in enumerate(_openai_calls(answer))]
    for delta in deltas:
        yield b"data: " + json.dumps({**base, "choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"
    end = {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": answer.finish}]}
    yield b"data: " + json.dumps(end).encode() + b"\n\ndata: [DONE]\n\n"


def _ollama(answer: Said) -> Iterator[bytes]:
    middle = len(answer.text) // 2
    for piece in (answer.text[:middle], answer.text[middle:]):
        yield (
            json.dumps({"model": "hostile", "message": {"role": "assistant", "content": piece}, "done": False}).encode()
            + b"\n"
        )
    calls = [
        {"id": call.id, "function": {"name": call.name, "arguments": _given(call.arguments)}} for call in answer.calls
    ]
    message = {"role": "assistant", "content": "", "tool_calls": calls}
    reason = {"model": "hostile", "done": True, "done_reason": answer.finish, "prompt_eval_count": 5, "eval_count": 5}
    yield json.dumps({**reason, "message": message}).encode() + b"\n"


def _given(arguments: str) -> Any:
    """Ollama sends arguments as JSON and not as text."""
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
