"""Cancelling: every step hears of it, may tidy up, and is gone soon after."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import pytest

from agentspec.api.errors import Exit
from agentspec.api.events import Event, Meta, RunFinished, StepStarted
from agentspec.kernel import StartStep
from agentspec.runtime.driver import Driver

from .agents import FOREVER, META, alone, nothing, side_by_side, sleeps


def test_cancelling_reaches_every_step_and_leaves_no_task() -> None:
    async def test() -> None:
        many = side_by_side(100)
        driver = Driver(many, sleeps)
        running = asyncio.create_task(driver.run({}))
        await asyncio.sleep(0.05)
        driver.cancel("enough")
        ended = await running
        assert (ended.status, ended.failure and ended.failure.exit) == ("cancelled", Exit.INTERRUPTED)

    alone(test)


def test_cancelling_the_callers_task_cancels_the_run() -> None:
    async def test() -> None:
        events: list[Event] = []
        driver = Driver(side_by_side(2), sleeps, events.append)
        running = asyncio.create_task(driver.run({}))
        await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert isinstance(events[-1], RunFinished)
        assert events[-1].status == "cancelled"

    alone(test)


@pytest.mark.parametrize("ignored", [1, 3])
def test_a_step_that_ignores_being_cancelled_is_gone_within_a_second_or_so(ignored: int) -> None:
    async def test() -> None:
        async def stubborn(command: StartStep, call: object) -> tuple[Any, Meta]:
            for _ in range(ignored):
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(FOREVER)
            await asyncio.sleep(FOREVER)
            return None, META

        driver = Driver(side_by_side(2), stubborn)
        running = asyncio.create_task(driver.run({}))
        await asyncio.sleep(0.01)
        started = time.monotonic()
        driver.cancel("enough")
        await running
        assert time.monotonic() - started < 1.5

    alone(test)


def test_a_cancelled_step_may_tidy_up_first() -> None:
    async def test() -> None:
        tidied = []

        async def execute(command: StartStep, call: object) -> tuple[Any, Meta]:
            try:
                await asyncio.sleep(FOREVER)
            finally:
                await asyncio.sleep(0.1)
                tidied.append(command.path)
            return None, META

        driver = Driver(side_by_side(2), execute)
        asyncio.get_running_loop().call_later(0.02, driver.cancel, "enough")
        await driver.run({})
        assert sorted(tidied) == ["n0", "n1"]

    alone(test)


def test_a_step_that_cancels_itself_fails_instead_of_hanging() -> None:
    async def test() -> None:
        async def execute(command: StartStep, call: object) -> tuple[Any, Meta]:
            raise asyncio.CancelledError

        ended = await Driver(side_by_side(1), execute).run({})
        assert ended.failure is not None
        assert ended.failure.code == "AS606"

    alone(test)


def test_an_observer_may_cancel_the_run() -> None:
    async def test() -> None:
        def observe(event: Event) -> None:
            if isinstance(event, StepStarted) and event.path == "n3":
                driver.cancel("seen enough")

        driver = Driver(side_by_side(9), nothing, observe)
        assert (await driver.run({})).status == "cancelled"

    alone(test)


def test_a_run_that_was_cancelled_before_it_began_does_nothing() -> None:
    async def test() -> None:
        driver = Driver(side_by_side(1), sleeps)
        driver.cancel("never mind")
        assert (await driver.run({})).status == "cancelled"

    alone(test)
