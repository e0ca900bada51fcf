"""A run is cut off anywhere, made again from its journal, and goes on as if nothing had happened.

AGENTSPEC_TESTS=deep tries many more plans.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentspec.api.errors import AgentspecError
from agentspec.api.events import Meta, Question, RunFinished, StepSucceeded
from agentspec.api.journal import Entry
from agentspec.kernel import StartStep
from agentspec.kernel.invariants import broken_invariants
from agentspec.nodes.services import CallBlock, Waiting
from agentspec.plan.model import Plan
from agentspec.plan.work import ApproveWork, FreeWork, Lookup
from agentspec.runtime.driver import Driver
from agentspec.runtime.replay import replay

from ..kernel.random_plans import EVERYTHING, Script, mix, plans
from .memory import Clock, MemoryJournal

seeds = st.integers(0, 2**32)
pytestmark = pytest.mark.timeout(900)  # the deep run has a thousand plans a test
bounded = settings(
    max_examples=1_000 if os.environ.get("AGENTSPEC_TESTS") == "deep" else 80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def plain(path: str) -> str:
    """A path without the numbers of calls: those of two rows are numbered as it happens."""
    return re.sub(r"/([pq])#\d+", r"/\1", path)


def _args(lookup: Lookup) -> Any:
    """What the call around a step was given."""
    try:
        return lookup("args")
    except KeyError:
        return None


class Failed(AgentspecError):
    def __init__(self, kind: str | None) -> None:
        super().__init__("no")
        self.kind = kind


class World:
    """Runs steps; what a step answers depends on its path, its attempt and what it reads."""

    def __init__(self, plan: Plan, seed: int, failing: int) -> None:
        self.plan = plan
        self.script = Script(seed, failing)
        self.clock = Clock()
        self.executed: list[tuple[str, int]] = []

    async def execute(self, command: StartStep, call: CallBlock) -> tuple[Any, Meta]:
        work, path = command.node.work, command.path
        self.executed.append((path, command.attempt))
        if isinstance(work, ApproveWork):
            raise Waiting(Question(work.show(command.lookup), work.choices), self.clock())
        for _ in range(mix(path) % 3):
            await asyncio.sleep(0)
        said = await self._call(path, work, call) if isinstance(work, FreeWork) else None
        failure = self.script.failure(plain(path), command.attempt)
        if failure is not None:
            raise Failed(failure.kind)
        answer = said if isinstance(work, FreeWork) else self.script(command._replace(path=plain(path)))
        return mix(answer, _args(command.lookup)), Meta(attempts=command.attempt)

    async def _call(self, path: str, work: FreeWork, call: CallBlock) -> Any:
        """One block after the other, or two rows of blocks at once, as the path says."""

        async def one_after_the_other(names: Sequence[str]) -> list[Any]:
            said: list[Any] = []
            for number, name in enumerate(names):
                answer = await call(path, name, {"args": {"n": [number, 1], "said": said}})
                said = [*said, answer.value if answer.failure is None else "failed"]
            return said

        names = list(work.blocks)
        first, second = (names * (mix(plain(path), way) % 3 + 1) for way in range(2))
        if mix(plain(path)) % 2:
            return mix(await one_after_the_other(first))
        return mix(await asyncio.gather(one_after_the_other(first), one_after_the_other(second)))

    async def ask(self, path: str, question: Question) -> str:
        await asyncio.sleep(0)
        return choice(path)

    def driver(self, journal: MemoryJournal, *, asks: bool) -> Driver:
        recording = journal.recording(self.clock)
        ask = self.ask if asks else None
        return Driver(self.plan, self.execute, recording.note, recording, ask, self.clock)

    def run(self, *, asks: bool) -> tuple[RunFinished, list[Entry]]:
        journal = MemoryJournal()

        async def go() -> RunFinished:
            return await self.driver(journal, asks=asks).run({"x": 1})

        return self.clock.run(go()), journal.entries("")

    def resume(
        self, entries: list[Entry], answers: Iterable[StepSucceeded] = (), *, asks: bool = False
    ) -> tuple[RunFinished, list[Entry]]:
        journal = MemoryJournal(entries)

        async def go() -> RunFinished:
            return await self.driver(journal, asks=asks).resume(replay(self.plan, journal.entries("")), answers)

        return self.clock.run(go()), journal.entries("")

    def to_the_end(self, entries: list[Entry], *, asks: bool) -> tuple[RunFinished, list[Entry]]:
        """Go on, and answer what is asked, one question at each pause."""
        ended, entries = self.resume(entries, asks=asks)
        while ended.status == "paused":
            assert not asks
            path, paused = next(iter(replay(self.plan, entries).state.paused.items()))
            answer = StepSucceeded(path, choice(path), Meta(attempts=paused.step.attempt))
            ended, entries = self.resume(entries, [answer], asks=asks)
        return ended, entries


def choice(path: str) -> str:
    return ("yes", "no")[mix(plain(path)) % 2]


@bounded
@given(plans(what=EVERYTHING), seeds, st.sampled_from([0, 5, 30]), st.data())
def test_a_run_that_was_cut_off_anywhere_ends_like_one_that_was_not(
    plan: Plan, seed: int, failing: int, data: st.DataObject
) -> None:
    world = World(plan, seed, failing)
    expected, entries = world.run(asks=True)
    for _ in range(2):  # it may be cut off again, after it was resumed
        cut = data.draw(st.integers(1, len(entries)))
        asks = data.draw(st.booleans())
        world.clock.now += data.draw(st.sampled_from([0, 100]))
        ended, entries = world.to_the_end(entries[:cut], asks=asks)
        assert (ended.status, ended.result) == (expected.status, expected.result)


@bounded
@given(plans(what=EVERYTHING), seeds, st.data())
def test_only_steps_that_were_in_flight_run_again(plan: Plan, seed: int, data: st.DataObject) -> None:
    world = World(plan, seed, 0)
    _, entries = world.run(asks=True)
    cut = data.draw(st.integers(1, len(entries)))
    done = {event.path for _, event in entries[:cut] if isinstance(event, StepSucceeded)}
    world.executed.clear()
    world.to_the_end(entries[:cut], asks=True)
    assert not {path for path, _ in world.executed} & done


@bounded
@given(plans(what=EVERYTHING), seeds, st.sampled_from([0, 30]))
def test_the_journal_is_the_state(plan: Plan, seed: int, failing: int) -> None:
    """After every event, the state made from the journal is that of the run."""
    world = World(plan, seed, failing)
    journal = MemoryJournal()
    states: list[tuple[int, Any]] = []

    async def go() -> None:
        driver = world.driver(journal, asks=True)
        recording = driver._recording
        assert recording is not None
        inner = recording.append

        def append(event: Any) -> None:
            states.append((len(journal.rows), picture(driver.state)))
            inner(event)

        recording.append = append  # type: ignore[method-assign]
        await driver.run({"x": 1})

    world.clock.run(go())
    entries = journal.entries("")
    for count, seen in states[:: max(1, len(states) // 20)]:
        past = replay(plan, entries[:count])
        assert broken_invariants(past.state) == []
        assert picture(past.state) == seen


def picture(state: Any) -> Any:
    """All that matters of a state, as data."""
    return {
        "running": {
            path: (step.attempt, step.open, [(call.name, call.done, call.value) for call in step.calls])
            for path, step in state.running.items()
        },
        "paused": {path: (paused.question, paused.asked) for path, paused in state.paused.items()},
        "timed": {path: visit.attempt for path, visit in state.timed.items()},
        "frames": sorted(
            (frame.prefix, bytes(frame.settled), frame.open, json.dumps(frame.values), repr(frame.metas))
            for frame in state.frames()
        ),
        "finished": state.finished,
    }
