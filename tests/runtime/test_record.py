"""Trajectories and cost rows."""

from __future__ import annotations

import pytest

from agentspec.api.events import (
    CallAnswered,
    ControllerEntered,
    Event,
    Failure,
    StepFailed,
    StepSkipped,
)
from agentspec.plan import Plan
from agentspec.plan.paths import general
from agentspec.runtime import Outcome
from agentspec.runtime.record import Record
from agentspec.runtime.trajectory import shorten

from .agents import alone, compiled, ran

INBOX = """
nodes:
  read: {tool: work.say, with: {text: hello}}
  each:
    controller: map
    over: "['a', 'b']"
    nodes:
      sort: {lm: m, prompt: "${{ item }} ${{ read }}"}
      act:
        controller: switch
        on: sort
        cases:
          a hello: {lm: m, prompt: answer}
        default:
          nodes:
            look: {tool: work.say, with: {text: look}}
            note: {tool: work.say, with: {text: "${{ look }}"}}
    result: "${{ act }}"
  rounds:
    controller: loop
    max: 3
    after: each
    nodes: {write: {lm: m, prompt: draft}}
result: {each: "${{ each }}", rounds: "${{ rounds }}"}
"""


async def inbox() -> Outcome:
    return await ran(INBOX)


def test_the_trajectory_follows_the_control_flow_item_by_item_and_round_by_round() -> None:
    async def test() -> None:
        outcome = await inbox()
        assert outcome.status == "ok"
        assert shorten(list(outcome.trajectory)) == "T LM C LM×2 C T×2 (C LM)×3"

    alone(test)


def test_rows_add_up_all_visits_of_a_node() -> None:
    async def test() -> None:
        rows = {use.path: use for use in (await inbox()).nodes}
        assert list(rows) == [
            "read",
            "each/sort",
            "each/act:a hello",
            "each/act:default/look",
            "each/act:default/note",
            "rounds/write",
        ]
        assert (rows["each/sort"].kind, rows["each/sort"].steps, rows["each/sort"].tokens_in) == ("LM", 2, 4)
        assert rows["each/sort"].model == "fake/echo"
        assert rows["rounds/write"].calls == 3
        assert (rows["read"].kind, rows["read"].calls, rows["read"].usd) == ("T", 0, 0.0)

    alone(test)


def two() -> Plan:
    return compiled("nodes: {a: {lm: m, prompt: x}, b: {tool: work.crash}}\nresult: '${{ a }}${{ b }}'")


def recorded(*events: Event) -> Record:
    record = Record(two())
    for event in events:
        record(event)
    return record


def test_one_unknown_price_makes_a_sum_unknown() -> None:
    known, unknown = CallAnswered("a", "x/y", 5, 2, 0.5, 0.1), CallAnswered("a", "x/y", 5, 2, None, 0.1)
    assert recorded(known, known).nodes["a"].usd == 1.0
    assert recorded(unknown, known).nodes["a"].usd is None


def test_calls_of_a_step_that_fails_are_counted() -> None:
    call = CallAnswered("a", "x/y", 5, 2, 0.5, 0.1)
    use = recorded(call, call, StepFailed("a", 1, Failure("a", "AS708", "no"))).nodes["a"]
    assert (use.calls, use.tokens_in, use.tokens_out, use.usd, use.failed) == (2, 10, 4, 1.0, 1)


def test_failures_and_skips_are_counted_and_controllers_have_no_row() -> None:
    failure = Failure("a", "AS601", "no")
    record = recorded(
        StepFailed("a", 1, failure),
        StepFailed("a", 2, failure),
        StepSkipped("b", "needs"),
        StepFailed("each", 1, failure),
        StepSkipped("each", "condition"),
    )
    assert [(use.path, use.failed, use.skipped) for use in record.nodes.values()] == [("a", 2, 0), ("b", 0, 1)]


def test_only_decisions_are_letters_of_a_controller() -> None:
    record = recorded(ControllerEntered("m", "map", "3"), ControllerEntered("s", "switch", "x"))
    assert record.trajectory() == ["C"]


def test_labels_of_cases_may_look_like_paths() -> None:
    async def test() -> None:
        outcome = await ran(
            """
            nodes:
              s:
                controller: switch
                on: "'#1/a[2]'"
                cases:
                  "#1/a[2]": {nodes: {x: {lm: m, prompt: hello}}}
                default: {lm: m, prompt: hello}
            """
        )
        assert outcome.result == "hello"
        assert [(use.path, use.steps) for use in outcome.nodes] == [("s:%231%2Fa%5B2]/x", 1), ("s:default", 0)]

    alone(test)


@pytest.mark.parametrize(
    ("path", "expected"), [("a", "a"), ("each[12]/b#3/c", "each/b/c"), ("s:x/each[0]/y", "s:x/each/y")]
)
def test_a_nodes_own_path_has_no_indices(path: str, expected: str) -> None:
    assert general(path) == expected


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("", ""),
        ("T", "T"),
        ("LM LM LM", "LM×3"),
        ("T LM C T LM C T LM C LM", "(T LM C)×3 LM"),
        ("LM C LM", "LM C LM"),
        ("LM LM T LM LM T", "(LM LM T)×2"),
    ],
)
def test_repeated_groups_are_counted(letters: str, expected: str) -> None:
    assert shorten(letters.split()) == expected


def test_long_trajectories_are_short() -> None:
    assert shorten(["LM", "C"] * 50_000 + ["T"]) == "(LM C)×50000 T"
