"""What can go wrong between us and an Ollama server, in our words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from agentspec.api import (
    BackendError,
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    ContextOverflow,
    ModelBroken,
    ModelMissing,
    OfflineRefused,
    RateLimited,
)

_CONTEXT = re.compile(
    r"exceeds? the (available )?context|exceed_context_size|max context length",
    re.IGNORECASE,
)
_PROMPT_TOKENS = re.compile(r"n_prompt_tokens\W+(\d+)|request \((\d+) tokens\)")
_TOKENS_OVER = re.compile(r"context length by (\d+) tokens")
_CANNOT_LOAD = re.compile(
    r"requires more system memory|error loading model|unable to load model|runner process",
    re.IGNORECASE,
)
_LONGEST_QUOTE = 300


@dataclass(frozen=True, slots=True)
class Target:
    """What a message is about."""

    url: str
    model: str
    local: bool
    timeout_s: float


class PromptTooLong(ContextOverflow):
    """The server refuses the prompt for its length. `tokens` is None where it does not say how long it is."""

    def __init__(self, message: str, *, tokens: int | None) -> None:
        super().__init__(message)
        self.tokens = tokens


def silent(target: Target) -> BackendUnavailable:
    """Nobody listens at the address."""
    hint = "start it with `ollama serve`"
    if not target.local:
        hint += " on that machine with OLLAMA_HOST=0.0.0.0, or mend `host:`"
    return BackendUnavailable(f"ollama did not answer at {target.url}", hint=hint)


def slow(target: Target) -> BackendTimeout:
    """The server is silent for too long."""
    message = f"ollama at {target.url} sent nothing for {target.timeout_s:g} s"
    return BackendTimeout(message, hint="give a large model more time to load: `timeout_s:`")


def broken_off(target: Target) -> BackendUnavailable:
    """The connection ended before the answer did."""
    return BackendUnavailable(
        f"ollama at {target.url} broke off its answer",
        hint="its log tells why (`ollama serve`, or `journalctl -u ollama`); often memory ran out",
    )


def closed(target: Target) -> BackendError:
    """The backend was closed before it was asked."""
    return BackendError(f"`ollama/{target.model}` was closed")


def foreign(target: Target, what: str) -> BackendUnavailable:
    """`what` came, which Ollama never sends."""
    return BackendUnavailable(
        f"the server at {target.url} does not speak Ollama's protocol: {quote(what)}",
        hint=f"is it Ollama? `curl {target.url}/api/version` shows its version",
    )


def missing(target: Target, installed: Iterable[str]) -> ModelMissing:
    """The server does not have the model; `installed` are those that it has."""
    hint = f"`ollama pull {target.model}`"
    names = {name.removesuffix(":latest"): name for name in installed}
    near = get_close_matches(target.model, names, n=1, cutoff=0.5)
    if near:
        hint += f", or did you mean `{near[0]}`, which is there?"
    return ModelMissing(f"ollama at {target.url} has no model `{target.model}`", hint=hint)


def offline(target: Target) -> OfflineRefused:
    """The server is another machine."""
    return OfflineRefused(
        f"ollama at {target.url} is another machine, and this run is offline",
        hint="run without `--offline`, or bind the model to a server on this machine",
    )


def offline_cloud(target: Target) -> OfflineRefused:
    """The server would pass the call on."""
    return OfflineRefused(
        f"`{target.model}` runs in Ollama's cloud, and this run is offline",
        hint="run without `--offline`, or take a model that is on this machine",
    )


def overflow(target: Target, prompt: str, window: int, maximum: int | None) -> ContextOverflow:
    """`prompt` is the length in words, such as "351" or "at least 300"."""
    message = f"the prompt has {prompt} tokens, the context of `{target.model}` holds {window}"
    if maximum is None or window < maximum:
        most = f" to {maximum}, the model's own maximum" if maximum else ""
        return ContextOverflow(message, hint=f"raise `num_ctx:`, up{most}" if most else "raise `num_ctx:`")
    hint = "that is the model's own maximum: shorten the prompt or take a model with a longer context"
    return ContextOverflow(message, hint=hint)


def cut(target: Target, read: int, least: int, window: int, maximum: int | None) -> ContextOverflow:
    """The server took in `read` tokens of a prompt of at least `least`."""
    error = overflow(target, f"at least {least}", window, maximum)
    return ContextOverflow(f"{error.message}: ollama read {read} and dropped the rest", hint=error.hint)


def from_status(
    target: Target,
    status: int,
    text: str,
    retry_after_s: float | None,
    window: int | None = None,
) -> BackendError:
    """Return the error for a reply with `status`, or for an error in mid stream (then 500)."""
    said = _message(text)
    if _CONTEXT.search(text):
        found = _PROMPT_TOKENS.search(text)
        over = _TOKENS_OVER.search(text)
        tokens = int(found[1] or found[2]) if found else window + int(over[1]) if over and window else None
        return PromptTooLong(said, tokens=tokens)
    if "does not support tools" in text:
        hint = "take a model with tools: https://ollama.com/search?c=tools"
        return BackendRefused(f"`{target.model}` does not take tools", hint=hint)
    if "does not support thinking" in text:
        return BackendRefused(f"`{target.model}` does not think aloud", hint="leave `think:` out")
    if status == 429:
        message = f"ollama at {target.url} refuses for now: {said}"
        return RateLimited(message, retry_after_s=retry_after_s)
    if status in (401, 403):
        hint = "models of Ollama's cloud need `ollama signin` or OLLAMA_API_KEY"
        return BackendRefused(f"ollama at {target.url} does not let us in ({status}): {said}", hint=hint)
    if _CANNOT_LOAD.search(text):
        hint = "free memory, or take a smaller model or a smaller `num_ctx:`"
        return ModelBroken(f"ollama at {target.url} cannot load `{target.model}`: {said}", hint=hint)
    if status == 503:
        hint = "fewer calls at once, or a larger OLLAMA_MAX_QUEUE on the server"
        return BackendUnavailable(f"ollama at {target.url} is busy: {said}", hint=hint)
    if status >= 500:
        return BackendUnavailable(f"ollama at {target.url} failed ({status}): {said}")
    if status == 404 or status < 400:
        return foreign(target, f"status {status}, {said}")
    return BackendRefused(f"ollama at {target.url} refuses the request ({status}): {said}")


def quote(text: str) -> str:
    """Return `text` on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE] + " …"


def _message(text: str) -> str:
    """Return what an error's JSON says; newer servers wrap one such object into another."""
    said = text
    for _ in range(3):
        try:
            data = json.loads(said)
        except (ValueError, RecursionError):
            break
        inner = data.get("error", data.get("message")) if isinstance(data, dict) else None
        if inner is None:
            break
        said = inner if isinstance(inner, str) else json.dumps(inner)
    return quote(said) or "no reason given"
