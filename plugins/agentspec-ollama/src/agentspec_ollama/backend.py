"""One model of an Ollama server, asked always as a stream."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import import_module
from typing import TYPE_CHECKING

from agentspec.api import BackendRefused, Capabilities, ModelBinding, Reply, Request
from agentspec_ollama import failures, window, wire
from agentspec_ollama.failures import PromptTooLong, Target
from agentspec_ollama.host import is_loopback, server_url
from agentspec_ollama.options import OllamaOptions

if TYPE_CHECKING:
    from agentspec_ollama.client import Client


_MOST_GROWTHS = 3
"""How often a refused prompt is sent again with a larger `num_ctx`."""


class OllamaBackend:
    """Asks `/api/chat`; learns the model's context and abilities from `/api/show` before the first call."""

    def __init__(self, binding: ModelBinding) -> None:
        self._options: OllamaOptions = binding.options
        host = self._options.host or os.environ.get("OLLAMA_HOST")
        try:
            url = server_url(host)
        except ValueError as error:
            hint = "write it like `127.0.0.1:11434` or `http://gpu-box:11434`, under `host:` or in OLLAMA_HOST"
            raise BackendRefused(f"`{host}` is not the address of a server", hint=hint) from error
        self._target = Target(url, binding.model, is_loopback(url), self._options.timeout_s)
        self._offline = binding.offline
        self._client: Client | None = None
        self._facts: wire.Facts | None = None
        self._logprobs = True
        self._window = 0
        self._first = asyncio.Lock()
        self._closed = False
        if self._offline and not self._target.local:
            raise failures.offline(self._target)
        if self._offline and self._cloud:
            raise failures.offline_cloud(self._target)

    @property
    def capabilities(self) -> Capabilities:
        """Before the first call what Ollama can do at best, afterwards what this model and server can."""
        known = self._facts
        maximum = known.maximum if known else None
        wanted = self._options.num_ctx
        return Capabilities(
            structured="native",
            tools=known.tools if known else True,
            logprobs=self._logprobs,
            context_tokens=min(wanted, maximum) if wanted and maximum else wanted or maximum,
            remote=not self._target.local or self._cloud,
        )

    @property
    def _cloud(self) -> bool:
        """A local server passes such models on to ollama.com."""
        named = self._target.model.endswith(("-cloud", ":cloud"))
        return named or (self._facts is not None and self._facts.cloud)

    async def generate(self, request: Request) -> Reply:
        """Ask once. Raises `BackendError`."""
        async with aclosing(self._ask(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Reply):
                    return piece
        raise failures.broken_off(self._target)

    def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        """Yield pieces of text and, last, the whole `Reply`. Raises `BackendError`."""
        return self._ask(request)

    async def close(self) -> None:
        """Close the connections. A call that follows, or that is under way, raises `BackendError`."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _ask(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        client, known = await self._ready()
        num_ctx = self._num_ctx(request, known, window.likely_tokens(request))
        for growth in range(_MOST_GROWTHS + 1):
            try:
                async with aclosing(self._chat(client, request, known, num_ctx)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except PromptTooLong as error:
                # The server refused before the first piece. Unless `num_ctx` is given, there may be room.
                tokens = error.tokens or window.least_tokens(request)
                larger = self._num_ctx(request, known, max(tokens, num_ctx or 0))
                if num_ctx is None or larger is None or larger <= num_ctx or growth == _MOST_GROWTHS:
                    prompt = str(error.tokens) if error.tokens else f"more than {num_ctx or known.maximum}"
                    raise failures.overflow(
                        self._target,
                        prompt,
                        num_ctx or known.maximum or 0,
                        known.maximum,
                    ) from error
                num_ctx = larger

    async def _chat(
        self, client: Client, request: Request, known: wire.Facts, num_ctx: int | None
    ) -> AsyncGenerator[str | Reply, None]:
        least = window.least_tokens(request)
        holds = num_ctx or known.maximum
        if holds is not None and least >= holds:
            raise failures.overflow(self._target, f"at least {least}", holds, known.maximum)
        answer = wire.Answer(
            self._target.model,
            sum(len(message.tool_calls) for message in request.messages),
        )
        body = wire.chat_body(self._target.model, request, self._options, num_ctx)
        async with aclosing(client.chat_parts(body, num_ctx)) as parts:
            async for part in parts:
                try:
                    piece = answer.add(part)
                except wire.ProtocolBroken as error:
                    raise failures.foreign(self._target, str(error)) from error
                if piece:
                    yield piece
        if not answer.done:
            raise failures.broken_off(self._target)
        read = answer.tokens_in
        if read is not None and num_ctx is not None:
            # An old server cuts in silence. Newer ones may leave cached tokens out of the count.
            dropped = not known.refuses and read < least
            if dropped or read >= num_ctx:
                raise failures.cut(self._target, read, max(least, read), num_ctx, known.maximum)
        native = request.output is not None and not request.tools
        reply = answer.reply(native=native, usd=None if self._cloud else 0.0)
        if request.logprobs and reply.text:
            self._logprobs = reply.logprobs is not None
        yield reply

    def _num_ctx(self, request: Request, known: wire.Facts, prompt: int) -> int | None:
        """Return the window to ask for; None in the cloud, which has always the model's own."""
        if self._cloud:
            return None
        if self._options.num_ctx is not None:
            return min(self._options.num_ctx, known.maximum or self._options.num_ctx)
        answer = request.max_tokens or self._options.max_tokens
        self._window = window.window_for(prompt, answer, at_least=self._window, maximum=known.maximum)
        return self._window

    async def _ready(self) -> tuple[Client, wire.Facts]:
        async with self._first:
            if self._closed:
                raise failures.closed(self._target)
            if self._client is None:
                module = await asyncio.to_thread(import_module, "agentspec_ollama.client")
                self._client = module.Client(self._target)
            if self._facts is None:
                try:
                    shown = await self._client.show_raw()
                    self._facts = wire.facts(shown, await self._client.version())
                except wire.ProtocolBroken as error:
                    raise failures.foreign(self._target, str(error)) from error
            if self._offline and self._cloud:
                raise failures.offline_cloud(self._target)
            return self._client, self._facts
