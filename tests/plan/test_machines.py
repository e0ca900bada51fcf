"""Machines, as they are checked: states, the ways between them, and what they see of each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agentspec.plan import Checked
from agentspec.plan.work import MachineWork

Check = Callable[..., Checked]
Problems = Callable[..., list[tuple[str, str]]]

STATES = """
      write: {lm: m, prompt: "${{ review.reason | default('') }}"}
      review: {lm: m, prompt: "${{ write }}", output: {good: boolean, reason: string}}
"""
NEXT = "{write: review, review: [{when: review.good, to: end}, {to: write}]}"


def desk(ways: str = NEXT, states: str = STATES, start: str = "write", more: str = "") -> str:
    keys = f"controller: machine\n    start: {start}\n    max_steps: 6\n    next: {ways}\n    {more}"
    return f"nodes:\n  desk:\n    {keys}\n    nodes: {states}"


def test_a_machine_is_compiled_to_states_and_ways(checked: Check) -> None:
    plan = checked(desk()).plan
    assert plan is not None
    work = plan.block.nodes[0].work
    assert isinstance(work, MachineWork)
    assert [node.id for node in work.block.nodes] == ["write", "review"]
    assert (work.start, work.most) == (0, 6)
    assert [[to for _, to in ways] for ways in work.ways] == [[1], [None, 0]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (desk(start="wrte"), [("AS302", "wrte")]),
        (desk("{write: reviw, review: end}"), [("AS302", "reviw")]),
        (desk("{write: review}"), [("AS407", "next")]),
        (desk("{write: review, review: end, gone: end}"), [("AS302", "gone")]),
        (desk("{write: review, review: [{when: review.good, to: end}]}"), [("AS407", "review")]),
        (desk("{write: review, review: []}"), [("AS407", "review")]),
        (desk("{write: review, review: write}"), [("AS408", "next")]),
        (desk("{write: end, review: end}"), [("AS406", "review")]),
        (desk("{write: review, review: [{to: end}, {to: write}]}"), [("AS406", "{to: write}")]),
        (desk("{write: review, review: [{when: review.god, to: end}, {to: write}]}"), [("AS301", "god")]),
    ],
)
def test_mistakes_are_reported_where_they_stand(text: str, found: list[tuple[str, str]], problems: Problems) -> None:
    assert problems(text) == found


def test_a_state_may_be_null_for_the_others_and_not_for_its_own_ways(problems: Problems) -> None:
    states = STATES.replace("review.reason | default('')", "review.reason")
    assert problems(desk(states=states)) == [("AS310", "review")]


def test_the_value_is_that_of_any_state_before_the_end(checked: Check, problems: Problems) -> None:
    assert problems(desk() + "result: ${{ desk.good }}") == []
    both = (
        "{write: [{when: loop.index > 2, to: end}, {to: review}], review: [{when: review.good, to: end}, {to: write}]}"
    )
    plan = checked(desk(both)).plan
    assert plan is not None
    assert "anyOf" in plan.block.nodes[0].value


def test_a_result_sees_states_that_may_never_have_run(problems: Problems) -> None:
    assert problems(desk(more="result: ${{ review }}") + "result: ${{ desk.good }}") == [("AS310", "desk")]
    assert (
        problems(desk(more="result: {good: '${{ review.good | default(false) }}'}") + "result: ${{ desk.good }}") == []
    )


def test_after_has_no_meaning_in_a_machine(problems: Problems) -> None:
    assert problems(desk(states=STATES.replace("output:", "after: write, output:"))) == [("AS203", "after")]
