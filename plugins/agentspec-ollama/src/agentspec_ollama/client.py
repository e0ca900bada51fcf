"""HTTP to an Ollama server. Imports `ollama`, hence is itself imported at the first call only.

The session, its headers and its key are those of `ollama.AsyncClient`. The calls are our own, because
`AsyncClient.chat` (0.6.3) drops nested objects and `anyOf` from the parameters of tools, has no `truncate`,
replaces bytes that are not UTF-8 without a word, and takes U+0085 in a text for the end of a line.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any

import httpx
from ollama import AsyncClient, ResponseError

from agentspec.api import BackendError
from agentspec_ollama import failures
from agentspec_ollama.failures import Target

_LONGEST_LINE = 16 * 1024 * 1024
_LONGEST_ERROR = 64 * 1024
_CONNECT_S = 10.0


class Client(AsyncClient):
    """Calls of one server; every failure is a `BackendError`."""

    def __init__(self, target: Target) -> None:
        self._target = target
        timeout = httpx.Timeout(target.timeout_s, connect=min(_CONNECT_S, target.timeout_s), pool=None)
        # A proxy or a redirect would carry a prompt for this machine to another one.
        super().__init__(
            target.url,
            timeout=timeout,
            follow_redirects=False,
            trust_env=not target.local,
            limits=httpx.Limits(max_connections=None),
        )

    async def show_raw(self) -> Mapping[str, Any]:
        """`POST /api/show`: unlike `show`, with `remote_host`. Raises `BackendError`."""
        return await self._one("POST", "/api/show", {"model": self._target.model})

    async def version(self) -> str:
        """`GET /api/version`. Raises `BackendError`."""
        return str((await self._one("GET", "/api/version", None)).get("version", ""))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def installed(self) -> list[str]:
        """Return the names of `GET /api/tags`, none when that fails."""
        try:
            with self._translated():
                listed = await self.list()
        except BackendError:
            return []
        return [model.model for model in listed.models if model.model]

    async def chat_parts(self, body: Mapping[str, Any], window: int | None) -> AsyncGenerator[Mapping[str, Any], None]:
        """`POST /api/chat`, one object per line. Raises `BackendError`."""
        async with aclosing(self._lines("POST", "/api/chat", body, window)) as lines:
            async for line in lines:
                part = self._parsed(line)
                if part.get("error"):
                    raise failures.from_status(self._target, 500, line.decode(), None, window)
                yield part

    async def _one(self, method: str, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        async with aclosing(self._lines(method, path, body, None)) as lines:
            return self._parsed(b"".join([line async for line in lines]))

    async def _lines(
        self, method: str, path: str, body: Mapping[str, Any] | None, window: int | None
    ) -> AsyncGenerator[bytes, None]:
        # ASCII: a lone surrogate in a prompt travels as an escape instead of failing here.
        content = None if body is None else json.dumps(body).encode("ascii")
        buffer = bytearray()
        with self._translated():
            async with self._client.stream(method, path, content=content) as response:
                if response.status_code != 200:
                    raise await self._refusal(response, window)
                async for chunk in response.aiter_bytes():
                    buffer += chunk
                    *lines, rest = buffer.split(b"\n")
                    buffer = bytearray(rest)
                    for line in lines:
                        if line.strip():
                            yield bytes(line)
                    if len(buffer) > _LONGEST_LINE:
                        raise failures.foreign(self._target, "a line without an end")
        if buffer.strip():
            yield bytes(buffer)

    async def _refusal(self, response: httpx.Response, window: int | None) -> BackendError:
        raw = bytearray()
        async for chunk in response.aiter_bytes():
            raw += chunk
            if len(raw) > _LONGEST_ERROR:
                break
        text = raw.decode(errors="replace")
        if response.status_code == 404 and "model" in text and '"error"' in text:
            return failures.missing(self._target, await self.installed())
        wait_s = _seconds(response.headers.get("retry-after"))
        return failures.from_status(self._target, response.status_code, text, wait_s, window)

    def _parsed(self, line: bytes) -> Mapping[str, Any]:
        try:
            part = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise failures.foreign(self._target, "a line that is not UTF-8") from error
        except (ValueError, RecursionError) as error:
            raise failures.foreign(self._target, f"`{line[:60].decode(errors='replace')}` is no JSON") from error
        if not isinstance(part, dict):
            raise failures.foreign(self._target, f"`{line[:60].decode()}` is no object")
        return part

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what httpx, the client and pydantic raise into our errors."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise failures.slow(self._target) from error
        except (httpx.ConnectError, ConnectionError) as error:
            raise failures.silent(self._target) from error
        except (httpx.TransportError, RuntimeError) as error:
            # httpx tells with a `RuntimeError` that the session was closed meanwhile.
            raise failures.broken_off(self._target) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failures.foreign(self._target, str(error)) from error
        except (ResponseError, ValueError, TypeError, AttributeError) as error:
            # What the client's own parsing lets through: pydantic and json errors are `ValueError`.
            raise failures.foreign(self._target, f"{type(error).__name__}: {error}") from error


def _seconds(value: str | None) -> float | None:
    try:
        return max(float(value), 0.0) if value else None
    except ValueError:
        return None
