"""Runs one leaf step, whatever its kind, and turns what goes wrong into an `AgentspecError`."""

from __future__ import annotations

from agentspec.api.errors import AgentspecError, StepCrashed
from agentspec.api.events import Meta
from agentspec.api.messages import Json
from agentspec.kernel.commands import StartStep
from agentspec.nodes.lm import ask
from agentspec.nodes.services import Services
from agentspec.plan.model import LmWork, ToolWork


class Executor:
    """Callable that runs steps; the driver knows no more of it than that."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, command: StartStep) -> tuple[Json, Meta]:
        """Return the step's value and how it ran. Raises `AgentspecError`."""
        self._services.budget.before_step()
        work = command.node.work
        try:
            if isinstance(work, LmWork):
                return await ask(command, work, self._services)
            if isinstance(work, ToolWork):
                return await self._call(command, work)
        except AgentspecError:
            raise
        except Exception as error:  # a foreign exception never crosses a floor
            text = f"`{command.path}` crashed: {type(error).__name__}: {error}"
            raise StepCrashed(text, hint="this is a defect of the plugin; tell its author") from error
        raise AssertionError(f"{command.path} is no leaf")

    async def _call(self, command: StartStep, work: ToolWork) -> tuple[Json, Meta]:
        services = self._services
        started = services.clock()
        context = services.tools.context(work.toolset, key=f"{services.run}/{command.path}")
        value = await work.tool.call(work.arguments(command.lookup), context)
        return value, Meta(attempts=command.attempt, seconds=services.clock() - started)
