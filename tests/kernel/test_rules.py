"""The kernel's rules one by one, on plans small enough to read."""

from __future__ import annotations

import pytest

from agentspec.api.events import (
    Meta,
    RunFinished,
    RunStarted,
    TextStreamed,
)
from agentspec.api.tool import Effect
from agentspec.kernel import InvalidTransition, StartStep, advance, new_state

from .builder import TWICE, Draft, always, block, broken, plan, tool
from .player import run


def test_a_node_starts_when_the_last_of_those_it_waits_for_is_settled() -> None:
    player = run(Draft("a"), Draft("b"), Draft("c", after=["a"]), Draft("d", after=["a", "b"]))
    assert player.started == ["a", "b"]
    player.succeed("a")
    assert player.started == ["a", "b", "c"]
    player.succeed("b")
    assert player.started == ["a", "b", "c", "d"]


def test_steps_see_the_values_before_them_and_the_inputs() -> None:
    player = run(Draft("a"), Draft("b", after=["a"]))
    player.succeed("a", 41)
    lookup = player.open["b"].lookup
    assert lookup("a") == 41
    assert lookup("inputs") == {"x": 1}
    with pytest.raises(KeyError):
        lookup("b")


def test_being_skipped_is_passed_on_to_those_who_need_and_not_to_those_who_only_wait() -> None:
    player = run(Draft("a", when=always(False)), Draft("b", needs=["a"]), Draft("c", after=["a"]))
    assert player.skipped() == ["a", "b"]
    assert player.started == ["c"]
    player.succeed("c", 3)
    assert player.finished == RunFinished("ok", {"a": None, "b": None, "c": 3})


def test_a_condition_that_cannot_be_evaluated_fails_its_node() -> None:
    player = run(Draft("a", when=broken, on_error="value", fallback=5))
    assert player.finished == RunFinished("ok", {"a": 5})
    assert [problem.code for problem in player.state.problems] == ["AS604"]


def test_retries_wait_longer_each_time_and_then_the_failure_counts() -> None:
    player = run(Draft("a", retry=TWICE))
    assert [one.wait_s for one in player.fail("a", "timeout") if isinstance(one, StartStep)] == [1.0]
    assert [one.wait_s for one in player.fail("a", "unavailable") if isinstance(one, StartStep)] == [3.0]
    player.fail("a", "timeout")
    assert player.finished is not None
    assert player.finished.status == "failed"


def test_kinds_that_retry_does_not_name_are_not_tried_again() -> None:
    player = run(Draft("a", retry=TWICE))
    player.fail("a", "invalid")
    assert player.finished is not None


@pytest.mark.parametrize(
    ("effect", "idempotent", "attempts"),
    [(Effect.READ, False, 3), (Effect.WRITE, False, 1), (Effect.EXTERNAL, False, 1), (Effect.WRITE, True, 3)],
)
def test_tools_that_change_something_are_tried_again_only_when_that_does_no_harm(
    effect: Effect, idempotent: bool, attempts: int
) -> None:
    player = run(Draft("a", tool(effect, idempotent=idempotent), retry=TWICE))
    while player.open:
        player.fail("a", "timeout")
    assert player.started == ["a"] * attempts


def test_a_result_that_cannot_be_evaluated_fails_the_run() -> None:
    player = run(Draft("a"), result=broken)
    player.succeed("a")
    assert player.finished is not None
    assert player.finished.status == "failed"


def test_how_nodes_ran_is_visible_for_every_settled_node() -> None:
    player = run(Draft("a"), Draft("t", tool()), Draft("no", when=always(False)), Draft("z", after=["a", "t", "no"]))
    player.succeed("a", meta=Meta(confidence=0.25, calls=1, tokens_in=2, tokens_out=3))
    player.succeed("t", meta=Meta(seconds=1.5))
    metas = player.open["z"].lookup("meta")
    assert list(metas) == ["a", "t", "no"]
    assert (metas["a"]["confidence"], metas["a"]["tokens"]) == (0.25, 5)
    assert metas["t"]["seconds"] == 1.5
    assert (metas["no"]["confidence"], metas["no"]["attempts"]) == (None, 0)


def test_events_out_of_place_are_refused() -> None:
    state = new_state(plan(block(Draft("a"))))
    advance(state, RunStarted("x", {}))
    with pytest.raises(InvalidTransition):
        advance(state, RunStarted("x", {}))
    with pytest.raises(InvalidTransition):
        advance(state, TextStreamed("a", "hello"))  # type: ignore[arg-type]
    assert list(state.running) == ["a"]
