"""The controller `plan`: a model writes a plan, which is checked, approved if so wished, and run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agentspec.api.errors import PlanRefused
from agentspec.api.events import Meta
from agentspec.api.messages import Json
from agentspec.kernel.commands import StartStep
from agentspec.nodes.agency import readable, value_of
from agentspec.nodes.services import CallBlock, Services
from agentspec.plan.plan_check import plan_problems
from agentspec.plan.steps import STEPS
from agentspec.plan.work import Offer, PlanningWork

_RULES = """Write a plan that reaches the goal with the tools below, in at most {most} steps, as JSON:
{{"steps": [{{"id": "s1", "tool": TOOL, "arguments": {{…}}, "after": [ids]}}]}}
An argument may be the value of an earlier step: {{"from_step": id}},
or a field of it: {{"from_step": id, "field": "a.b[0]"}}.
`after` is needed only for order without data. Steps that do not depend on each other run at the same time.
Tools:
{tools}"""


async def plan_and_run(
    command: StartStep, work: PlanningWork, call: CallBlock, services: Services
) -> tuple[Json, Meta]:
    """Run plans until one comes to its end. Raises `PlanRefused`, or the failure of the last plan."""
    started = services.clock()
    path, allowed = command.path, services.budgets.run.limits.steps
    most = work.most if allowed is None else min(work.most, allowed)
    turns = _first_turns(work, command, most)
    for left in range(work.replan, -1, -1):
        steps = await _draft(path, turns, call)
        trouble, done = plan_problems(steps, work.offers, most), {}
        if not trouble:
            await _have_approved(path, work, steps, call)
            returned = await call(path, STEPS, {STEPS: steps})
            if returned.failure is None:
                seconds = services.clock() - started
                return _value(steps, returned.value), Meta(attempts=command.attempt, seconds=seconds)
            if not left:
                value_of(returned)
            trouble = [f"step `{_step_of(returned.failure.path, path)}` failed: {returned.failure.message}"]
            done = returned.value
        turns += _again(steps, trouble, done)
    raise PlanRefused(
        f"`{path}` got no plan that may be run: {'; '.join(trouble[:3])}",
        hint="raise `replan:`, make the goal plainer, or bind a larger model",
    )


def _first_turns(work: PlanningWork, command: StartStep, most: int) -> list[Json]:
    listed = "\n".join(_described(offer) for offer in work.offers)
    rules = _RULES.format(most=most, tools=listed)
    return [{"role": "system", "content": rules}, {"role": "user", "content": f"Goal: {work.goal(command.lookup)}"}]


def _described(offer: Offer) -> str:
    return json.dumps(
        {"tool": offer.name, "does": offer.description, "arguments": offer.parameters, "returns": offer.returns},
        ensure_ascii=False,
    )


async def _draft(path: str, turns: Sequence[Json], call: CallBlock) -> list[Mapping[str, Any]]:
    said = value_of(await call(path, "lm", {"turns": list(turns)}))
    steps: list[Mapping[str, Any]] = said["answer"]["steps"]
    return steps


async def _have_approved(path: str, work: PlanningWork, steps: Json, call: CallBlock) -> None:
    if work.approval is None:
        return
    choice = value_of(await call(path, "approve", {"args": {STEPS: steps}}))
    if choice != "approve":
        raise PlanRefused(f"the plan of `{path}` was not approved", hint="change the goal, or offer other tools")


def _again(steps: Json, trouble: Sequence[str], done: Mapping[str, Json]) -> list[Json]:
    """The turns that show the model what came of its plan."""
    listed = "\n".join(f"- {line}" for line in trouble[:10])
    kept = f"\nThese steps were done, and gave:\n{readable(json.dumps(done, ensure_ascii=False))}" if done else ""
    return [
        {"role": "assistant", "content": json.dumps({STEPS: steps}, ensure_ascii=False)},
        {"role": "user", "content": f"That plan did not work:\n{readable(listed)}{kept}\nWrite a new plan."},
    ]


def _step_of(failed: str, path: str) -> str:
    """The step of the plan in which something failed, maybe deep inside another agent."""
    return failed.removeprefix(f"{path}/{STEPS}#").split("/")[1]


def _value(steps: Sequence[Mapping[str, Any]], values: Mapping[str, Json]) -> Json:
    rows = [{"id": step["id"], "tool": step["tool"], "value": values[step["id"]]} for step in steps]
    return {"steps": rows, "last": rows[-1]["value"]}
