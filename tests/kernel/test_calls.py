"""Blocks that a running step calls: what the kernel does with them. `Player` checks after every event."""

from __future__ import annotations

from typing import Any

import pytest

from agentspec.api.events import BlockCalled, ControllerEntered, Meta, Question, StepPaused
from agentspec.kernel import CancelStep, InvalidTransition, PauseRun, ReturnCall, advance
from agentspec.plan.model import PlanBlock

from .builder import TWICE, Draft, always, block, caller, mapped
from .player import Player, run


def one(name: str, *, single: bool = True, drafts: Any = ()) -> PlanBlock:
    return block(*(drafts or [Draft(name)]), label=name, single=single)


def called(player: Player, path: str, number: int, name: str, **values: Any) -> list[Any]:
    return player.feed(BlockCalled(path, number, name, values))


def returned(commands: list[Any]) -> ReturnCall:
    [found] = [command for command in commands if isinstance(command, ReturnCall)]
    return found


def working() -> Player:
    pair = one("pair", single=False, drafts=[Draft("a"), Draft("b", needs=["a"])])
    both = one("both", single=False, drafts=[Draft("x"), Draft("y", mapped(always([1, 2]), block(Draft("z"))))])
    return run(Draft("work", caller(one("look"), pair, both)), Draft("beside"))


def test_a_called_block_gets_its_values_and_gives_what_it_comes_to() -> None:
    player = working()
    called(player, "work", 0, "look", args={"day": 1})
    assert player.open["work/look#1"].lookup("args") == {"day": 1}
    answer = returned(player.succeed("work/look#1", "free", Meta(seconds=2.0)))
    assert answer == ReturnCall("work", 0, {"look": "free"}, Meta(seconds=2.0), None)
    assert set(player.open) == {"work", "beside"}


def test_calls_are_numbered_together_and_may_overlap() -> None:
    player = working()
    called(player, "work", 0, "look", args=1)
    called(player, "work", 1, "pair", args=2)
    called(player, "work", 2, "look", args=3)
    assert set(player.open) == {"work", "beside", "work/look#1", "work/pair#2/a", "work/look#3"}
    assert returned(player.succeed("work/look#3", 3)).number == 2
    player.succeed("work/pair#2/a", 1)
    assert player.open["work/pair#2/b"].lookup("args") == 2
    assert returned(player.succeed("work/pair#2/b", 2)).value == {"a": 1, "b": 2}
    assert returned(player.succeed("work/look#1", 1)).number == 0
    assert player.entered("work") == ["look#1", "pair#2", "look#3"]
    words = {event.controller for event in player.announced if isinstance(event, ControllerEntered)}
    assert words == {"code"}


def test_a_block_that_fails_returns_its_failure_and_what_was_done() -> None:
    player = working()
    called(player, "work", 0, "pair", args=1)
    player.succeed("work/pair#1/a", 5)
    answer = returned(player.fail("work/pair#1/b"))
    assert answer.failure is not None
    assert (answer.failure.path, answer.value) == ("work/pair#1/b", {"a": 5})
    assert player.finished is None


def test_what_else_goes_on_in_a_block_that_fails_is_stopped() -> None:
    player = working()
    called(player, "work", 0, "both")
    assert set(player.open) == {"work", "beside", "work/both#1/x", "work/both#1/y[0]/z", "work/both#1/y[1]/z"}
    commands = player.fail("work/both#1/x")
    assert {one.path for one in commands if isinstance(one, CancelStep)} == {"work/both#1/y[0]/z", "work/both#1/y[1]/z"}
    assert returned(commands).failure is not None


def test_a_fatal_failure_ends_the_run() -> None:
    player = working()
    called(player, "work", 0, "look")
    player.fail("work/look#1", fatal=True)
    assert player.finished is not None
    assert player.finished.status == "failed"


@pytest.mark.parametrize("how", ["succeed", "fail"])
def test_a_step_that_ends_stops_what_it_called(how: str) -> None:
    player = working()
    called(player, "work", 0, "look")
    called(player, "work", 1, "both")
    commands = player.succeed("work", 1) if how == "succeed" else player.fail("work")
    stopped = {one.path for one in commands if isinstance(one, CancelStep)}
    assert stopped >= {"work/look#1", "work/both#2/x", "work/both#2/y[0]/z", "work/both#2/y[1]/z"}
    assert player.finished is not None or set(player.open) == {"beside"}


def test_a_step_that_is_tried_again_calls_anew() -> None:
    player = run(Draft("work", caller(one("look")), retry=TWICE))
    called(player, "work", 0, "look", args=1)
    player.succeed("work/look#1", 1)
    player.fail("work", "timeout")
    assert player.open["work"].attempt == 2
    assert player.state.running["work"].calls == []
    called(player, "work", 0, "look", args=2)
    assert list(player.open) == ["work", "work/look#1"]


def test_calls_that_cannot_be_are_refused() -> None:
    player = working()
    for path, number in (("nobody", 0), ("work", 1)):
        with pytest.raises(InvalidTransition):
            called(player, path, number, "look")
    player.succeed("work", 1)
    with pytest.raises(InvalidTransition):
        called(player, "work", 0, "look")


def test_callers_call_callers() -> None:
    inner = one("inner", drafts=[Draft("inner", caller(one("look")))])
    player = run(Draft("work", caller(inner)))
    called(player, "work", 0, "inner", args=1)
    called(player, "work/inner#1", 0, "look", args=2)
    assert list(player.open) == ["work", "work/inner#1", "work/inner#1/look#1"]
    player.succeed("work/inner#1/look#1", 3)
    assert returned(player.succeed("work/inner#1", 4)).path == "work"
    called(player, "work", 1, "inner", args=1)
    called(player, "work/inner#2", 0, "look", args=2)
    player.succeed("work", 5)
    assert player.open == {}
    assert player.finished is not None
    assert player.finished.result == {"work": 5}


def test_a_run_pauses_when_callers_only_wait_for_those_who_wait() -> None:
    question = Question("x", ("yes", "no"))
    player = working()
    called(player, "work", 0, "look")
    player.succeed("work/look#1", 1)
    commands = advance(player.state, StepPaused("beside", 1, question, 0.0))
    assert not any(isinstance(one, PauseRun) for one in commands), "`work` is still busy with itself"
    advance(player.state, BlockCalled("work", 1, "look", {}))
    commands = advance(player.state, StepPaused("work/look#2", 1, question, 0.0))
    assert [one for one in commands if isinstance(one, PauseRun)] == [PauseRun(("beside", "work/look#2"))]
