"""Random plans, random orders of answers: what must hold whatever happens. `Player` checks after every event.

AGENTSPEC_TESTS=deep tries many more plans.
"""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentspec.api.errors import Exit
from agentspec.api.events import Failure, Meta, RunCancelled, StepFailed, StepSucceeded
from agentspec.kernel import CancelStep, InvalidTransition, StartStep, advance, new_state
from agentspec.plan.model import Plan

from .oracle import Oracle
from .player import Player
from .random_plans import Script, plans

seeds = st.integers(0, 2**32)
bounded = settings(
    max_examples=2_000 if os.environ.get("AGENTSPEC_TESTS") == "deep" else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
INTERRUPTED = Failure("", "AS600", "interrupted", exit=Exit.INTERRUPTED)


@bounded
@given(plans(), seeds, st.sampled_from([0, 5, 30]))
def test_any_order_of_answers_gives_what_a_plain_walk_gives(plan: Plan, seed: int, failing: int) -> None:
    script = Script(seed, failing)
    oracle = Oracle(plan, script)
    expected = oracle.result()
    player = Player(plan)
    ended = player.play(script, random.Random(seed).choice)
    assert (ended.status, ended.result) == expected
    if failing == 0 and ended.status == "ok" and not player.state.problems:
        assert set(player.skipped()) == oracle.skipped
        assert sorted(player.started) == sorted(path for path, _ in oracle.started)


@bounded
@given(plans(breaks=False), seeds, seeds)
def test_order_does_not_matter_when_nothing_fails(plan: Plan, one: int, other: int) -> None:
    script = Script(0, 0)
    first, second = Player(plan), Player(plan)
    assert first.play(script, random.Random(one).choice) == second.play(script, random.Random(other).choice)
    assert sorted(first.started) == sorted(second.started)
    assert first.finished is not None
    assert first.finished.status == "ok"


@bounded
@given(plans(), seeds)
def test_the_same_events_give_the_same_commands(plan: Plan, seed: int) -> None:
    player = Player(plan)
    player.play(Script(seed, 20), random.Random(seed).choice)
    again = new_state(plan)
    for event, commands in player.history:
        assert [_plain(one) for one in advance(again, event)] == [_plain(one) for one in commands]


def _plain(command: object) -> object:
    return command._replace(lookup=None) if isinstance(command, StartStep) else command  # type: ignore[arg-type]


@bounded
@given(plans(), seeds)
def test_whatever_comes_in_whatever_order_the_run_stays_sound(plan: Plan, seed: int) -> None:
    """Successes, failures, fatal ones, timeouts of controllers, cancellation, and events that nobody waits for."""
    rng = random.Random(seed)
    player = Player(plan)
    for _ in range(5_000):
        if player.finished is not None:
            break
        dice = rng.random()
        path = rng.choice(list(player.open))
        if dice < 0.05 and player.timers:
            player.ring(rng.choice(list(player.timers)))
        elif dice < 0.055:
            player.cancel(INTERRUPTED)
        elif player.open[path].node.kind == "controller":
            player.answer(path, Script(0, 0))
        elif dice < 0.06:
            player.fail(path, fatal=True)
        elif dice < 0.15:
            player.fail(path, rng.choice(["timeout", "unavailable", None]))
        elif dice < 0.2:
            _refuses_strangers(player, path)
        else:
            player.succeed(path, rng.randrange(100))
    assert player.finished is not None
    _refuses_strangers(player, "n20")
    with pytest.raises(InvalidTransition):
        player.cancel(INTERRUPTED)


def _refuses_strangers(player: Player, path: str) -> None:
    """Answers of steps that do not run, and of attempts that are over, are refused and change nothing."""
    failure = Failure(path, "AS601", "late", kind="timeout")
    with pytest.raises(InvalidTransition):
        player.feed(StepSucceeded("no/such[7]/step", 1, Meta()))
    with pytest.raises(InvalidTransition):
        player.feed(StepFailed("no/such[7]/step", 1, failure))
    with pytest.raises(InvalidTransition):
        player.feed(StepFailed(path, 99, failure))


@bounded
@given(plans(), seeds)
def test_only_failures_lead_to_further_attempts_and_no_more_than_retry_allows(plan: Plan, seed: int) -> None:
    player = Player(plan)
    player.play(Script(seed, 40), random.Random(seed).choice)
    for event, commands in player.history:
        for command in commands:
            if isinstance(command, StartStep):
                assert 1 <= command.attempt <= command.node.retry.times + 1
                assert command.attempt == 1 or isinstance(event, StepFailed)


@bounded
@given(plans(), seeds, st.integers(1, 30))
def test_nothing_starts_after_a_cancellation(plan: Plan, seed: int, after: int) -> None:
    player, rng = Player(plan), random.Random(seed)
    for _ in range(after):
        if player.finished is None:
            player.answer(rng.choice(list(player.open)), Script(seed, 10))
    if player.finished is None:
        running = set(player.open)
        commands = player.feed(RunCancelled(INTERRUPTED))
        stopped = {command.path for command in commands if isinstance(command, CancelStep)}
        assert stopped == running
        assert not any(isinstance(command, StartStep) for command in commands)
        assert player.finished is not None
        assert player.finished.status == "cancelled"
