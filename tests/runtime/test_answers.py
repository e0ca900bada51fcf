"""LM steps: the output contract, and what is known of an answer."""

from __future__ import annotations

from typing import Any

from agentspec.api import BackendFactory, ModelBinding, Reply, Request
from agentspec.runtime import Outcome
from agentspec.testing.fake import FakeBackend

from .agents import Workshop, alone, ran

SORT = """
models: {{m: {{use: fake/script, answers: {answers}, confidence: {confidence}}}}}
nodes:
  sort: {{lm: m, prompt: hello, output: {{category: urgent | other}}, repair: {repair}}}
  ask: {{lm: m, prompt: again, when: meta.sort.confidence | default(0) < 0.5}}
result: {{sort: "${{{{ sort }}}}", ask: "${{{{ ask | default(null) }}}}"}}
"""


class Listening(Workshop):
    """Its only backend never answers in JSON, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []

    def backend(self, use: str) -> BackendFactory:
        heard = self.requests

        class Backend(FakeBackend):
            async def generate(self, request: Request) -> Reply:
                heard.append(request)
                return await super().generate(request)

        def create(binding: ModelBinding) -> Backend:
            return Backend(["not JSON"], 1.0)

        return BackendFactory("fake", create)


async def sort(answers: str, repair: int = 1, confidence: float = 1.0) -> Outcome:
    return await ran(SORT.format(answers=answers, repair=repair, confidence=confidence))


def row(outcome: Outcome) -> Any:
    return outcome.nodes[0]


def test_an_answer_that_fits_is_taken_as_it_is() -> None:
    async def test() -> None:
        outcome = await sort("[{category: other}]")
        assert outcome.result == {"sort": {"category": "other"}, "ask": None}
        assert row(outcome).formats == {"parsed": 1}

    alone(test)


def test_an_answer_that_does_not_fit_is_repaired_once() -> None:
    async def test() -> None:
        outcome = await sort("[{category: unheard-of}, {category: urgent}]")
        assert outcome.result["sort"] == {"category": "urgent"}
        assert (row(outcome).calls, row(outcome).formats) == (2, {"repaired": 1})

    alone(test)


def test_an_answer_that_does_not_fit_twice_fails_the_node() -> None:
    async def test() -> None:
        for answers in ("[{category: unheard-of}]", "['no JSON at all']", "['{\"category\": NaN}']"):
            outcome = await sort(answers)
            assert outcome.failure is not None
            assert (outcome.failure.code, outcome.failure.kind) == ("AS708", "invalid")
            assert row(outcome).failed == 1

    alone(test)


def test_repair_says_how_often() -> None:
    async def test() -> None:
        never = await sort("[nonsense, {category: urgent}]", repair=0)
        assert never.status == "failed"
        twice = await sort("[nonsense, nonsense, {category: urgent}]", repair=2)
        assert row(twice).calls == 3

    alone(test)


def test_conditions_see_how_sure_the_model_was() -> None:
    async def test() -> None:
        sure = await sort("[{category: other}]", confidence=0.75)
        unsure = await sort("[{category: other}, second opinion]", confidence=0.25)
        assert sure.result["ask"] is None
        assert unsure.result["ask"] == "second opinion"
        assert abs(row(unsure).confidence - 0.25) < 1e-9

    alone(test)


def test_a_repair_shows_the_model_its_mistake_under_a_key_of_its_own() -> None:
    """A provider that honours idempotency keys would otherwise give its first answer again."""

    async def test() -> None:
        shop = Listening()
        await ran("nodes: {a: {lm: m, prompt: hello, output: {n: integer}, repair: 2, on_error: skip}}", shop)
        first, second, third = shop.requests
        assert len({first.key, second.key, third.key}) == 3
        assert first.key.endswith("/a")
        assert [message.role for message in third.messages] == ["user", "assistant", "user", "assistant", "user"]
        assert third.messages[1].content == "not JSON"

    alone(test)
