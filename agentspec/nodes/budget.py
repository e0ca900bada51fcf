"""What is left of the limits, of the run as a whole and of each agent that it calls."""

from __future__ import annotations

from collections.abc import Iterator

from agentspec.api.errors import LimitReached
from agentspec.api.events import BlockCalled
from agentspec.api.messages import Usage
from agentspec.plan.model import AgentWork, Plan, PlanBlock, PlanningWork, inner_blocks
from agentspec.plan.paths import general
from agentspec.plan.steps import STEPS
from agentspec.spec.shapes import Limits


class Budget:
    """Counts what a run, or one visit of a called agent, uses, and refuses the call that would go beyond a limit.

    `visit` is the path of the agent's node; empty for the run.
    """

    def __init__(self, limits: Limits, visit: str = "") -> None:
        self.limits = limits
        self.visit = visit
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
            raise self._reached(
                f"the limit `usd: {self.limits.usd:g}`{self._whose} cannot be held: what the model costs is not known",
                "limit `lm_calls` or `tokens` instead, or bind a model with a known price",
            )
        self.usd += usage.usd or 0.0
        if self.limits.usd == 0 and self.usd > 0:
            self._refuse_at("usd", self.usd, 0.0)

    def _refuse_at(self, name: str, used: float, limit: float | None) -> None:
        if limit is not None and used >= limit:
            raise self._reached(
                f"the limit `{name}: {limit:g}`{self._whose} is reached, {used:g} are used",
                f"raise `limits: {{{name}: …}}` in the {'agent that is called' if self.visit else 'spec'}",
            )

    @property
    def _whose(self) -> str:
        return f" of the agent at `{self.visit}`" if self.visit else ""

    def _reached(self, text: str, hint: str) -> LimitReached:
        return LimitReached(text, hint=hint, fatal=not self.visit)


class Budgets:
    """The budget of a run, and one for each visit of an agent that has limits of its own.

    All tries of an agent's node are one visit.
    """

    def __init__(self, plan: Plan) -> None:
        self.run = Budget(plan.limits)
        self._limits: dict[str, Limits] = {}
        self._planning: dict[str, PlanningWork] = {}
        self._plans: list[str] = []
        self._visits: dict[str, Budget] = {}
        self._look_into(plan.block, "")

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

    def hear(self, event: BlockCalled) -> None:
        """Learn of the agents in a plan that a model wrote, when it is run."""
        work = self._planning.get(self._node(event.path))
        if work is not None and event.name == STEPS:
            plan = f"{event.path}/{STEPS}#{event.number + 1}/"
            self._plans.append(plan)
            offers = {offer.name: offer.block for offer in work.offers}
            for step in event.values[STEPS]:
                self._look_into(offers[step["tool"]], f"{plan}{step['id']}/")

    def _around(self, path: str) -> Iterator[Budget]:
        """The budgets that a step counts for, the innermost first: what that refuses, the run has not used."""
        parts = path.split("/") if self._limits else ()
        for count in range(len(parts) - 1, 0, -1):
            visit = "/".join(parts[:count])
            limits = self._limits.get(self._node(visit))
            if limits is not None:
                yield self._visits.setdefault(visit, Budget(limits, visit))
        yield self.run

    def _node(self, path: str) -> str:
        """The path of a node; where it is a step of a plan that a model wrote, with the place of that plan."""
        start = max((len(plan) for plan in self._plans if path.startswith(plan)), default=0)
        return path[:start] + general(path[start:])

    def _look_into(self, block: PlanBlock, prefix: str) -> None:
        """Note the agents that have limits, by the path of their node."""
        for node in block.nodes:
            path = prefix[:-1] if block.single else prefix + node.id
            if isinstance(node.work, PlanningWork):
                self._planning[path] = node.work
            if isinstance(node.work, AgentWork) and node.work.plan.limits != Limits():
                self._limits[path] = node.work.plan.limits
            for label, inner in inner_blocks(node.work):
                self._look_into(inner, f"{path}{label}/")
