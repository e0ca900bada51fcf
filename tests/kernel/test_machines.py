"""Machines: one state after the other, whatever the states are made of. `Player` checks after every event."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.api.events import ControllerEntered, StepFailed
from agentspec.kernel import StartStep
from agentspec.plan.model import Plan
from agentspec.plan.work import Compiled, LmWork, Lookup, MachineWork, Work

from .builder import LM, TWICE, Draft, always, block, broken, loop, mapped, plan, switch
from .oracle import Oracle
from .player import Player, run
from .random_plans import Script, mix, plans
from .test_any_order import bounded, seeds

Ways = dict[str, Sequence[tuple[Compiled | None, str | None]]]


def machine(*states: Draft, ways: Ways, most: int = 5, result: Compiled | None = None) -> MachineWork:
    """A machine that begins with its first state."""
    inner = block(*states)
    place = {node.id: node.index for node in inner.nodes}
    found = tuple(
        tuple((when, None if to is None else place[to]) for when, to in ways[node.id]) for node in inner.nodes
    )
    return MachineWork(0, most, inner, found, result)


def desk(*states: Draft, ways: Ways, **options: Any) -> Player:
    return run(Draft("desk", machine(*states, ways=ways, **options)))


THERE_AND_BACK: Ways = {
    "write": [(None, "review")],
    "review": [(lambda lookup: lookup("review") > 1, None), (None, "write")],
}


def test_control_returns_after_every_step() -> None:
    player = desk(Draft("write"), Draft("review"), ways=THERE_AND_BACK)
    for path, value in (("#1/write", 0), ("#2/review", 1), ("#3/write", 0), ("#4/review", 2)):
        assert list(player.open) == [f"desk{path}"]
        player.succeed(f"desk{path}", value)
    assert player.finished is not None
    assert player.finished.result == {"desk": 2}
    assert player.entered("desk") == ["1/write", "2/review", "3/write", "4/review"]


def test_states_see_each_others_latest_value_and_null_before() -> None:
    player = desk(Draft("write"), Draft("review"), ways=THERE_AND_BACK)
    seen = [player.open["desk#1/write"].lookup(name) for name in ("write", "review", "loop")]
    assert seen == [None, None, {"index": 0}]
    player.succeed("desk#1/write", 7)
    assert player.open["desk#2/review"].lookup("write") == 7
    player.succeed("desk#2/review", 0)
    assert [player.open["desk#3/write"].lookup(name) for name in ("write", "review")] == [7, 0]
    assert player.open["desk#3/write"].lookup("loop") == {"index": 2}


def test_a_machine_that_is_not_at_its_end_after_its_last_step_fails() -> None:
    player = desk(Draft("write"), Draft("review"), ways=THERE_AND_BACK, most=2)
    player.succeed("desk#1/write", 0)
    player.succeed("desk#2/review", 0)
    assert player.finished is not None
    assert player.finished.failure is not None
    assert (player.finished.failure.code, player.finished.failure.path) == ("AS611", "desk")
    assert "`write` would be next" in player.finished.failure.message


def test_the_end_at_the_last_step_is_in_time() -> None:
    player = desk(Draft("write"), ways={"write": [(None, None)]}, most=1)
    player.succeed("desk#1/write", 3)
    assert player.finished is not None
    assert player.finished.result == {"desk": 3}


def test_when_no_condition_holds_the_machine_fails() -> None:
    player = desk(Draft("write"), ways={"write": [(always(False), None)]})
    player.succeed("desk#1/write", 3)
    assert player.finished is not None
    assert player.finished.failure is not None
    assert player.finished.failure.code == "AS611"


def test_a_condition_that_breaks_fails_the_machine() -> None:
    player = desk(Draft("write"), ways={"write": [(broken, None)]})
    player.succeed("desk#1/write", 3)
    assert player.finished is not None
    assert player.finished.failure is not None
    assert player.finished.failure.code == "AS604"


def test_a_state_that_is_skipped_is_a_step_and_the_machine_goes_on() -> None:
    states = [Draft("write", when=always(False)), Draft("review")]
    player = desk(*states, ways={"write": [(None, "review")], "review": [(None, None)]})
    assert player.skipped() == ["desk#1/write"]
    assert list(player.open) == ["desk#2/review"]


def test_a_state_is_tried_again_in_its_own_step() -> None:
    player = desk(Draft("write", retry=TWICE), ways={"write": [(None, None)]})
    player.fail("desk#1/write", "timeout")
    command = player.open["desk#1/write"]
    assert (command.attempt, command.wait_s) == (2, 1.0)
    player.succeed("desk#1/write", 3)
    assert player.entered("desk") == ["1/write"]


@pytest.mark.parametrize(("on_error", "value"), [("skip", None), ("value", -1)])
def test_a_state_may_fail(on_error: str, value: Any) -> None:
    player = desk(Draft("write", on_error=on_error, fallback=-1), ways={"write": [(None, None)]})
    player.fail("desk#1/write")
    assert player.finished is not None
    assert player.finished.result == {"desk": value}
    assert len(player.state.problems) == 1


def test_a_machine_that_is_tried_again_begins_anew() -> None:
    work = machine(Draft("write"), Draft("review"), ways=THERE_AND_BACK)
    player = run(Draft("desk", work, retry=TWICE))
    player.succeed("desk#1/write", 7)
    player.fail("desk#2/review", "timeout")
    assert (list(player.open), player.open["desk"].attempt) == (["desk"], 2)
    player.answer("desk", lambda command: None)
    assert list(player.open) == ["desk#1/write"]
    assert player.open["desk#1/write"].lookup("write") is None


def test_when_its_time_is_up_the_present_state_is_stopped() -> None:
    work = machine(Draft("write", mapped(always([1, 2]), block(Draft("a")))), ways={"write": [(None, None)]})
    player = run(Draft("desk", work, timeout_s=5.0))
    assert set(player.open) == {"desk#1/write[0]/a", "desk#1/write[1]/a"}
    player.ring("desk")
    assert player.open == {}
    assert player.finished is not None
    assert player.finished.failure is not None
    assert player.finished.failure.code == "AS605"


def test_controllers_are_states_too() -> None:
    inner = loop(block(Draft("again")), 2)
    choice = switch(always("a"), block(Draft("one"), label="a", single=True))
    ways: Ways = {"turns": [(None, "pick")], "pick": [(None, None)]}
    player = desk(Draft("turns", inner), Draft("pick", choice), ways=ways)
    for path in ("#1/turns#1/again", "#1/turns#2/again", "#2/pick:a"):
        assert list(player.open) == [f"desk{path}"]
        player.succeed(f"desk{path}", path)
    assert player.finished is not None
    assert player.finished.status == "ok"


def test_machines_of_one_map_do_not_see_each_other() -> None:
    inner = machine(Draft("write"), Draft("review"), ways=THERE_AND_BACK)
    player = run(Draft("each", mapped(always([10, 20]), block(Draft("desk", inner)))))
    player.succeed("each[1]/desk#1/write", 5)
    assert player.open["each[0]/desk#1/write"].lookup("write") is None
    assert player.open["each[1]/desk#2/review"].lookup("write") == 5


@st.composite
def machines(draw: st.DrawFn) -> Plan:
    """A machine of up to five states, some of them controllers, with ways that depend on what the states gave.

    It ends: the last way of every state leads to the end once a few steps were made.
    """
    count = draw(st.integers(1, 5))
    names = [f"s{at}" for at in range(count)]
    drafts, ways = [], {}
    for at, name in enumerate(names):
        inner: Work = LM
        kind = draw(st.sampled_from(["lm", "lm", "map", "loop", "switch", "any"]))
        if kind == "map":
            inner = mapped(always([1, 2]), block(Draft(f"a{at}"), Draft(f"b{at}", after=[f"a{at}"])))
        elif kind == "loop":
            inner = loop(block(Draft(f"c{at}")), draw(st.integers(1, 3)))
        elif kind == "switch":
            inner = switch(_odd(names), block(Draft("x"), label="odd", single=True), default=None)
        elif kind == "any":
            inner = mapped(always([1]), draw(plans(1, breaks=False)).block)
        when = draw(st.sampled_from([None, None, None, _less(draw(st.integers(0, 99)), names, 70)]))
        retry = draw(st.sampled_from([TWICE, Draft("x").retry]))
        on_error = draw(st.sampled_from(["fail", "skip", "value"]))
        drafts.append(Draft(name, inner, when=when, retry=retry, on_error=on_error, fallback=-1))
        salt = draw(st.integers(0, 99))
        some = [
            (_less(salt + turn, names, 40), draw(st.sampled_from([*names, None])))
            for turn in range(draw(st.integers(0, 2)))
        ]
        ways[name] = [(_late, None), *some, (None, draw(st.sampled_from([*names, None])))]
    result = draw(st.sampled_from([None, lambda lookup: [lookup(name) for name in names]]))
    work = machine(*drafts, ways=ways, most=draw(st.sampled_from([3, 20])), result=result)
    desk = Draft(
        "desk", work, retry=draw(st.sampled_from([TWICE, Draft("x").retry])), on_error="value", fallback="stuck"
    )
    around = draw(st.sampled_from(["", "map", "loop"]))
    if around == "map":
        return plan(block(Draft("each", mapped(always([1, 2, 3]), block(desk), 2, keep_going=draw(st.booleans())))))
    if around == "loop":
        return plan(block(Draft("turns", loop(block(desk), 2))))
    return plan(block(desk, Draft("beside"), Draft("last", needs=["desk"], after=["beside"])))


def _late(lookup: Lookup) -> bool:
    return bool(lookup("loop")["index"] > 6)


def _less(salt: int, names: Sequence[str], percent: int) -> Compiled:
    return lambda lookup: mix(salt, [lookup(name) for name in names]) % 100 < percent


def _odd(names: Sequence[str]) -> Compiled:
    return lambda lookup: "odd" if mix([lookup(name) for name in names]) % 2 else "even"


@bounded
@given(machines(), seeds, st.sampled_from([0, 10, 40]))
def test_any_order_of_answers_gives_what_a_plain_walk_gives(compiled: Plan, seed: int, failing: int) -> None:
    script = Script(seed, failing)
    oracle = Oracle(compiled, script)
    expected = oracle.result()
    player = Player(compiled)
    ended = player.play(script, random.Random(seed).choice)
    assert (ended.status, ended.result) == expected
    if failing == 0 and not player.state.problems:
        assert set(player.skipped()) == oracle.skipped
        assert sorted(player.started) == sorted(path for path, _ in oracle.started)


@bounded
@given(machines(), seeds)
def test_every_step_of_a_machine_is_announced_and_no_more_than_it_may_make(compiled: Plan, seed: int) -> None:
    player = Player(compiled)
    player.play(Script(seed, 20), random.Random(seed).choice)
    tries: dict[str, int] = {}
    for event in player.announced:
        if isinstance(event, ControllerEntered) and event.controller == "machine":
            step = int(event.choice.partition("/")[0])
            assert step in (1, tries.get(event.path, 0) + 1)
            tries[event.path] = step
            assert step <= 20
    for event, commands in player.history:
        for command in commands:
            if isinstance(command, StartStep) and isinstance(command.node.work, LmWork) and command.attempt > 1:
                assert isinstance(event, StepFailed)
