"""When steps start and what becomes of their answers, on a real event loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from agentspec.api.errors import Exit
from agentspec.runtime.session import arun, from_sync

from .agents import Workshop, alone, compiled, ran, until


def test_a_slow_sibling_does_not_hold_back_an_unrelated_branch() -> None:
    async def test() -> None:
        shop = Workshop()
        work = asyncio.create_task(
            ran(
                """
                nodes:
                  slow: {tool: work.wait, with: {gate: slow}}
                  a: {tool: work.say, with: {text: one}}
                  b: {tool: work.say, with: {text: "${{ a }} two"}}
                  c: {tool: work.say, with: {text: "${{ b }} three"}}
                result: {slow: "${{ slow }}", c: "${{ c }}"}
                """,
                shop,
            )
        )
        await until(lambda: "one two three" in shop.calls)
        assert shop.finished == []
        shop.gate("slow").set()
        assert (await work).result == {"slow": "slow", "c": "one two three"}

    alone(test)


def test_after_gives_order_without_data() -> None:
    async def test() -> None:
        shop = Workshop()
        outcome = await ran(
            """
            nodes:
              last: {tool: work.say, with: {text: last}, after: [nap]}
              nap: {tool: work.nap, with: {seconds: 0.01}}
              first: {tool: work.say, with: {text: first}}
            result: "${{ last }}"
            """,
            shop,
        )
        assert outcome.status == "ok"
        assert shop.calls == ["first", "last"]

    alone(test)


def test_when_skips_a_node_and_those_that_read_it_without_default() -> None:
    async def test() -> None:
        outcome = await ran(
            """
            nodes:
              a: {tool: work.say, with: {text: hello}, when: 1 > 2}
              b: {tool: work.say, with: {text: "${{ a }}"}}
              c: {tool: work.say, with: {text: "${{ a | default('none') }}"}}
            result: {b: "${{ b | default(null) }}", c: "${{ c }}"}
            """
        )
        assert outcome.result == {"b": None, "c": "none"}
        assert {use.path: (use.steps, use.skipped) for use in outcome.nodes} == {"a": (0, 1), "b": (0, 1), "c": (1, 0)}

    alone(test)


@pytest.mark.parametrize(
    ("on_error", "status", "result"),
    [("fail", "failed", None), ("skip", "ok", {"x": "nothing"}), ("{value: spare}", "ok", {"x": "spare"})],
)
def test_on_error_says_what_becomes_of_a_failure(on_error: str, status: str, result: object) -> None:
    async def test() -> None:
        shop = Workshop()
        shop.failures_left = 9
        outcome = await ran(
            f"""
            nodes:
              x: {{tool: work.flaky, with: {{kind: other}}, on_error: {on_error}}}
            result: {{x: "${{{{ x | default('nothing') }}}}"}}
            """,
            shop,
        )
        assert (outcome.status, outcome.result) == (status, result)
        failures = [outcome.failure] if outcome.failure else list(outcome.problems)
        assert [(one.path, one.code) for one in failures] == [("x", "AS601")]

    alone(test)


def test_retries_wait_and_back_off() -> None:
    async def test() -> None:
        shop = Workshop()
        shop.failures_left = 2
        outcome = await ran(
            """
            nodes:
              x: {tool: work.flaky, with: {kind: unavailable}, retry: {times: 2, wait: 40ms, backoff: 2}}
            result: "${{ x }}"
            """,
            shop,
        )
        assert outcome.result == "done"
        first, second, third = shop.times
        assert second - first >= 0.039
        assert third - second >= 0.079
        assert outcome.nodes[0].failed == 2

    alone(test)


def test_a_step_that_takes_too_long_is_cancelled_and_may_be_tried_again() -> None:
    async def test() -> None:
        shop = Workshop()
        outcome = await ran(
            """
            nodes:
              x: {tool: work.wait, with: {gate: g}, timeout: 20ms, retry: {times: 1, wait: 1ms}}
            result: "${{ x }}"
            """,
            shop,
        )
        assert outcome.failure is not None
        assert (outcome.failure.code, outcome.failure.kind) == ("AS605", "timeout")
        assert shop.cancelled == ["g", "g"]

    alone(test)


def test_a_controller_that_takes_too_long_is_stopped_with_all_that_is_in_it() -> None:
    async def test() -> None:
        shop = Workshop()
        outcome = await ran(
            """
            nodes:
              each:
                controller: map
                over: "[1, 2, 3]"
                timeout: 20ms
                retry: {times: 1, wait: 5ms}
                on_error: skip
                nodes: {x: {tool: work.wait, with: {gate: g}}}
            result: "${{ each | default('late') }}"
            """,
            shop,
        )
        assert outcome.result == "late"
        assert shop.cancelled == ["g"] * 6
        assert [problem.code for problem in outcome.problems] == ["AS605"]

    alone(test)


def test_one_item_of_a_map_fails_and_the_others_go_on() -> None:
    async def test() -> None:
        shop = Workshop()
        shop.failures_left = 1
        outcome_of = asyncio.create_task(
            ran(
                """
                nodes:
                  each:
                    controller: map
                    over: "[1, 2, 3]"
                    concurrency: 2
                    keep_going: true
                    result: "${{ w }}"
                    nodes:
                      w: {tool: work.wait, with: {gate: "g${{ item }}"}}
                      f: {tool: work.flaky, with: {kind: other}}
                """,
                shop,
            )
        )
        await until(lambda: len(shop.calls) == 3)
        assert shop.cancelled == ["g1"]
        shop.gate("g2").set()
        shop.gate("g3").set()
        outcome = await outcome_of
        assert (outcome.status, outcome.result) == ("ok", [None, "g2", "g3"])
        assert [problem.path for problem in outcome.problems] == ["each[0]/f"]

    alone(test)


def test_a_plugins_defect_is_a_failure_that_names_it() -> None:
    async def test() -> None:
        outcome = await ran("nodes: {x: {tool: work.crash}}\nresult: '${{ x }}'")
        assert outcome.failure is not None
        assert outcome.failure.code == "AS606"
        assert "ZeroDivisionError" in outcome.failure.message

    alone(test)


def test_the_sync_door_works_inside_a_running_loop_and_outside() -> None:
    shop = Workshop()
    plan = compiled("nodes: {x: {tool: work.say, with: {text: hello}}}\nresult: '${{ x }}'", shop)

    async def inside() -> object:
        return from_sync(arun(plan, shop, {})).result

    assert from_sync(arun(plan, shop, {})).result == "hello"
    assert asyncio.run(inside()) == "hello"


def test_wall_stops_the_run_and_keeps_what_was_done() -> None:
    async def test() -> None:
        shop, started = Workshop(), time.monotonic()
        outcome = await ran(
            """
            limits: {wall: 100ms}
            nodes:
              a: {tool: work.say, with: {text: hello}}
              b: {tool: work.wait, with: {gate: "${{ a }}"}}
            result: "${{ b }}"
            """,
            shop,
        )
        assert outcome.failure is not None
        assert (outcome.status, outcome.failure.exit) == ("failed", Exit.LIMIT_REACHED)
        assert outcome.partial == {"a": "hello"}
        assert time.monotonic() - started < 1.1

    alone(test)
