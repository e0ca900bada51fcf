"""No run of a random spec uses more than was proven of it before, or less when it comes to its end."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agentspec.api import BackendFactory, BackendUnavailable, Toolset
from agentspec.api.errors import PluginMissing
from agentspec.plan import Plan, compile_spec
from agentspec.plan.proof.bounds import bounds_of
from agentspec.runtime import Outcome, RunOptions, arun
from agentspec.spec.parse import parse_text
from agentspec.spec.shapes import Limits
from agentspec.testing import fake

from .random_specs import specs


class Works:
    """A catalogue with one toolset, of which one tool fails every other time."""

    def __init__(self) -> None:
        self.calls = 0
        self.tools = Toolset("work")

        @self.tools.tool(effect="read")
        def say(text: Any) -> str:
            """Say it."""
            return str(text)

        @self.tools.tool(effect="read")
        def flaky(text: Any) -> str:
            """Say it, every other time."""
            self.calls += 1
            if self.calls % 2:
                raise BackendUnavailable("not now")
            return str(text)

    def backend(self, use: str) -> BackendFactory:
        return fake.agentspec_register_backends()[0]

    def toolset(self, use: str) -> Toolset:
        return self.tools

    def controller(self, use: str) -> Any:
        raise PluginMissing(use)

    def version(self, use: str) -> str:
        return ""


def ended(plan: Plan, works: Works) -> Outcome:
    return asyncio.run(arun(plan, works, {}, RunOptions(outputs=Path("/nonexistent"))))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs())
def test_a_run_never_meets_a_limit_of_its_worst_case(spec: dict[str, Any]) -> None:
    works = Works()
    plan = compile_spec(parse_text(json.dumps(spec)), works)
    total = bounds_of(plan).total
    worst = {name: getattr(total, name).worst.known for name in ("lm_calls", "steps", "tokens")}
    limits = {name: int(number) + (name == "tokens") for name, number in worst.items() if number is not None}
    assert {"lm_calls", "steps"} <= limits.keys(), "every list of these specs has a known length"
    outcome = ended(replace(plan, limits=Limits(**limits | {"steps": max(1, limits["steps"])})), works)
    assert outcome.failure is None or outcome.failure.code != "AS610", (limits, outcome.failure)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(), st.sampled_from(["lm_calls", "steps"]))
def test_no_run_comes_to_its_end_with_less_than_the_least(spec: dict[str, Any], name: str) -> None:
    works = Works()
    plan = compile_spec(parse_text(json.dumps(spec)), works)
    least = int(getattr(bounds_of(plan).total, name).least)
    assume(least > (name == "steps"))
    assert ended(replace(plan, limits=Limits(**{name: least - 1})), works).status != "ok"
