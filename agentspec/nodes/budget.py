"""What is left of the limits, of the run as a whole and of each agent that it calls."""

from __future__ import annotations

from collections.abc import Iterator

from agentspec.api.errors import LimitReached
from agentspec.api.messages import Usage
from agentspec.plan.model import AgentWork, Plan, PlanBlock, inner_blocks
from agentspec.plan.paths import general
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


class Budgets:
    """The budget of a run, and one for each visit of an agent that has limits of its own."""

    def __init__(self, plan: Plan) -> None:
        self.run = Budget(plan.limits)
        self._limits = dict(_limited(plan.block, ""))
        self._visits: dict[str, Budget] = {}

    def before_step(self, path: str) -> None:
        """Count a step. Raises `LimitReached`."""
        for budget in self._around(path):
            budget.before_step()

    def before_call(self, path: str) -> None:
        """Count a call of a model by the step at `path`. Raises `LimitReached`."""
        for budget in self._around(path):
            budget.before_call()

    def after_call(self, path: str, usage: Usage) -> None:
        """Add what a call used. Raises `LimitReached`."""
        for budget in self._around(path):
            budget.after_call(usage)

    def _around(self, path: str) -> Iterator[Budget]:
        yield self.run
        if not self._limits:
            return
        parts = path.split("/")
        for count in range(1, len(parts)):
            visit = "/".join(parts[:count])
            limits = self._limits.get(general(visit))
            if limits is not None:
                yield self._visits.setdefault(visit, Budget(limits))


def _limited(block: PlanBlock, prefix: str) -> Iterator[tuple[str, Limits]]:
    """The agents that have limits, by the path of their node."""
    for node in block.nodes:
        path = prefix[:-1] if block.single else prefix + node.id
        if isinstance(node.work, AgentWork) and node.work.plan.limits != Limits():
            yield path, node.work.plan.limits
        for label, inner in inner_blocks(node.work):
            yield from _limited(inner, f"{path}{label}/")
