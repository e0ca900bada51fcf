"""What steps share: models, tools, and what is left of the limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentspec.api.errors import LimitReached
from agentspec.api.events import Event
from agentspec.api.messages import Usage
from agentspec.api.tool import ToolContext
from agentspec.models.pool import ModelPool, resolve_options
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Binding, Lookup
from agentspec.spec.shapes import Limits


class Budget:
    """Counts what a run uses, and refuses the call that would go beyond a limit."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.steps = 0
        self.lm_calls = 0
        self.tokens = 0
        self.usd = 0.0

    def before_step(self) -> None:
        """Count a step. Raises `LimitReached`."""
        self._refuse_at("steps", self.steps, self.limits.steps)
        self.steps += 1

    def before_call(self) -> None:
        """Count a call of a model. Raises `LimitReached`."""
        self._refuse_at("lm_calls", self.lm_calls, self.limits.lm_calls)
        self._refuse_at("tokens", self.tokens, self.limits.tokens)
        if self.limits.usd != 0:  # a limit of nothing is meant for calls that cost nothing
            self._refuse_at("usd", self.usd, self.limits.usd)
        self.lm_calls += 1

    def after_call(self, usage: Usage) -> None:
        """Add what a call used. Raises `LimitReached` when a limit on money cannot be held."""
        self.tokens += (usage.tokens_in or 0) + (usage.tokens_out or 0)
        if usage.usd is None and self.limits.usd is not None:
            raise LimitReached(
                f"the limit `usd: {self.limits.usd:g}` cannot be held: what the model costs is not known",
                hint="limit `lm_calls` or `tokens` instead, or bind a model with a known price",
            )
        self.usd += usage.usd or 0.0
        if self.limits.usd == 0 and self.usd > 0:
            self._refuse_at("usd", self.usd, 0.0)

    def _refuse_at(self, name: str, used: float, limit: float | None) -> None:
        if limit is not None and used >= limit:
            raise LimitReached(
                f"the limit `{name}: {limit:g}` is reached, {used:g} are used",
                hint=f"raise `limits: {{{name}: …}}` in the spec",
            )


class ToolBelt:
    """The toolsets of a run, with their options as values."""

    def __init__(
        self, bindings: Mapping[str, Binding], catalogue: Catalogue, lookup: Lookup, base: ToolContext
    ) -> None:
        self._bindings = bindings
        self._catalogue = catalogue
        self._lookup = lookup
        self._base = base
        self._options: dict[str, Any] = {}

    def context(self, toolset: str, key: str) -> ToolContext:
        """The context of one call. Raises `InvalidValue` for options that do not fit."""
        if toolset not in self._options:
            binding = self._bindings[toolset]
            kind = self._catalogue.toolset(binding.use).options
            self._options[toolset] = resolve_options(binding, kind, self._lookup)
        return replace(self._base, options=self._options[toolset], key=key)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a step may use.

    Attributes:
        tell: lets observers know what happens inside a step.
        stream: whether somebody watches text being written.
    """

    run: str
    models: ModelPool
    tools: ToolBelt
    budget: Budget
    tell: Callable[[Event], None]
    stream: bool = False
    clock: Callable[[], float] = time.monotonic
