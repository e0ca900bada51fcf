"""The driver alone: cancellation, crashes, and many, deep or long runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import pytest

from agentspec.api.errors import Exit, ToolError
from agentspec.api.events import Event, Meta, RunFinished, StepStarted
from agentspec.kernel import StartStep
from agentspec.runtime.driver import Driver

from .agents import META, alone, chain, compiled, nothing, side_by_side

FOREVER = 3600


async def sleeps(command: StartStep) -> tuple[Any, Meta]:
    await asyncio.sleep(FOREVER)
    raise AssertionError("nobody sleeps that long")


def test_a_thousand_steps_wait_at_the_same_time() -> None:
    async def test() -> None:
        waiting, all_there = 0, asyncio.Event()

        async def execute(command: StartStep) -> tuple[Any, Meta]:
            nonlocal waiting
            waiting += 1
            if waiting == 1_000:
                all_there.set()
            await all_there.wait()
            return command.path, META

        many = side_by_side(1_000)
        ended = await Driver(many, execute).run({})
        assert ended.result == "n999"

    alone(test)


def test_a_chain_of_ten_thousand_nodes_needs_no_deep_stack() -> None:
    async def test() -> None:
        ended = await Driver(chain(10_000), nothing).run({})
        assert ended == RunFinished("ok", None)

    alone(test)


@pytest.mark.parametrize("when", ["true", "false"])
def test_a_hundred_thousand_rounds_need_no_deep_stack(when: str) -> None:
    async def test() -> None:
        rounds = f"controller: loop, max: 100000, result: 1, nodes: {{x: {{lm: m, prompt: x, when: {when}}}}}"
        ended = await Driver(compiled(f"nodes: {{rounds: {{{rounds}}}}}"), nothing).run({})
        assert ended == RunFinished("ok", 1)

    alone(test)


def test_a_hundred_thousand_skipped_items_need_no_deep_stack() -> None:
    async def test() -> None:
        items = "controller: map, over: inputs.items, result: 1, nodes: {x: {lm: m, prompt: x, when: false}}"
        many = compiled(
            f"inputs: {{items: [integer]}}\nnodes: {{each: {{{items}}}}}\nresult: '${{{{ each | length }}}}'"
        )
        ended = await Driver(many, nothing).run({"items": list(range(100_000))})
        assert ended.result == 100_000

    alone(test)


def test_long_runs_leave_the_event_loop_time_for_others() -> None:
    async def test() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(tick())
        rounds = "{controller: loop, max: 2000, nodes: {x: {lm: m, prompt: x}}}"
        await Driver(compiled(f"nodes: {{rounds: {rounds}}}"), nothing).run({})
        other.cancel()
        await asyncio.wait([other])
        assert ticks >= 9

    alone(test)


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
        async def stubborn(command: StartStep) -> tuple[Any, Meta]:
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

        async def execute(command: StartStep) -> tuple[Any, Meta]:
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


def test_steps_that_were_ready_when_their_block_failed_never_run() -> None:
    async def test() -> None:
        ran = []

        async def execute(command: StartStep) -> tuple[Any, Meta]:
            ran.append(command.path)
            if command.path.endswith("/a"):
                raise ToolError("no")
            return None, META

        nodes = "{a: {lm: m, prompt: x}, b: {lm: m, prompt: x}, c: {lm: m, prompt: x}}"
        items = f"{{controller: map, over: '[1, 2, 3]', concurrency: 1, keep_going: true, result: 1, nodes: {nodes}}}"
        ended = await Driver(compiled(f"nodes: {{each: {items}}}"), execute).run({})
        assert ended.result == [None] * 3
        assert ran == ["each[0]/a", "each[1]/a", "each[2]/a"]

    alone(test)


def test_a_crash_in_a_step_surfaces_and_stops_the_others() -> None:
    async def test() -> None:
        async def execute(command: StartStep) -> tuple[Any, Meta]:
            if command.path == "n1":
                await asyncio.sleep(0.01)
                raise ZeroDivisionError("ours")
            return await sleeps(command)

        with pytest.raises(ZeroDivisionError, match="ours"):
            await Driver(side_by_side(2), execute).run({})

    alone(test)


def test_a_crash_in_an_observer_surfaces_wherever_the_event_comes_from() -> None:
    async def test() -> None:
        def refuse(event: Event) -> None:
            if type(event).__name__ == name:
                raise ZeroDivisionError(name)

        each = "{controller: map, over: '[1]', timeout: 10ms, nodes: {x: {lm: m, prompt: x}}}"
        timed = compiled(f"nodes: {{each: {each}}}")
        for name in ("RunStarted", "StepStarted", "StepSucceeded", "ControllerEntered", "StepFailed", "RunFinished"):
            steps = sleeps if name == "StepFailed" else nothing
            with pytest.raises(ZeroDivisionError, match=name):
                await Driver(timed, steps, refuse).run({})

    alone(test)


def test_a_step_that_cancels_itself_fails_instead_of_hanging() -> None:
    async def test() -> None:
        async def execute(command: StartStep) -> tuple[Any, Meta]:
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


def test_a_step_that_answers_after_its_timeout_has_failed() -> None:
    async def test() -> None:
        async def execute(command: StartStep) -> tuple[Any, Meta]:
            try:
                await asyncio.sleep(FOREVER)
            except asyncio.CancelledError:
                return "too late", META
            return None, META

        ended = await Driver(compiled("nodes: {a: {lm: m, prompt: x, timeout: 10ms}}"), execute).run({})
        assert ended.failure is not None
        assert ended.failure.code == "AS605"

    alone(test)
