"""What steps share: models, tools, and what is left of the limits."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from agentspec.api.controller import Children
from agentspec.api.events import Meta, Observer, Question
from agentspec.api.messages import Json
from agentspec.api.tool import ToolContext
from agentspec.kernel.commands import ReturnCall, StartStep
from agentspec.models.pool import ModelPool, resolve_options
from agentspec.nodes.budgets import Budgets
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Binding
from agentspec.plan.work import Lookup

CallBlock = Callable[[str, str, Mapping[str, Json]], Awaitable[ReturnCall]]
"""How a step calls a block: the step's path, the block's name, and what it sees as variables."""

Ask = Callable[[str, Question], Awaitable[str | None]]
"""How a person is asked in this process: the step's path and the question; the answer is one of the choices.

None means that nobody answers now: the question stays open, and the run pauses.
"""


class Cache(Protocol):
    """Results of earlier calls; see `agentspec.nodes.cache`."""

    def key(self, command: StartStep) -> str | None:
        """What tells one call from another; None where that cannot be told."""
        ...

    def get(self, key: str, command: StartStep) -> tuple[Json, Meta] | None:
        """The result of an identical call."""
        ...

    def put(self, key: str, value: Json, meta: Meta) -> None:
        """Keep a result."""
        ...


class Waiting(Exception):
    """A step waits for a person's answer."""

    def __init__(self, question: Question, asked: float) -> None:
        super().__init__(question, asked)
        self.question = question
        self.asked = asked


class ToolBelt:
    """The toolsets of a run. `env` is what their options read beside the inputs."""

    def __init__(
        self, bindings: Mapping[str, Binding], catalogue: Catalogue, names: Mapping[str, Any], base: ToolContext
    ) -> None:
        self._bindings = bindings
        self._catalogue = catalogue
        self._names = names
        self._base = base
        self._options: dict[str, tuple[Any, Any]] = {}

    def context(self, toolset: str, key: str, lookup: Lookup, children: Children | None = None) -> ToolContext:
        """The context of one call. Raises `InvalidValue` for options that do not fit.

        `toolset` is a key of the plan's tools, empty for a controller of a plugin; `lookup` gives the inputs of
        the agent that the call stands in.
        """
        if not toolset:
            return replace(self._base, key=key, children=children)
        binding = self._bindings[toolset]
        inputs = lookup("inputs")
        known = self._options.get(toolset)
        if known is None or known[0] is not inputs:  # another visit of the same agent has other inputs
            kind = self._catalogue.toolset(binding.use).options
            names = {**self._names, "inputs": inputs}
            known = self._options[toolset] = (inputs, resolve_options(binding, kind, names.__getitem__))
        return replace(self._base, options=known[1], folder=binding.folder, key=key, children=children)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a step may use.

    Attributes:
        tell: lets observers know what happens inside a step.
        recorded: waits until all that happened so far is recorded, before a tool changes something.
        cache: results of nodes with `cache: true`; None keeps and reuses nothing.
        stream: whether somebody watches text being written.
        now: seconds since 1970, for questions that stay open over a restart.
    """

    run: str
    models: ModelPool
    tools: ToolBelt
    budgets: Budgets
    tell: Observer
    recorded: Callable[[], Awaitable[None]] | None = None
    cache: Cache | None = None
    stream: bool = False
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
