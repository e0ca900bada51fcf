"""What a run may use: the call that would go beyond a limit is refused, and what was done is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentspec.api import BackendFactory, ModelBinding, Reply, Request
from agentspec.api.errors import Exit, LimitReached
from agentspec.api.messages import Usage
from agentspec.nodes.budget import Budget
from agentspec.spec.shapes import Limits
from agentspec.testing.fake import FakeBackend

from .agents import Workshop, alone, ran

CHAIN = """
limits: {%s}
nodes:
  a: {lm: m, prompt: one two three, when: 1 == 1}
  b: {lm: m, prompt: "${{ a }} four", on_error: skip, retry: {times: 3, wait: 1ms}}
  c: {lm: m, prompt: "${{ b }} five"}
result: "${{ c | default('') }}"
"""


@pytest.mark.parametrize(
    ("limit", "done"),
    [
        ("steps: 1", {"a": "one two three"}),
        ("steps: 2", {"a": "one two three", "b": "one two three four"}),
        ("lm_calls: 0", {}),
        ("lm_calls: 2", {"a": "one two three", "b": "one two three four"}),
        ("tokens: 6", {"a": "one two three"}),
        ("tokens: 10", {"a": "one two three", "b": "one two three four"}),
    ],
)
def test_a_limit_stops_before_the_call_that_would_exceed_it(limit: str, done: dict[str, str]) -> None:
    async def test() -> None:
        outcome = await ran(CHAIN % limit)
        assert outcome.failure is not None
        assert (outcome.status, outcome.failure.exit) == ("failed", Exit.LIMIT_REACHED)
        assert outcome.failure.message.startswith(f"the limit `{limit}` is reached")
        assert outcome.partial == done
        assert sum(use.calls for use in outcome.nodes) == len(done)

    alone(test)


def test_a_prompt_that_alone_would_exceed_a_limit_is_not_sent() -> None:
    async def test() -> None:
        outcome = await ran(CHAIN % "tokens: 9")
        assert outcome.failure is not None
        assert outcome.failure.exit == Exit.LIMIT_REACHED
        assert outcome.failure.message == (
            "the limit `tokens: 9` would be exceeded: 6 are used, and the next prompt alone takes at least 4"
        )
        assert (outcome.partial, sum(use.calls for use in outcome.nodes)) == ({"a": "one two three"}, 1)

    alone(test)


@pytest.mark.parametrize("limit", ["steps: 3", "lm_calls: 3", "usd: 0", "wall: 1m"])
def test_a_limit_that_is_just_enough_is_enough(limit: str) -> None:
    async def test() -> None:
        assert (await ran(CHAIN % limit)).result == "one two three four five"

    alone(test)


def test_a_limit_ends_a_map_that_keeps_going() -> None:
    async def test() -> None:
        outcome = await ran(
            """
            limits: {lm_calls: 2}
            nodes:
              each:
                controller: map
                over: "[1, 2, 3, 4]"
                concurrency: 1
                keep_going: true
                on_error: skip
                nodes: {x: {lm: m, prompt: hello}}
            result: "${{ each | default([]) }}"
            """
        )
        assert outcome.failure is not None
        assert outcome.failure.exit == Exit.LIMIT_REACHED

    alone(test)


class Dear(Workshop):
    """Its only backend takes 20 cents for each answer."""

    def backend(self, use: str) -> BackendFactory:
        class Backend(FakeBackend):
            async def generate(self, request: Request) -> Reply:
                return replace(await super().generate(request), usage=Usage(usd=0.2))

        def create(binding: ModelBinding) -> Backend:
            return Backend(None, 1.0)

        return BackendFactory("fake", create)


@pytest.mark.parametrize(("limit", "calls"), [("usd: 0.5", 3), ("usd: 0.4", 2), ("usd: 0", 1)])
def test_no_call_is_made_once_the_money_is_spent(limit: str, calls: int) -> None:
    async def test() -> None:
        chain = ", ".join(f"n{i}: {{lm: m, prompt: x, after: [{f'n{i - 1}' if i else ''}]}}" for i in range(5))
        outcome = await ran(f"limits: {{{limit}}}\nnodes: {{{chain}}}\nresult: 1", Dear())
        assert outcome.failure is not None
        assert outcome.failure.exit == Exit.LIMIT_REACHED
        assert len(outcome.partial) == (calls if limit != "usd: 0" else 0)

    alone(test)


def test_money_is_counted() -> None:
    budget = Budget(Limits(usd=0.5))
    for usd in (0.3, 0.2):
        budget.before_call()
        budget.after_call(Usage(usd=usd))
    with pytest.raises(LimitReached):
        budget.before_call()


def test_an_unknown_price_is_not_nothing() -> None:
    Budget(Limits(lm_calls=5)).after_call(Usage(usd=None))
    with pytest.raises(LimitReached, match="cannot be held"):
        Budget(Limits(usd=0.5)).after_call(Usage(usd=None))


def test_a_limit_of_no_money_allows_calls_that_cost_nothing() -> None:
    budget = Budget(Limits(usd=0))
    budget.before_call()
    budget.after_call(Usage(usd=0.0))
    budget.before_call()
    with pytest.raises(LimitReached):
        budget.after_call(Usage(usd=0.01))
