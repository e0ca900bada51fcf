"""The protocol that agentspec speaks, over a model in this process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from concurrent.futures import Future
from importlib.util import find_spec

from agentspec.api import BackendError, BackendUnavailable, Capabilities, ModelBinding, Reply, Request
from agentspec_pocket import wire
from agentspec_pocket.gguf_check import checked
from agentspec_pocket.gguf_read import Header
from agentspec_pocket.loaded import Call, Load, Loaded, default_threads
from agentspec_pocket.locate import locate
from agentspec_pocket.options import PocketOptions
from agentspec_pocket.pool import Pool

_USUAL_CONTEXT = 8192
_SHORT_WORK = 4_000_000_000
"""Bytes of weights read in the longest possible answer (file size times tokens): about a second."""

_TOOLS = re.compile(r"\btools\b")


def open_backend(binding: ModelBinding, pool: Pool) -> PocketBackend:
    """Find and check the model file; llama.cpp loads it when it is first asked.

    Raises `BackendUnavailable`, `ModelMissing` and `ModelBroken`.
    """
    if find_spec("xllamacpp") is None:
        raise BackendUnavailable(
            "`xllamacpp` is not installed, and `pocket` runs models with it", hint="pip install xllamacpp"
        )
    options = binding.options if isinstance(binding.options, PocketOptions) else PocketOptions()
    path = locate(binding.model, binding.folder)
    header = checked(path)
    status = path.stat()
    template = header.text("tokenizer.chat_template")
    tools, thinks = bool(_TOOLS.search(template)), "enable_thinking" in template
    load = Load(
        path=path,
        changed_ns=status.st_mtime_ns,
        size=status.st_size,
        threads=options.threads or default_threads(status.st_size),
        context=_context(header, options),
        parallel=options.parallel,
        gpu_layers=options.gpu_layers,
        plain=not tools and "think" not in template,
    )
    return PocketBackend(binding.model, options, load, pool, tools=tools, thinks=thinks)


def _context(header: Header, options: PocketOptions) -> int:
    trained = header.number(f"{header.text('general.architecture')}.context_length") or _USUAL_CONTEXT
    return min(trained, options.context or _USUAL_CONTEXT)


class PocketBackend:
    """One binding of a model in this process; see `agentspec.api.Backend`."""

    def __init__(self, name: str, options: PocketOptions, load: Load, pool: Pool, *, tools: bool, thinks: bool) -> None:
        self._name = name
        self._options = options
        self.load = load
        self._thinks = thinks
        self._pool = pool
        self.model: Loaded | None = pool.acquire(load, lambda: Loaded(load))
        self._capabilities = Capabilities(
            structured="constrained", tools=tools, logprobs=True, context_tokens=load.context, remote=False
        )

    @property
    def capabilities(self) -> Capabilities:
        """What the file's header says that the model can do."""
        return self._capabilities

    async def generate(self, request: Request) -> Reply:
        """Ask once. Cancelling the task ends the generation with its next token.

        Short work is not asked for in pieces, which saves a tenth of the time of a small model; when it is
        cancelled it runs to its end, for about a second at most, and is thrown away.
        """
        watch = _Watch(wire.longest(request, self._options), self.load.context)
        call = Call(watch.too_long)
        future = self._submit(request, call, watch, in_pieces=not self._is_short(watch))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            call.cancelled = True
            raise

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        """Yield the text as it comes and, last, the reply. Leaving the loop ends the generation."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[str | None] = asyncio.Queue()
        watch = _Watch(wire.longest(request, self._options), self.load.context)

        def tell(text: str | None) -> None:
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, text)
            except RuntimeError:  # the loop is closed, and nobody listens
                call.cancelled = True

        def on_chunk(chunk: bytes, number: int) -> bool:
            if watch.too_long(chunk, number):
                return True
            text = wire.piece(chunk)
            if text:
                tell(text)
            return False

        call = Call(on_chunk)
        future = self._submit(request, call, watch, in_pieces=True)
        future.add_done_callback(lambda _: tell(None))
        try:
            while (text := await arrived.get()) is not None:
                yield text
            reply: Reply = await asyncio.wrap_future(future)
            yield reply
        finally:
            call.cancelled = True
            future.cancel()

    async def close(self) -> None:
        """Give the model back; the last user frees its memory."""
        if self.model is None:
            return
        self.model = None
        last = self._pool.release(self.load)
        if last is not None:
            await asyncio.to_thread(last.close)

    def _is_short(self, watch: _Watch) -> bool:
        return self.load.size * min(watch.answer or watch.context, watch.context) <= _SHORT_WORK

    def _submit(self, request: Request, call: Call, watch: _Watch, *, in_pieces: bool) -> Future[Reply]:
        if self.model is None:
            raise BackendError(f"`pocket/{self._name}` was closed")
        body = wire.encode(request, self._options, in_pieces=in_pieces, thinks=self._thinks)

        def finish(call: Call) -> Reply:
            if watch.problem is None:
                reply = wire.decode(call.chunks, request, self._name)
                watch.check(reply.usage.tokens_in)
            if watch.problem is not None:
                raise watch.problem
            return reply

        return self.model.submit(body, call, finish)


class _Watch:
    """Sees to it that prompt and answer have room in the context.

    The first of many chunks tells the length of the prompt before anything is generated; an answer in one
    chunk tells it with the answer.
    """

    def __init__(self, answer: int | None, context: int) -> None:
        self.answer = answer
        self.context = context
        self.problem: BackendError | None = None

    def too_long(self, chunk: bytes, number: int) -> bool:
        """Look at a chunk; returns whether to stop."""
        if number == 1 and self.answer is not None:
            self.check(wire.prompt_tokens(chunk))
        return self.problem is not None

    def check(self, prompt: int | None) -> None:
        if prompt is not None and self.answer is not None and prompt + self.answer > self.context:
            self.problem = wire.overflow(prompt, self.answer, self.context)
