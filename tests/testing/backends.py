"""A backend that keeps every rule, and many that break one each."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from pydantic import BaseModel, SecretStr

from agentspec.api import (
    BackendError,
    BackendFactory,
    BackendRefused,
    Capabilities,
    ContextOverflow,
    ModelBinding,
    ModelMissing,
    Options,
    Reply,
    Request,
    TokenLogprob,
    ToolCall,
    Usage,
)
from agentspec.testing.fake import first_value

CONTEXT = 5000


class GoodOptions(Options):
    key: SecretStr | None = None


class Good:
    """Repeats what it hears, word by word, fills schemas, and calls the first tool that it is offered."""

    model = "good"
    pause_s = 0.0

    def __init__(self, binding: ModelBinding) -> None:
        if binding.model != self.model:
            raise ModelMissing(f"there is no model `{binding.model}`")
        self.options = binding.options
        self.closed = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("constrained", tools=True, logprobs=True, context_tokens=CONTEXT, remote=False)

    async def generate(self, request: Request) -> Reply:
        return await self.last_of(self.stream(request))

    async def last_of(self, pieces: AsyncIterator[str | Reply]) -> Reply:
        async for piece in pieces:
            if isinstance(piece, Reply):
                return piece
        raise AssertionError("no reply")

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        if self.closed:
            raise BackendError("it was closed")
        tokens_in = sum(len(message.content.split()) for message in request.messages) or 1
        if tokens_in >= CONTEXT:
            raise self.overflow(tokens_in)
        calls = self.calls(request)
        words = [] if calls else self.words(request)
        finish = "tool_calls" if calls else "stop"
        limit = self.limit(request)
        if limit is not None and len(words) > limit:
            words, finish = words[:limit], "length"
        said: list[str] = []
        for word in words:
            await asyncio.sleep(self.pause_s)
            said.append(word)
            yield word
        reply = Reply(
            "".join(said),
            calls,
            Usage(tokens_in, len(said) or 1, 0, 0.0),
            finish,  # type: ignore[arg-type]
            "constrained" if request.output is not None else "none",
            tuple(TokenLogprob(word, -0.1) for word in said) if request.logprobs and said else None,
            self.model,
        )
        yield self.finished(reply)

    def limit(self, request: Request) -> int | None:
        return request.max_tokens

    def overflow(self, tokens: int) -> BackendError:
        return ContextOverflow(f"the prompt has {tokens:,} tokens, the context holds {CONTEXT:,}")

    def calls(self, request: Request) -> tuple[ToolCall, ...]:
        if not request.tools or request.messages[-1].role == "tool":
            return ()
        tool = request.tools[0]
        return (ToolCall("call_1", tool.name, first_value(tool.parameters)),)

    def words(self, request: Request) -> list[str]:
        text = self.text(request)
        for word in request.stop:
            text = text.partition(word)[0]
        return [word if place == 0 else f" {word}" for place, word in enumerate(text.split(" "))] if text else []

    def text(self, request: Request) -> str:
        if request.output is not None:
            return json.dumps(first_value(request.output), ensure_ascii=False)
        return request.messages[-1].content if request.messages else ""

    def finished(self, reply: Reply) -> Reply:
        return reply

    async def close(self) -> None:
        self.closed = True


def changed(reply: Reply, **fields: Any) -> Reply:
    from dataclasses import replace

    return replace(reply, **fields)


class WrongValues(Good):
    def text(self, request: Request) -> str:
        return "{}" if request.output and "kind" in request.output.get("properties", ()) else super().text(request)


class WrongEnforced(Good):
    def finished(self, reply: Reply) -> Reply:
        return changed(reply, enforced="native" if reply.enforced == "constrained" else "none")


class NoTools(Good):
    def calls(self, request: Request) -> tuple[ToolCall, ...]:
        return ()


class RefusesTools(Good):
    def calls(self, request: Request) -> tuple[ToolCall, ...]:
        if request.tools:
            raise BackendRefused("no tools, please")
        return ()


class SecretTools(Good):
    """Calls tools and says that it does not."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("constrained", logprobs=True, context_tokens=CONTEXT)


class ForgetsCalls(Good):
    def text(self, request: Request) -> str:
        return "" if request.messages and request.messages[-1].role == "tool" else super().text(request)


class TwinIds(Good):
    def calls(self, request: Request) -> tuple[ToolCall, ...]:
        return super().calls(request) * 2


class HighLogprobs(Good):
    def finished(self, reply: Reply) -> Reply:
        return changed(reply, logprobs=reply.logprobs and tuple(TokenLogprob(x.text, 0.9) for x in reply.logprobs))


class OtherLogprobs(Good):
    def finished(self, reply: Reply) -> Reply:
        return changed(reply, logprobs=reply.logprobs and reply.logprobs[1:])


class NoLogprobs(Good):
    def finished(self, reply: Reply) -> Reply:
        return changed(reply, logprobs=None)


class SilentOverflow(Good):
    def overflow(self, tokens: int) -> BackendError:
        return ContextOverflow("the prompt is too long")


class RefusedOverflow(Good):
    def overflow(self, tokens: int) -> BackendError:
        return BackendRefused(f"{tokens} are more than {CONTEXT}")


class Phones(Good):
    """Says that it is local and asks another machine."""

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.connect(("192.0.2.1", 9))  # a datagram socket: nothing is sent
        async for piece in super().stream(request):
            yield piece


class PhonesAtOnce(Good):
    def __init__(self, binding: ModelBinding) -> None:
        super().__init__(binding)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.connect(("127.0.0.1", 9))


class ZeroUsage(Good):
    def finished(self, reply: Reply) -> Reply:
        return changed(reply, usage=Usage(0, 0, 0, 0.0))


class NegativeCost(Good):
    def finished(self, reply: Reply) -> Reply:
        return changed(reply, usage=Usage(None, None, None, -1.0))


class OddFinish(Good):
    def finished(self, reply: Reply) -> Reply:
        return changed(reply, finish="end_turn" if reply.finish == "stop" else reply.finish)


class Endless(Good):
    def limit(self, request: Request) -> int | None:
        return None


class CutsInSilence(Good):
    def finished(self, reply: Reply) -> Reply:
        return changed(reply, finish="stop") if reply.finish == "length" else reply


class Unstoppable(Good):
    def words(self, request: Request) -> list[str]:
        return super().words(Request(request.messages, request.output))


class Moody(Good):
    mood = 0

    def text(self, request: Request) -> str:
        if request.output is None and request.temperature == 1.0:
            Moody.mood += 1
            return f"{self.mood} times"
        return super().text(request)


class Scribbles(Good):
    def text(self, request: Request) -> str:
        text = super().text(request)
        if isinstance(request.output, dict):
            request.output.setdefault("additionalProperties", False)
            request.output["title"] = "answer"
        return text


class LosesPieces(Good):
    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        count = 0
        async for piece in super().stream(request):
            count += 1
            if count != 2 or isinstance(piece, Reply):
                yield piece


class NoLastReply(Good):
    async def generate(self, request: Request) -> Reply:
        return await self.last_of(Good.stream(self, request))

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        async for piece in super().stream(request):
            yield piece
            if isinstance(piece, Reply):
                yield "\n"


class Ascii(Good):
    def text(self, request: Request) -> str:
        text = super().text(request)
        if request.output is not None:
            return text.replace("\u2028", "").replace("\u0085", "")
        return text


class NoSystem(Good):
    def text(self, request: Request) -> str:
        if len(request.messages) > 1 and request.messages[0].role == "system":
            raise BackendRefused("conversations begin with a user")
        return super().text(request)


class ShortSighted(Good):
    def text(self, request: Request) -> str:
        if any(len(message.content) > 10_000 for message in request.messages):
            raise BackendRefused("too much text")
        return super().text(request)


class Stubborn(Good):
    """Finishes what it has begun, whoever cancels it."""

    pause_s = 0.002

    async def generate(self, request: Request) -> Reply:
        task = asyncio.ensure_future(super().generate(request))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if len(request.messages[0].content) < 100:
                raise
            await asyncio.sleep(3)
            return await task


class LeavesTasks(Good):
    """A cancelled call goes on in the background."""

    pause_s = 0.002

    async def generate(self, request: Request) -> Reply:
        task = asyncio.ensure_future(super().generate(request))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            _LEFT.append(asyncio.ensure_future(asyncio.sleep(3600)))  # longer than a busy machine takes
            raise


class LeavesStreams(Good):
    """A stream that is left keeps its connection."""

    pause_s = 0.002

    async def generate(self, request: Request) -> Reply:
        return await self.last_of(Good.stream(self, request))

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        pair = socket.socketpair()
        done = False
        try:
            async for piece in super().stream(request):
                yield piece
            done = True
        finally:
            if done or self.closed:
                for end in pair:
                    end.close()
            else:
                _LEFT.append(pair)


_LEFT: list[Any] = []


class MixesUp(Good):
    """Keeps what it was asked last in itself."""

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        self.last = request
        await asyncio.sleep(0.001)
        now = self.last if request.output is not None and self.last.output is not None else request
        async for piece in super().stream(now):
            yield piece


class Blocks(Good):
    pause_s = 0.0

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        if len(request.messages) == 1 and request.messages[0].content.startswith("Count") and request.max_tokens == 200:
            time.sleep(1.2)
        async for piece in super().stream(request):
            yield piece


class Reopens(Good):
    async def close(self) -> None:
        pass


class ClosesOnce(Good):
    async def close(self) -> None:
        if self.closed:
            raise BackendError("it is closed already")
        self.closed = True


class KeepsSockets(Good):
    def __init__(self, binding: ModelBinding) -> None:
        super().__init__(binding)
        _LEFT.append(socket.socketpair())


class LetsOut(Good):
    def text(self, request: Request) -> str:
        if request.output is not None and "pattern" in request.output:
            raise KeyError("pattern")
        return super().text(request)


class Chatty(Good):
    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        print("loading model", file=sys.stderr)
        async for piece in super().stream(request):
            yield piece


class Betrays(Good):
    def __init__(self, binding: ModelBinding) -> None:
        key = binding.options.key.get_secret_value() if binding.options.key else ""
        if binding.model != self.model:
            raise ModelMissing(f"nobody knows {binding.model} (asked with {key})")
        super().__init__(binding)


class AnyModel(Good):
    def __init__(self, binding: ModelBinding) -> None:
        self.options = binding.options
        self.closed = False


class OddCapabilities(Good):
    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("constrained", tools=True, logprobs=True, context_tokens=0)


class OpenOptions(BaseModel):
    key: SecretStr | None = None


def made(create: Callable[[ModelBinding], Any], **fields: Any) -> BackendFactory:
    given: dict[str, Any] = {"options": GoodOptions, "description": "repeats what it hears", "models": ("good",)}
    return BackendFactory(**({"name": "good", "create": create} | given | fields))


BAD: dict[str, tuple[str, BackendFactory]] = {
    "a name of two words": ("B01", made(Good, name="Good One")),
    "no description": ("B01", made(Good, description="")),
    "options that take any key": ("B02", made(Good, options=OpenOptions)),
    "the network at creation": ("B04", made(PhonesAtOnce)),
    "every model is there": ("B05", made(AnyModel)),
    "a key in a message": ("B06", made(Betrays)),
    "a context of 0 tokens": ("B07", made(OddCapabilities)),
    "another machine in secret": ("B08", made(Phones)),
    "values that no schema admits": ("B09", made(WrongValues)),
    "enforced in another way": ("B10", made(WrongEnforced)),
    "tools declared, never called": ("B11", made(NoTools)),
    "tools declared, refused": ("B11", made(RefusesTools)),
    "tools not declared, called": ("B11", made(SecretTools)),
    "log-probabilities above 0": ("B12", made(HighLogprobs)),
    "log-probabilities of another text": ("B12", made(OtherLogprobs)),
    "log-probabilities declared, none there": ("B12", made(NoLogprobs)),
    "overflow without numbers": ("B13", made(SilentOverflow)),
    "overflow as something else": ("B13", made(RefusedOverflow)),
    "no answer to a result": ("B14", made(ForgetsCalls)),
    "two calls with one id": ("B14", made(TwinIds)),
    "usage of 0": ("B15", made(ZeroUsage)),
    "costs below 0": ("B15", made(NegativeCost)),
    "a finish of its own": ("B16", made(OddFinish)),
    "max_tokens ignored": ("B17", made(Endless)),
    "an answer cut in silence": ("B17", made(CutsInSilence)),
    "stop ignored": ("B18", made(Unstoppable)),
    "a seed ignored": ("B19", made(Moody)),
    "a schema written on": ("B20", made(Scribbles)),
    "a piece lost": ("B21", made(LosesPieces)),
    "something after the reply": ("B21", made(NoLastReply)),
    "characters lost": ("B22", made(Ascii)),
    "system messages refused": ("B23", made(NoSystem)),
    "long texts refused": ("B24", made(ShortSighted)),
    "cancelling ignored": ("B25", made(Stubborn)),
    "cancelling leaves tasks": ("B25", made(LeavesTasks)),
    "leaving a stream leaves sockets": ("B26", made(LeavesStreams)),
    "answers of other calls": ("B27", made(MixesUp)),
    "other tasks stand still": ("B28", made(Blocks)),
    "answers after close": ("B29", made(Reopens)),
    "a second close fails": ("B29", made(ClosesOnce)),
    "sockets after close": ("B30", made(KeepsSockets)),
    "a foreign exception": ("B31", made(LetsOut)),
    "words on stderr": ("B32", made(Chatty)),
}
