"""The driver alone: crashes, and many, deep or long runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from agentspec.api.errors import BackendUnavailable, ToolError
from agentspec.api.events import Event, Meta, RunFinished
from agentspec.kernel import StartStep
from agentspec.runtime import session
from agentspec.runtime.driver import Driver

from .agents import FOREVER, META, Workshop, alone, chain, compiled, nothing, side_by_side, sleeps


def test_a_thousand_steps_wait_at_the_same_time() -> None:
    async def test() -> None:
        waiting, all_there = 0, asyncio.Event()

        async def execute(command: StartStep, call: object) -> tuple[Any, Meta]:
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


def test_steps_that_were_ready_when_their_block_failed_never_run() -> None:
    async def test() -> None:
        ran = []

        async def execute(command: StartStep, call: object) -> tuple[Any, Meta]:
            ran.append(command.path)
            if command.path.endswith("/a"):
                raise ToolError("no")
            return None, META

        nodes = "{a: {lm: m, prompt: x}, b: {lm: m, prompt: x}, c: {lm: m, prompt: x}}"
        items = f"{{controller: map, over: '[1, 2, 3]', concurrency: 1, keep_going: true, result: 1, nodes: {nodes}}}"
        ended = await Driver(compiled(f"nodes: {{each: {items}}}"), execute).run({})
        assert ended.status == "failed"  # every item failed
        assert ran == ["each[0]/a", "each[1]/a", "each[2]/a"]

    alone(test)


def test_a_crash_in_a_step_surfaces_and_stops_the_others() -> None:
    async def test() -> None:
        async def execute(command: StartStep, call: object) -> tuple[Any, Meta]:
            if command.path == "n1":
                await asyncio.sleep(0.01)
                raise ZeroDivisionError("ours")
            return await sleeps(command, call)

        with pytest.raises(ZeroDivisionError, match="ours"):
            await Driver(side_by_side(2), execute).run({})

    alone(test)


def test_nothing_is_tried_again_after_a_crash() -> None:
    async def test() -> None:
        tried = 0

        async def execute(command: StartStep, call: object) -> tuple[Any, Meta]:
            nonlocal tried
            if command.path == "a":
                tried += 1
                raise BackendUnavailable("not now")
            await asyncio.sleep(0.005)
            raise ZeroDivisionError("ours")

        nodes = "{a: {lm: m, prompt: x, retry: {wait: 20ms}}, b: {lm: m, prompt: x}}"
        with pytest.raises(ZeroDivisionError):
            await Driver(compiled(f"nodes: {nodes}\nresult: 1"), execute).run({})
        await asyncio.sleep(0.04)
        assert tried == 1

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


def test_a_step_that_answers_after_its_timeout_has_failed() -> None:
    async def test() -> None:
        async def execute(command: StartStep, call: object) -> tuple[Any, Meta]:
            try:
                await asyncio.sleep(FOREVER)
            except asyncio.CancelledError:
                return "too late", META
            return None, META

        ended = await Driver(compiled("nodes: {a: {lm: m, prompt: x, timeout: 10ms}}"), execute).run({})
        assert ended.failure is not None
        assert ended.failure.code == "AS605"

    alone(test)


def test_a_step_waits_as_much_longer_before_its_next_try_as_the_shell_says() -> None:
    async def test() -> None:
        clock = asyncio.get_running_loop().time
        starts: list[float] = []

        async def fails(command: StartStep, call: object) -> tuple[Any, Meta]:
            starts.append(clock())
            raise BackendUnavailable("away")

        again = compiled("nodes: {a: {lm: m, prompt: x, retry: {times: 2, wait: 10ms, backoff: 1}}}")
        stretches = iter([5.0, 1.0])
        ended = await Driver(again, fails, stretch=lambda: next(stretches)).run({})
        assert ended.status == "failed"
        assert starts[1] - starts[0] >= 0.05
        assert list(stretches) == []

    alone(test)


def test_a_run_draws_its_waits_by_its_id_and_never_shortens_them(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[list[float]] = []

    class Drawing(Driver):
        def __init__(self, *given: Any, stretch: Callable[[], float]) -> None:
            super().__init__(*given, stretch=stretch)
            drawn.append([stretch() for _ in range(20)])

    async def test() -> None:
        for run in ("one", "one", "two"):
            await session.Run(plan, Workshop(), run=run).execute({})

    plan = compiled("nodes: {a: {lm: m, prompt: x}}")
    monkeypatch.setattr(session, "Driver", Drawing)
    alone(test)
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(1 <= one <= 1.5 for one in drawn[0])
    assert len(set(drawn[0])) > 1
