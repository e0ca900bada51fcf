"""Several samples, one answer: which is picked, what it costs, and when no more are asked for."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspec.api import BackendUnavailable, Request
from agentspec.api.events import CallAnswered, StepSucceeded, TextStreamed
from agentspec.runtime import Outcome

from .voices import Choir, Heard, sung, sure

X, Y, Z = {"kind": "x"}, {"kind": "y"}, {"kind": "z"}
WRONG = {"kind": "other"}


def sampled(sample: str, choir: Choir, more: str = "", **options: Any) -> tuple[Outcome, Heard]:
    node = f"ask: {{lm: a, prompt: Which?, output: {{kind: x | y | z}}, repair: 0, sample: {sample}}}"
    return sung(f"{more}\nmodels: {{a: say/a, judge: say/judge}}\nnodes:\n  {node}\n", choir, **options)


def meta(heard: Heard) -> Any:
    return heard.of(StepSucceeded)[0].meta


def in_turn(answers: list[Any], order: list[int]) -> Any:
    """A voice whose sample number n says `answers[n]`, the samples coming back in the given order."""
    came: list[int] = []
    turns = [asyncio.Event() for _ in order]

    async def speak(request: Request) -> Any:
        number = request.seed or 0
        place = order.index(number)
        if place:
            await turns[place - 1].wait()
        came.append(number)
        turns[place].set()
        return answers[number]

    return speak


@settings(deadline=None)  # each example is a whole run
@given(
    st.lists(st.sampled_from([X, Y, Z, WRONG]), min_size=2, max_size=7).flatmap(
        lambda answers: st.tuples(st.just(answers), st.permutations(range(len(answers))))
    )
)
def test_the_majority_is_the_commonest_answer_in_whatever_order_they_come(drawn: tuple[list[Any], list[int]]) -> None:
    answers, order = drawn
    choir = Choir(a=in_turn(answers, list(order)))
    outcome, heard = sampled(f"{{n: {len(answers)}, pick: majority}}", choir)
    votes = Counter(answer["kind"] for answer in answers if answer is not WRONG)
    if not votes:
        assert outcome.failure is not None
        assert outcome.failure.code == "AS708"
        assert f"none of {len(answers)} samples fits" in outcome.failure.message
        return
    most = max(votes.values())
    first = next(answer for answer in answers if votes[answer["kind"]] == most)
    assert outcome.result == first  # of several, that of the first sample
    paid = heard.of(CallAnswered)
    assert 0 < meta(heard).calls <= len(paid) <= len(answers)
    assert 0 < meta(heard).confidence <= 1


def test_no_more_samples_are_waited_for_once_the_majority_is_certain() -> None:
    stopped = []

    async def speak(request: Request) -> Any:
        if (request.seed or 0) < 3:
            return Y
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.append(request.seed)

    outcome, heard = sampled("{n: 5, pick: majority}", Choir(a=speak))
    assert (outcome.result, sorted(stopped)) == (Y, [3, 4])
    found = meta(heard)
    assert (found.calls, found.tokens_in, found.usd, found.confidence) == (3, 30, 0.0, 1.0)


def test_confidence_is_the_share_of_the_samples_that_came_back() -> None:
    for answers, share in [([X, X, Y, Y, X], 3 / 5), ([X, X], 1.0), ([X, WRONG, X], 2 / 3), ([X, Y, WRONG], 1 / 3)]:
        choir = Choir(a=in_turn(answers, list(range(len(answers)))))
        outcome, heard = sampled(f"{{n: {len(answers)}, pick: majority}}", choir)
        assert (outcome.result, meta(heard).confidence) == (X, pytest.approx(share))


@pytest.mark.parametrize("pick", ["majority", "best, judge: judge", "first_valid, check: output.kind == 'q'"])
def test_each_sample_has_a_seed_and_a_key_of_its_own(pick: str) -> None:
    node = f"ask: {{lm: a, prompt: Hi, output: {{kind: string}}, seed: 7, sample: {{n: 3, pick: {pick}}}}}"
    choir = Choir(a=in_seeds, judge=[{"best": 1}])
    sung(f"models: {{a: say/a, judge: say/judge}}\nnodes:\n  {node}\n", choir)
    requests = [request for name, request in choir.asked if name == "a"]
    assert sorted(request.seed or 0 for request in requests) == [7, 8, 9]
    assert len({request.key for _, request in choir.asked}) == len(choir.asked)


async def in_seeds(request: Request) -> Any:
    return {"kind": str(request.seed)}


def test_a_failure_that_is_no_answer_fails_the_step_and_stops_the_other_samples() -> None:
    for sample in ("{n: 3, pick: majority}", "{n: 3, pick: best, judge: judge}"):
        stopped = []

        async def speak(request: Request, stopped: list[Any] = stopped) -> Any:
            if request.seed == 1:
                return BackendUnavailable("gone")
            try:
                await asyncio.sleep(3600)
            finally:
                stopped.append(request.seed)

        outcome, _ = sampled(sample, Choir(a=speak))
        assert outcome.failure is not None
        assert (outcome.failure.code, sorted(stopped)) == ("AS701", [0, 2])


def test_a_limit_that_is_reached_between_samples_ends_the_run() -> None:
    for sample in ("{n: 5, pick: best, judge: judge}", "{n: 5, pick: first_valid, check: output.kind == 'y'}"):
        choir = Choir(a=[X], judge=[{"best": 1}])
        outcome, _ = sampled(sample, choir, "limits: {tokens: 25}")
        assert outcome.failure is not None
        assert outcome.failure.code == "AS610"


def test_the_judge_sees_the_task_and_each_answer_once_and_chooses() -> None:
    choir = Choir(a=in_turn([X, Y, X, WRONG], [3, 1, 0, 2]), judge=[sure({"best": 2}, None, usd=0.5)])
    outcome, heard = sampled("{n: 4, pick: best, judge: judge}", choir)
    assert outcome.result == Y
    asked = choir.asked[-1][1].messages[0].content
    assert "Which?" in asked
    assert [line for line in asked.split("\n") if "kind" in line] == ['{"kind": "x"}', '{"kind": "y"}']
    assert (meta(heard).calls, meta(heard).usd, meta(heard).model) == (5, 0.5, "say/a")


def test_a_judge_is_not_asked_where_there_is_nothing_to_choose() -> None:
    choir = Choir(a=in_turn([X, X, WRONG], [0, 1, 2]))
    outcome, _ = sampled("{n: 3, pick: best, judge: judge}", choir)
    assert (outcome.result, set(choir.names)) == (X, {"a"})


def test_samples_that_are_all_invalid_fail_the_step_before_a_judge_is_asked() -> None:
    choir = Choir(a=[WRONG])
    outcome, _ = sampled("{n: 3, pick: best, judge: judge}", choir)
    assert outcome.failure is not None
    assert (outcome.failure.code, set(choir.names)) == ("AS708", {"a"})


def test_first_valid_asks_until_the_check_holds() -> None:
    choir = Choir(a=[sure(X, 0.5), WRONG, sure(Y, 0.9), sure(Y, 0.1)])
    outcome, heard = sampled("{n: 4, pick: first_valid, check: output.kind == 'y' and confidence > 0.8}", choir)
    assert (outcome.result, choir.names) == (Y, ["a"] * 3)
    assert (meta(heard).calls, meta(heard).tokens_in) == (3, 30)


def test_first_valid_fails_when_no_answer_passes() -> None:
    outcome, _ = sampled("{n: 3, pick: first_valid, check: confidence > 0.8}", Choir(a=[X]))
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.nodes[0].calls) == ("AS708", 3)
    assert "none of 3 answers of `say/a` passes `check`" in outcome.failure.message


def test_the_check_sees_what_the_node_sees() -> None:
    node = "ask: {lm: a, prompt: Hi, sample: {n: 3, pick: first_valid, check: output == inputs.wanted}}"
    choir = Choir(a=["one", "two", "three"])
    outcome, _ = sung(
        f"inputs: {{wanted: string}}\nmodels: {{a: say/a}}\nnodes:\n  {node}\n", choir, inputs={"wanted": "two"}
    )
    assert (outcome.result, choir.count("a")) == ("two", 2)


def test_samples_are_not_shown_while_they_are_written() -> None:
    _, heard = sampled("{n: 3, pick: majority}", Choir(a=[X]), stream=True)
    assert heard.of(TextStreamed) == []


def test_a_run_that_is_cancelled_leaves_no_sample_behind() -> None:
    async def forever(request: Request) -> Any:
        await asyncio.sleep(3600)

    for sample in ("{n: 5, pick: majority}", "{n: 5, pick: best, judge: judge}"):
        choir = Choir(a=forever)
        outcome, _ = sampled(sample, choir, "limits: {wall: 50ms}")
        assert outcome.failure is not None
        assert (outcome.failure.code, choir.count("a")) == ("AS610", 5)
