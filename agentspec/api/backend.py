"""What a model plugin implements: one small async protocol, and the factory that makes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from agentspec.api.messages import Enforced, Reply, Request


class Options(BaseModel):
    """Base of the options that a plugin takes under `models:` or `tools:`. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do, so that nobody has to try.

    Attributes:
        structured: how an answer can be held to a schema: by grammar, by the provider, or not at all.
        tools: whether the model takes `Request.tools` natively.
        logprobs: whether replies carry log-probabilities.
        context_tokens: longest prompt plus answer, None when unknown.
        remote: whether a call leaves this machine.
    """

    structured: Enforced = "none"
    tools: bool = False
    logprobs: bool = False
    context_tokens: int | None = None
    remote: bool = False


@runtime_checkable
class Backend(Protocol):
    """One model, ready to be asked. Safe for concurrent calls; every call may be cancelled.

    Foreign exceptions never leave a backend: they become children of `BackendError`.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do, as far as it is known before the first call."""
        ...

    async def generate(self, request: Request) -> Reply:
        """Ask once. Raises `BackendError`."""
        ...

    def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        """Yield pieces of text as they come and, last, the whole `Reply`. Raises `BackendError`."""
        ...

    async def close(self) -> None:
        """Give back memory, connections, processes. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class ModelBinding:
    """What a spec says about one model, as its backend gets it.

    Attributes:
        model: the part of `use:` behind the backend's name, e.g. `openai/gpt-4.1-mini`.
        options: the validated options.
        folder: folder of the spec file; relative file names are meant from there.
        offline: whether talking to another machine is forbidden.
    """

    model: str
    options: Any
    folder: Path
    offline: bool = False


@dataclass(frozen=True, slots=True)
class BackendFactory:
    """What `agentspec_register_backends` returns: how to make backends of one kind.

    Attributes:
        name: the word before the first slash of `use:`; equals the plugin's namespace.
        create: makes a backend; heavy imports belong inside. Raises `BackendError`.
        options: the model of the options beside `use:`.
        description: one line for `agentspec doctor` and the docs.
        models: names that work out of the box, for completion and messages.
    """

    name: str
    create: Callable[[ModelBinding], Backend]
    options: type[Options] = Options
    description: str = ""
    models: tuple[str, ...] = ()
