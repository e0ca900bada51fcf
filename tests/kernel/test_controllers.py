"""Switches, maps and loops: what opens, what it gives, and what becomes of failures in it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from agentspec.api.events import (
    ControllerEntered,
    ControllerLeft,
    Failure,
    RunFinished,
    RunStarted,
    StepFailed,
)
from agentspec.api.tool import Effect
from agentspec.kernel import CancelStep, StartTimer, StopTimer, advance, new_state

from .builder import TWICE, Draft, always, block, broken, loop, mapped, plan, switch, tool
from .player import run


def test_a_controller_with_a_tool_that_changes_something_is_not_tried_again() -> None:
    inner = block(Draft("write", tool(Effect.WRITE)), Draft("ask", after=["write"]))
    player = run(Draft("each", mapped(always([1]), inner), retry=TWICE))
    player.succeed("each[0]/write")
    player.fail("each[0]/ask", "timeout")
    assert player.finished is not None
    assert player.started == ["each[0]/write", "each[0]/ask"]


def test_a_controller_waits_before_it_is_tried_again() -> None:
    player = run(Draft("rounds", loop(block(Draft("ask")), 2), retry=TWICE))
    player.fail("rounds#1/ask", "timeout")
    assert player.open["rounds"].wait_s == 1.0
    assert player.started == ["rounds#1/ask", "rounds"]
    player.answer("rounds", always(None))
    assert list(player.open) == ["rounds#1/ask"]


def test_a_failure_in_a_block_stops_its_siblings_and_fails_the_controller() -> None:
    inner = block(Draft("a"), Draft("b"))
    player = run(Draft("each", mapped(always([1, 2]), inner), on_error="skip"), Draft("other"))
    commands = player.fail("each[1]/a")
    assert {one.path for one in commands if isinstance(one, CancelStep)} == {"each[0]/a", "each[0]/b", "each[1]/b"}
    assert list(player.open) == ["other"]
    assert player.skipped() == ["each"]


def test_what_a_failing_block_had_still_to_start_never_starts() -> None:
    inner = block(Draft("a", when=lambda lookup: broken(lookup) if lookup("item") == 1 else True), Draft("b"))
    player = run(Draft("each", mapped(always([1, 2]), inner), on_error="value", fallback=0))
    assert player.started == []
    assert player.finished == RunFinished("ok", {"each": 0})


def test_keep_going_gives_null_for_the_item_that_failed_and_stops_only_that_item() -> None:
    inner = block(Draft("a"), Draft("b"), result=lambda lookup: lookup("a"))
    player = run(Draft("each", mapped(always([1, 2]), inner, keep_going=True)))
    commands = player.fail("each[0]/a")
    assert [one.path for one in commands if isinstance(one, CancelStep)] == ["each[0]/b"]
    player.succeed("each[1]/a", 7)
    player.succeed("each[1]/b", 8)
    assert player.finished == RunFinished("ok", {"each": [None, 7]})
    assert len(player.state.problems) == 1


def test_keep_going_fails_when_every_item_failed() -> None:
    inner = block(Draft("a"))
    player = run(Draft("each", mapped(always([1, 2]), inner, keep_going=True)))
    player.fail("each[1]/a")
    player.fail("each[0]/a")
    assert player.finished is not None
    assert (player.finished.status, player.finished.failure and player.finished.failure.path) == ("failed", "each[0]/a")


def test_map_results_stand_in_the_order_of_the_items() -> None:
    inner = block(Draft("a"), result=lambda lookup: [lookup("item"), lookup("loop")["index"], lookup("a")])
    player = run(Draft("each", mapped(always(["x", "y", "z"]), inner, 2)))
    assert list(player.open) == ["each[0]/a", "each[1]/a"]
    player.succeed("each[1]/a", 1)
    player.succeed("each[2]/a", 2)
    player.succeed("each[0]/a", 0)
    assert player.finished == RunFinished("ok", {"each": [["x", 0, 0], ["y", 1, 1], ["z", 2, 2]]})


@pytest.mark.parametrize("items", [None, "text", 3, {"a": 1}])
def test_a_map_over_something_else_than_a_list_fails(items: Any) -> None:
    player = run(Draft("each", mapped(always(items), block(Draft("a")))))
    assert player.finished is not None
    assert player.finished.failure is not None
    assert "must give a list" in player.finished.failure.message


def test_a_loop_ends_when_until_holds_and_hands_on_the_values_of_the_round_before() -> None:
    inner = block(Draft("a"), result=lambda lookup: [lookup("previous")["a"], lookup("a")])
    player = run(Draft("rounds", loop(inner, 9, until=lambda lookup: lookup("a") >= 2)))
    player.succeed("rounds#1/a", 1)
    player.succeed("rounds#2/a", 2)
    assert player.finished == RunFinished("ok", {"rounds": [1, 2]})
    assert player.entered("rounds") == ["1", "2"]


def test_a_loop_never_has_more_rounds_than_max_and_none_when_while_is_false() -> None:
    forever = run(Draft("rounds", loop(block(Draft("a")), 3, until=always(False))))
    for number in (1, 2, 3):
        forever.succeed(f"rounds#{number}/a", number)
    assert forever.finished == RunFinished("ok", {"rounds": {"a": 3}})
    never = run(Draft("rounds", loop(block(Draft("a")), 3, again=always(False))))
    assert never.finished == RunFinished("ok", {"rounds": None})


def test_a_switch_takes_the_case_of_that_name_else_the_default_else_nothing() -> None:
    cases = [block(Draft("yes"), label="true", single=True), block(Draft("a"), label="3")]
    taken = run(Draft("s", switch(always(True), *cases)))
    assert taken.started == ["s:true"]
    assert run(Draft("s", switch(always(3), *cases))).started == ["s:3/a"]
    fallen = run(Draft("s", switch(always("no"), *cases, default=block(Draft("d"), label="default"))))
    assert fallen.started == ["s:default/d"]
    assert run(Draft("s", switch(always(None), *cases))).finished == RunFinished("ok", {"s": None})


def test_a_label_cannot_be_taken_for_a_part_of_the_path() -> None:
    case = block(Draft("x"), label="a/b[1]#2%")
    assert run(Draft("s", switch(always("a/b[1]#2%"), case))).started == ["s:a%2Fb%5B1]%232%25/x"]


def test_blocks_without_nodes_give_their_result_at_once() -> None:
    empty = block(label="x", result=always("nothing to do"))
    player = run(Draft("s", switch(always("x"), empty)), Draft("m", mapped(always([1, 2]), empty)))
    assert player.finished == RunFinished("ok", {"s": "nothing to do", "m": ["nothing to do"] * 2})


def test_what_a_controller_decides_is_announced() -> None:
    player = run(Draft("m", mapped(always([]), block(Draft("a")))))
    assert player.announced == [ControllerEntered("m", "map", "0"), ControllerLeft("m", [])]


def test_a_controllers_timeout_stops_what_is_inside_and_counts_as_its_failure() -> None:
    player = run(Draft("each", mapped(always([1]), block(Draft("a"))), timeout_s=5.0, retry=TWICE))
    assert player.timers == {"each": StartTimer("each", 1, 5.0)}
    commands = player.ring("each")
    assert CancelStep("each[0]/a") in commands
    player.answer("each", always(None))
    assert player.timers == {"each": StartTimer("each", 2, 5.0)}
    assert StopTimer("each") in player.succeed("each[0]/a")


def test_a_fatal_failure_ends_the_run_past_retry_and_on_error_and_keep_going() -> None:
    inner = block(Draft("a", retry=TWICE, on_error="skip"), Draft("b"))
    player = run(Draft("each", mapped(always([1, 2]), inner, keep_going=True), on_error="skip"))
    player.fail("each[0]/a", "timeout", fatal=True)
    assert player.finished is not None
    assert player.finished.status == "failed"


def test_many_failures_at_once_cost_no_more_each_than_a_few() -> None:
    def cpu_s(count: int) -> float:
        inner = block(Draft("s", switch(always("x"), block(Draft("x"), label="x", single=True))))
        work = mapped(always([0] * count), inner, count, keep_going=True)
        state = new_state(plan(block(Draft("each", work))))
        advance(state, RunStarted("x", {}))
        started = time.process_time()
        for path in list(state.running):
            advance(state, StepFailed(path, 1, Failure(path, "AS601", "no")))
        assert state.finished is not None
        return (time.process_time() - started) / count

    assert min(cpu_s(4_000) for _ in range(3)) < 4 * min(cpu_s(250) for _ in range(3))
