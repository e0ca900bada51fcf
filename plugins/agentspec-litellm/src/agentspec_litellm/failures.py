"""What can go wrong between us and a provider, in our words, and never with a key in them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from agentspec.api import (
    BackendError,
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    ContextOverflow,
    ModelMissing,
    OfflineRefused,
    RateLimited,
)

_PREFIX = re.compile(r"^(?:litellm\.\w+: |\w+(?:Error|Timeout|Exception): |\w+Exception - |Error code: \d+ - )+")
_CONTEXT = re.compile(
    r"context[ _](?:length|size|window)|maximum context|too many tokens|prompt is too long", re.IGNORECASE
)
_TIMED_OUT = re.compile(r"timeout on reading data|read timeout|timed out", re.IGNORECASE)
"""How a timeout in mid stream is told: there litellm keeps the words and loses the class."""
_NO_KEY = re.compile(r"missing credentials|missing \w+ api key|api[_ ]key[^.]*must be set", re.IGNORECASE)
_NO_JSON = re.compile(r"Expecting (?:property name|value|'.' delimiter)|Unterminated string|Extra data")
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_SHORTEST_SECRET = 8
_LONGEST_QUOTE = 300
_LONGEST_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Target:
    """What a message is about. `key` is here to be masked."""

    model: str
    base_url: str | None
    local: bool
    timeout_s: float
    key: str | None = None

    @property
    def provider(self) -> str:
        """The part of the model before the first slash."""
        name, slash, _ = self.model.partition("/")
        return name if slash else f"the provider of `{name}`"

    @property
    def where(self) -> str:
        """Who answers, for a message."""
        if self.base_url is None:
            return self.provider
        parts = urlsplit(self.base_url)
        # Without a user's name and password.
        return f"the server at {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def variable(self) -> str:
        """The variable that by custom holds the key."""
        name, slash, _ = self.model.partition("/")
        return f"{re.sub(r'[^A-Z0-9]', '_', name.upper())}_API_KEY" if slash else "NAME_OF_ITS_KEY"


def offline(target: Target) -> OfflineRefused:
    """The model is on another machine."""
    return OfflineRefused(
        f"`{target.model}` is on another machine ({target.where}), and this run is offline",
        hint="run without `--offline`, or bind the model to one on this machine",
    )


def too_long(target: Target, least: int, holds: int) -> ContextOverflow:
    """The prompt has at least `least` tokens, the context `holds` as many."""
    return ContextOverflow(
        f"the prompt has at least {least} tokens, the context of `{target.model}` holds {holds}",
        hint="shorten the prompt, take a model with a longer context, or mend `context_tokens:`",
    )


def broken_off(target: Target) -> BackendUnavailable:
    """The connection ended before the answer did."""
    return BackendUnavailable(f"{target.where} broke off its answer")


def closed(target: Target) -> BackendError:
    """The backend was closed before it was asked."""
    return BackendError(f"`litellm/{target.model}` was closed")


def withheld(target: Target, reason: str) -> BackendRefused:
    """The provider answers that it will not answer."""
    return BackendRefused(f"{target.where} withholds the answer: {quote(target, reason)}")


def translated(error: Exception, target: Target) -> BackendError:
    """Return our error for whatever litellm raises. Classes are told by name: litellm need not be loaded."""
    original = getattr(error, "original_exception", None)
    if isinstance(original, Exception) and type(error).__name__ == "MidStreamFallbackError":
        return translated(original, target)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    status = getattr(error, "status_code", None)
    text = str(error)
    said = quote(target, text)
    origins = _origins(error)
    lost = "APIConnectionError" in kinds and (_TIMED_OUT.search(text) or "ReadTimeout" in origins)
    if lost or status == 408 or kinds & {"APITimeoutError", "TimeoutError", "TimeoutException"}:
        message = f"{target.where} sent nothing for {target.timeout_s:g} s"
        return BackendTimeout(message, hint="give it more time: `timeout_s:`")
    if "ContextWindowExceededError" in kinds or (status in (400, 413) and _CONTEXT.search(text)):
        return ContextOverflow(
            f"the prompt does not fit into the context of `{target.model}`: {said}",
            hint="shorten the prompt or take a model with a longer context",
        )
    if "LLM Provider NOT provided" in text:
        message = f"litellm does not know the provider of `{target.model}`"
        return ModelMissing(message, hint="write `litellm/<provider>/<model>`: https://docs.litellm.ai/docs/providers")
    hint = f'set `key: "${{{{ env.{target.variable} }}}}"` beside `use:`, and the variable itself'
    if _NO_KEY.search(text):
        return BackendRefused(f"{target.where} wants a key for `{target.model}`, and there is none", hint=hint)
    if status == 401 or "AuthenticationError" in kinds:
        if target.key is not None:
            hint = "check the value of `key:`: it is set, but wrong or expired"
        return BackendRefused(f"{target.where} refuses the key for `{target.model}`: {said}", hint=hint)
    if status == 403:
        hint = "check what this key may use"
        return BackendRefused(f"{target.where} does not allow `{target.model}`: {said}", hint=hint)
    if status == 404:
        message = f"{target.where} does not know `{target.model}`: {said}"
        return ModelMissing(message, hint="check the name after `litellm/`, and `base_url:` if there is one")
    if status == 402 or (status == 429 and "insufficient_quota" in text):
        return BackendRefused(f"the credit at {target.where} is used up: {said}", hint="check plan and billing there")
    if status == 429:
        message = f"{target.where} refuses for now: {said}"
        return RateLimited(message, retry_after_s=_retry_after_s(error))
    if "ContentPolicyViolationError" in kinds:
        return withheld(target, text)
    if "UnsupportedParamsError" in kinds:
        message = f"`{target.model}` does not take one of the settings: {said}"
        return BackendRefused(message, hint="leave that setting out")
    if isinstance(status, int) and 400 <= status < 500:
        return BackendRefused(f"{target.where} refuses the request ({status}): {said}")
    if _NO_JSON.search(text):
        message = f"{target.where} sent an answer that cannot be read: {said}"
        return BackendUnavailable(message, hint="is there an OpenAI-compatible server?" if target.base_url else None)
    if said.startswith(("Connection error", "Cannot connect", "All connection attempts failed")):
        hint = f"is it running? `curl {target.base_url}/models`" if target.local else "check the network"
        return BackendUnavailable(f"{target.where} did not answer", hint=hint)
    if origins & {"ReadError", "RemoteProtocolError", "ClientPayloadError"}:
        return broken_off(target)
    if isinstance(status, int) and status >= 500 and "APIConnectionError" not in kinds:
        return BackendUnavailable(f"{target.where} failed ({status}): {said}")
    return BackendUnavailable(f"the call of {target.where} broke: {said}")


def _origins(error: BaseException | None) -> set[str]:
    """Return the names of the classes that led to `error`: in mid stream litellm keeps only the chain."""
    names: set[str] = set()
    for _ in range(_LONGEST_CHAIN):
        if error is None:
            break
        names.add(type(error).__name__)
        error = error.__cause__ or error.__context__
    return names


def quote(target: Target, text: str) -> str:
    """Return what a provider said: one line, without litellm's prefixes, keys and excess."""
    # litellm puts whole tracebacks into some messages.
    said = _PREFIX.sub("", text.partition("Traceback (most recent call last)")[0].strip())
    try:
        data = json.loads(said)
        inner = data.get("error", data.get("message"))
        said = str(inner.get("message") if isinstance(inner, dict) else inner or said)
    except (ValueError, AttributeError, RecursionError):
        pass
    line = " ".join(masked(said, target).split()) or "no reason given"
    return line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE] + " …"


def masked(text: str, target: Target) -> str:
    """Return `text` without the key and without the values of variables that sound secret."""
    for secret in sorted(_secrets(target), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _secrets(target: Target) -> Iterable[str]:
    if target.key:
        yield target.key
    if target.base_url:
        password = urlsplit(target.base_url).password
        if password:
            yield password
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            yield value


def _retry_after_s(error: Exception) -> float | None:
    response = getattr(error, "response", None)
    for headers in (getattr(response, "headers", None), getattr(error, "litellm_response_headers", None)):
        try:
            return max(float((headers or {})["retry-after"]), 0.0)
        except (KeyError, ValueError, TypeError):
            continue
    return None
