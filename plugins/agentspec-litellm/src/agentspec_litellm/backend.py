"""One model behind litellm."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from agentspec.api import BackendError, Capabilities, ModelBinding, Reply, Request
from agentspec_litellm import failures, sdk, wire
from agentspec_litellm.abilities import Abilities, abilities, price
from agentspec_litellm.failures import Target
from agentspec_litellm.options import LitellmOptions
from agentspec_litellm.schema import ResponseFormat, response_format


class LitellmBackend:
    """Asks through `litellm.acompletion`, which is imported at the first call."""

    def __init__(self, binding: ModelBinding) -> None:
        options: LitellmOptions = binding.options
        self._options = options
        key = options.key.get_secret_value() if options.key else None
        local = is_loopback(options.base_url)
        self._target = Target(binding.model, options.base_url, local, options.timeout_s, key or None)
        self._able: Abilities | None = None
        self._refused: set[str] = set()
        self._open = False
        self._closed = False
        if binding.offline and not local:
            raise failures.offline(self._target)

    @property
    def capabilities(self) -> Capabilities:
        """Before the first call what providers can do at best, afterwards what litellm knows of the model."""
        known = self._options.context_tokens or (self._able.context_tokens if self._able else None)
        return Capabilities(
            structured="native" if self._takes("response_format") else "none",
            tools=self._takes("tools"),
            logprobs=self._takes("logprobs"),
            context_tokens=known,
            remote=not self._target.local,
        )

    def _takes(self, parameter: str) -> bool:
        return parameter not in self._refused and (self._able is None or self._able.takes(parameter))

    async def generate(self, request: Request) -> Reply:
        """Ask once. Raises `BackendError`."""
        async with aclosing(self._ask(request, stream=False)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Reply):
                    return piece
        raise failures.broken_off(self._target)

    def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        """Yield pieces of text and, last, the whole `Reply`. Raises `BackendError`."""
        return self._ask(request, stream=True)

    async def close(self) -> None:
        """Give the connections back. A call that follows raises `BackendError`."""
        self._closed = True
        if self._open:
            self._open = False
            await sdk.leave()

    async def _ask(self, request: Request, *, stream: bool) -> AsyncGenerator[str | Reply, None]:
        self._check_length(request)
        litellm = await self._ready()
        names = wire.ToolNames(request)
        while True:
            format_ = self._format(request)
            call = self._call(litellm, request, names, format_, stream)
            answer = wire.Answer(names)
            try:
                response = await litellm.acompletion(**call)
                if stream:
                    async with aclosing(self._pieces(response, answer)) as pieces:
                        async for piece in pieces:
                            # The envelope of a value that is no object is not part of the answer.
                            if not (format_ and format_.wrapped):
                                yield piece
                else:
                    answer.add(response)
            except wire.Withheld as error:
                raise failures.withheld(self._target, str(error)) from None
            except BackendError:
                raise
            # litellm raises whatever it and its clients meet.
            except Exception as error:
                if not answer.texts and self._learn(error, call):
                    continue
                ours = failures.translated(error, self._target)
                raise ours from (error if failures.masked(str(error), self._target) == str(error) else None)
            if not answer.finish:
                raise failures.broken_off(self._target)
            reply = answer.reply(format_, self._usd(litellm, answer))
            if stream and format_ and format_.wrapped:
                yield reply.text
            yield reply
            return

    async def _pieces(self, response: Any, answer: wire.Answer) -> AsyncGenerator[str, None]:
        try:
            async for chunk in response:
                piece = answer.add(chunk)
                if piece:
                    yield piece
            # Where the provider gives no reason to finish, litellm makes one up.
            if getattr(response, "received_finish_reason", answer.finish) is None:
                raise failures.broken_off(self._target)
        finally:
            raw = getattr(response, "completion_stream", None)
            close = getattr(raw, "close", None) or getattr(raw, "aclose", None)
            if close is not None:
                await close()

    def _check_length(self, request: Request) -> None:
        """Refuse a prompt with more words than the context has tokens: a token never holds two words."""
        holds = self.capabilities.context_tokens
        least = sum(len(message.content.split()) for message in request.messages)
        if holds is not None and least >= holds:
            raise failures.too_long(self._target, least, holds)

    def _format(self, request: Request) -> ResponseFormat | None:
        if request.output is None or not self._takes("response_format"):
            return None
        return response_format(request.output)

    def _call(
        self,
        litellm: Any,
        request: Request,
        names: wire.ToolNames,
        format_: ResponseFormat | None,
        stream: bool,
    ) -> dict[str, Any]:
        options = self._options
        settings = {
            "temperature": options.temperature if request.temperature is None else request.temperature,
            "max_tokens": request.max_tokens or options.max_tokens,
            "stop": list(request.stop) or None,
            "response_format": format_.sent if format_ else None,
            # Best effort: a provider without them gives the same answer.
            "seed": (options.seed if request.seed is None else request.seed) if self._takes("seed") else None,
            "logprobs": True if request.logprobs and self._takes("logprobs") else None,
            "api_base": options.base_url,
            # litellm would send a key from the environment, made for a provider, to any other address.
            "api_key": self._target.key or ("none" if options.base_url else None),
            "api_version": options.api_version,
            "organization": options.organization,
        }
        call: dict[str, Any] = {
            "model": self._target.model,
            "messages": wire.messages(request.messages, names),
            "timeout": options.timeout_s,
            "num_retries": 0,
            "max_retries": 0,
        }
        call |= {name: value for name, value in settings.items() if value is not None}
        if request.tools:
            call |= {"tools": wire.tools(request, names)} | sdk.for_tools(litellm)
        if stream:
            call |= {"stream": True, "stream_options": {"include_usage": True}}
        return call | self._extra(options.extra)

    def _extra(self, extra: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings that litellm knows as they are, the others as part of the request's body."""
        known = self._able.parameters if self._able and self._able.parameters else frozenset()
        call = {name: value for name, value in extra.items() if name in known}
        body = {name: value for name, value in extra.items() if name not in known}
        return call | ({"extra_body": body} if body else {})

    def _learn(self, error: Exception, call: Mapping[str, Any]) -> bool:
        """Remember what this model does not take; tell whether the call is worth repeating without it."""
        if getattr(error, "status_code", None) not in (400, 422):
            return False
        text = str(error).lower()
        for parameter, words in _REFUSABLE.items():
            if parameter in call and any(word in text for word in words):
                self._refused.add(parameter)
                return True
        return False

    def _usd(self, litellm: Any, answer: wire.Answer) -> float | None:
        if self._able is None or not self._able.priced or answer.usage is None:
            return None
        response = litellm.ModelResponse(model=answer.model, usage=answer.usage)
        return price(litellm, self._target.model, response)

    async def _ready(self) -> Any:
        litellm = await sdk.load()
        if self._closed:
            raise failures.closed(self._target)
        if self._target.local:
            sdk.keep_loopback_direct()
        if self._able is None:
            self._able = abilities(litellm, self._target.model, self._options.base_url)
        if not self._open:
            self._open = True
            sdk.enter()
        return litellm


_REFUSABLE = {
    "response_format": ("response_format", "json_schema", "schema", "grammar"),
    "logprobs": ("logprobs",),
}


def is_loopback(url: str | None) -> bool:
    """Tell whether a server is this machine; no address means a remote provider."""
    name = (urlsplit(url).hostname or "") if url else ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
