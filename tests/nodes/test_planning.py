"""The controller `plan`: a plan that a model wrote is checked, approved, run, and written anew."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agentspec.api import Message
from agentspec.api.events import Question
from agentspec.api.validate import problems_of

from .desk import Desk, Watched, compiled, outcome_of, says

WORK = """
nodes:
  work: {controller: plan, lm: m, goal: Find an hour and book it., tools: [desk.slots, desk.book, desk.refuse],
         max_steps: 3, replan: 1}
"""
GOOD = [
    {"id": "find", "tool": "desk.slots", "arguments": {"day": 2}},
    {"id": "book", "tool": "desk.book", "arguments": {"hour": {"from_step": "find", "field": "[1].hour"}}},
]


def step(name: str, tool: str, /, after: list[str] | None = None, **arguments: Any) -> dict[str, Any]:
    return {"id": name, "tool": tool, "arguments": arguments, **({"after": after} if after else {})}


def worked(*plans: list[Any], spec: str = WORK) -> tuple[Any, Desk]:
    desk = Desk([says({"steps": plan}) for plan in plans], native=False)
    return outcome_of(spec, desk), desk


def complaint(desk: Desk) -> str:
    message: Message = desk.played.requests[1].messages[-1]
    return message.content


def test_a_plan_is_run_as_a_graph_and_its_values_come_back() -> None:
    outcome, desk = worked(GOOD)
    assert desk.calls == ["slots 2 2", "book 10 meeting"]
    rows = [
        {"id": "find", "tool": "desk.slots", "value": [{"day": 2, "hour": 9}, {"day": 2, "hour": 10}]},
        {"id": "book", "tool": "desk.book", "value": "meeting at 10"},
    ]
    assert outcome.result == {"steps": rows, "last": "meeting at 10"}


def test_its_steps_stand_in_the_trajectory_and_in_the_report() -> None:
    outcome, _ = worked(GOOD)
    assert list(outcome.trajectory) == ["C", "LM", "C", "T1", "T2"]
    used = {use.path: (use.letter, use.steps) for use in outcome.nodes if use.steps}
    assert used == {"work/lm": ("LM", 1), "work/steps/find": ("T1", 1), "work/steps/book": ("T2", 1)}


def test_steps_that_do_not_wait_for_each_other_run_in_the_order_of_the_plan() -> None:
    outcome, desk = worked([step("b", "desk.slots", day=2), step("a", "desk.slots", day=1)])
    assert desk.calls == ["slots 2 2", "slots 1 2"]
    outcome, desk = worked([step("b", "desk.slots", ["a"], day=2), step("a", "desk.slots", day=1)])
    assert desk.calls == ["slots 1 2", "slots 2 2"]
    assert [row["id"] for row in outcome.result["steps"]] == ["b", "a"]


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ([step("a", "desk.slot", day=1)], "step `a`: there is no tool `desk.slot`"),
        ([step("a", "desk.slots")], "step `a`: `desk.slots` needs `day`: an integer"),
        ([step("a", "desk.slots", day=1, hour=2)], "step `a`: `desk.slots` takes no `hour`"),
        ([step("a", "desk.slots", day="x")], 'step `a`: `day`: "x" is not of type "integer"'),
        ([step("a", "desk.slots", day={"from_step": "b"})], "step `a` refers to `b`, which is no step"),
        ([step("a", "desk.slots", day=1), step("a", "desk.slots", day=1)], "two steps have the id `a`"),
        ([step("a", "desk.slots", ["b"], day=1), step("b", "desk.slots", ["a"], day=1)], "wait for each other"),
        ([step("a", "desk.slots", ["a"], day=1)], "wait for each other"),
        ([step(f"a{n}", "desk.slots", day=n) for n in range(4)], "the plan has 4 steps, 3 are allowed"),
        (
            [step("a", "desk.slots", day=1), step("b", "desk.book", hour={"from_step": "a"})],
            "step `b`: `hour`: it must be an integer, it is a list",
        ),
        (
            [step("a", "desk.slots", day=1), step("b", "desk.book", hour={"from_step": "a", "field": "[0].minute"})],
            "step `b`: `hour`: `a` has no `[0].minute`",
        ),
        (
            [step("a", "desk.slots", day=1), step("b", "desk.book", hour={"from_step": "a", "field": "[-1]"})],
            "`[-1]` is no field",
        ),
        (
            [step("a", "desk.slots", day=1), step("b", "desk.book", hour={"from_step": "a", "field": 7})],
            "`7` is no field",
        ),
        (
            [step("a", "desk.slots", day=1), step("b", "desk.book", hour={"from_step": "a", "of": 7})],
            "a reference holds `from_step` and `field`, not `of`",
        ),
        ([step("a", "desk.slots", day=json.loads("[" * 60 + "]" * 60))], "nested too deeply"),
    ],
)
def test_a_plan_with_a_mistake_goes_back_and_nothing_runs(plan: list[Any], said: str) -> None:
    outcome, desk = worked(plan, GOOD)
    assert outcome.status == "ok"
    assert desk.calls == ["slots 2 2", "book 10 meeting"]
    assert said in complaint(desk)


def test_what_is_no_plan_at_all_is_repaired() -> None:
    desk = Desk([says("I would look first."), says({"steps": GOOD})])
    assert outcome_of(WORK, desk).status == "ok"
    assert "not JSON" in complaint(desk)


def test_when_no_plan_may_be_run_the_node_fails_and_says_why() -> None:
    outcome, desk = worked([step("a", "desk.slots")])
    assert outcome.failure.code == "AS613"
    assert outcome.failure.message == (
        "`work` got no plan that may be run: step `a`: `desk.slots` needs `day`: an integer"
    )
    assert len(desk.played.requests) == 2


def test_a_step_that_fails_gives_a_new_plan_that_knows_what_was_done() -> None:
    broken = [step("find", "desk.slots", day=2, count=1), step("ask", "desk.refuse", ["find"])]
    outcome, desk = worked(broken, GOOD)
    assert outcome.status == "ok"
    assert desk.calls == ["slots 2 1", "refuse", "slots 2 2", "book 10 meeting"]
    assert "step `ask` failed: the drawer is\ufffd[31m locked" in complaint(desk)
    assert 'These steps were done, and gave:\n{"find": [{"day": 2, "hour": 9}]}' in complaint(desk)
    assert {use.path: use.failed for use in outcome.nodes if use.failed} == {"work/steps/ask": 1}


def test_the_last_plans_failure_is_that_of_the_node() -> None:
    outcome, _ = worked([step("ask", "desk.refuse")])
    assert (outcome.failure.code, outcome.failure.path) == ("AS601", "work")
    assert "locked" in outcome.failure.message


def test_a_plan_has_no_more_steps_than_the_run() -> None:
    outcome, desk = worked(GOOD * 2, GOOD, spec=f"limits: {{steps: 3}}{WORK.replace('max_steps: 3', 'max_steps: 9')}")
    assert "at most 3 steps" in desk.played.requests[0].messages[0].content
    assert "the plan has 4 steps, 3 are allowed" in complaint(desk)
    assert (outcome.failure.code, desk.calls) == ("AS610", [])


def test_the_schema_that_a_model_is_held_to_admits_only_real_tools_with_their_arguments() -> None:
    _, desk = worked(GOOD)
    schema = desk.played.requests[0].output
    assert schema is not None
    good = json.loads(json.dumps(GOOD).replace('"find"', '"s1"').replace('"book"', '"s2"'))
    assert problems_of({"steps": good}, schema) == []
    for bad in (
        GOOD,
        [step("s1", "desk.look", day=1)],
        [step("s1", "desk.slots")],
        [step("s1", "desk.slots", day="x")],
        [step("s1", "desk.slots", day=1, hour=1)],
        [step("s4", "desk.slots", day=1)],
        [],
    ):
        assert problems_of({"steps": bad}, schema) != []


ASKED = WORK.replace("replan: 1", "replan: 1, approve: true")


@pytest.mark.parametrize(("choice", "made"), [("approve", ["slots 2 2", "book 10 meeting"]), ("reject", [])])
def test_a_person_sees_each_plan_before_it_is_run(choice: str, made: list[str]) -> None:
    desk = Desk([says({"steps": GOOD})], native=False)
    asked: list[tuple[str, Question]] = []

    async def ask(path: str, question: Question) -> str:
        assert desk.calls == []
        asked.append((path, question))
        return choice

    outcome = asyncio.run(Watched(compiled(ASKED, desk), desk, ask=ask).run.execute({}))
    [(path, question)] = asked
    assert path == "work/approve#2"
    assert question.show == {"steps": GOOD}
    assert desk.calls == made
    assert (outcome.failure is None) == (choice == "approve")
    if outcome.failure is not None:
        assert (outcome.failure.code, outcome.failure.message) == ("AS613", "the plan of `work` was not approved")


def test_a_new_plan_is_asked_about_anew() -> None:
    desk = Desk([says({"steps": [step("ask", "desk.refuse")]}), says({"steps": GOOD})], native=False)
    asked: list[Any] = []

    async def ask(path: str, question: Question) -> str:
        asked.append(question.show["steps"][0]["id"])
        return "approve"

    outcome = asyncio.run(Watched(compiled(ASKED, desk), desk, ask=ask).run.execute({}))
    assert outcome.status == "ok"
    assert asked == ["ask", "find"]


def test_an_agent_can_be_a_step_and_its_own_steps_are_counted(tmp_path: Path) -> None:
    text = (
        "agentspec: 1\nname: finder\ninputs: {day: integer}\nmodels: {m: fake/echo}\ntools: {desk: desk}\nnodes:\n"
        "  find: {tool: desk.slots, with: {day: '${{ inputs.day }}'}}\n"
        "  say: {lm: m, prompt: '${{ find }}'}\n"
    )
    (tmp_path / "finder.yaml").write_text(text)
    spec = WORK.replace("desk.slots", "./finder.yaml")
    plan = [step("find", "finder", day=3), step("book", "desk.book", ["find"], hour=1)]
    desk = Desk([says({"steps": plan})], native=False)
    outcome = outcome_of(spec, desk, folder=tmp_path)
    assert desk.calls == ["slots 3 2", "book 1 meeting"]
    assert {use.path for use in outcome.nodes if use.steps} == {
        "work/lm",
        "work/steps/find/find",
        "work/steps/find/say",
        "work/steps/book",
    }
