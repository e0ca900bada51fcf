"""The budgets of a run: its own, and those of the agents that it calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from agentspec.api.events import BlockCalled
from agentspec.api.messages import Usage
from agentspec.nodes.budget import Budget, Hold, Need
from agentspec.plan.model import Plan, PlanBlock
from agentspec.plan.paths import general
from agentspec.plan.steps import STEPS
from agentspec.plan.work import AgentWork, PlanningWork
from agentspec.spec.shapes import Limits


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

    @asynccontextmanager
    async def reserved(self, path: str, need: Need) -> AsyncIterator[Hold]:
        """Reserve a call by the step at `path`, and wait for others under way if need be. Raises `LimitReached`."""
        around = list(self._around(path))
        while True:
            for budget in around:
                budget.check(need)
            full = next((budget for budget in around if not budget.has_room(need)), None)
            if full is None:
                break
            await full.change()
        hold = Hold(around, need)
        try:
            yield hold
        finally:
            hold.close()

    def before_call(self, path: str) -> None:
        """Count a call of a model that was made earlier. Raises `LimitReached`."""
        for budget in self._around(path):
            budget.before_call()

    def after_call(self, path: str, usage: Usage) -> None:
        """Add what a call that was made earlier used. Raises `LimitReached`."""
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
        for path, node in block.all_nodes(prefix):
            if isinstance(node.work, PlanningWork):
                self._planning[path] = node.work
            elif isinstance(node.work, AgentWork) and node.work.plan.limits != Limits():
                self._limits[path] = node.work.plan.limits
