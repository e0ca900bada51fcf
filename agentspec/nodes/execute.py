"""Runs one step, whatever its kind, and turns what goes wrong into an `AgentspecError`."""

from __future__ import annotations

from agentspec.api.errors import AgentspecError, StepCrashed
from agentspec.api.events import Meta
from agentspec.api.messages import Json
from agentspec.kernel.advance import may_repeat
from agentspec.kernel.commands import StartStep
from agentspec.nodes.agency import converse
from agentspec.nodes.approve import put_question
from agentspec.nodes.free import run_free
from agentspec.nodes.lm import ask
from agentspec.nodes.planning import plan_and_run
from agentspec.nodes.services import CallBlock, Services, Waiting
from agentspec.nodes.turn import take_turn
from agentspec.plan.work import AgencyWork, ApproveWork, FreeWork, LmWork, PlanningWork, ToolWork, TurnWork


class Executor:
    """Callable that runs steps; the driver knows no more of it than that."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, command: StartStep, call: CallBlock) -> tuple[Json, Meta]:
        """Return the step's value and how it ran. Raises `AgentspecError`, and `Waiting` for a person."""
        services = self._services
        services.budgets.before_step(command.path)
        cache = services.cache if command.node.cache else None
        key = None if cache is None else cache.key(command)
        if cache is None or key is None:
            return await self._run(command, call)
        known = cache.get(key, command)
        if known is None:
            known = await self._run(command, call)
            cache.put(key, *known)
        return known

    async def _run(self, command: StartStep, call: CallBlock) -> tuple[Json, Meta]:
        services, work = self._services, command.node.work
        try:
            if isinstance(work, LmWork):
                return await ask(command, work, services)
            if isinstance(work, ToolWork):
                return await self._call(command, work)
            if isinstance(work, TurnWork):
                return await take_turn(command, work, services)
            if isinstance(work, AgencyWork):
                return await converse(command, work, call, services)
            if isinstance(work, PlanningWork):
                return await plan_and_run(command, work, call, services)
            if isinstance(work, FreeWork):
                return await run_free(command, work, call, services)
            if isinstance(work, ApproveWork):
                raise put_question(command, work, services.now())
        except (AgentspecError, Waiting):
            raise
        except Exception as error:  # a foreign exception never crosses a floor
            text = f"`{command.path}` crashed: {type(error).__name__}: {error}"
            raise StepCrashed(text, hint="this is a defect of the plugin; tell its author") from error
        raise AssertionError(f"{command.path} is run by the kernel")

    async def _call(self, command: StartStep, work: ToolWork) -> tuple[Json, Meta]:
        services = self._services
        started = services.clock()
        context = services.tools.context(work.toolset, f"{services.run}/{command.path}", command.lookup)
        if services.recorded is not None and not may_repeat(work):
            await services.recorded()
        value = await work.tool.call(work.arguments(command.lookup), context)
        return value, Meta(attempts=command.attempt, seconds=services.clock() - started)
