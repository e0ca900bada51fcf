"""Controllers in Python: `code`, and those that plugins bring."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agentspec.api import CallFailed, CallRefused, Children, ControllerFactory, Options
from agentspec.api.events import BlockCalled

from .desk import Desk, Watched, compiled, outcome_of

NODES = """
    nodes:
      look: {tool: desk.look, with: {day: "${{ args.day }}"}}
      wait: {tool: desk.wait, with: {gate: "${{ args.gate }}"}}
      refuse: {tool: desk.refuse}
"""


class Settings(Options):
    days: int = 2


def ran(body: Any, keys: str = "", returns: Any = None, **options: Any) -> tuple[Any, Desk]:
    """Run a plugin's controller `odd/go` with three nodes."""
    desk = Desk()
    desk.controllers["odd/go"] = ControllerFactory("go", body, Settings, returns or {})
    spec = f"nodes:\n  work:\n    controller: odd/go\n    {keys}{NODES}"
    return outcome_of(spec, desk, **options), desk


def test_it_calls_its_nodes_like_functions_and_gives_what_it_returns() -> None:
    async def go(children: Children, config: Settings) -> Any:
        assert list(children.names) == ["look", "wait", "refuse"]
        return [await children.call("look", day=day) for day in range(config.days)]

    outcome, desk = ran(go, "days: 3")
    assert outcome.result == ["day 0 is free", "day 1 is free", "day 2 is free"]
    assert desk.calls == ["look 0", "look 1", "look 2"]
    assert list(outcome.trajectory) == ["C", "T1", "C", "T1", "C", "T1"]


def test_calls_may_be_made_at_the_same_time() -> None:
    async def go(children: Children, config: Settings) -> Any:
        return await asyncio.gather(*(children.call("look", day=day) for day in (5, 4)))

    outcome, _ = ran(go)
    assert outcome.result == ["day 5 is free", "day 4 is free"]


def test_a_node_that_fails_can_be_handled() -> None:
    async def go(children: Children, config: Settings) -> Any:
        try:
            await children.call("refuse")
        except CallFailed as error:
            return [error.code, error.message]

    outcome, _ = ran(go)
    assert outcome.result == ["AS601", "the drawer is\x1b[31m locked"]


def test_a_node_that_fails_and_is_not_handled_fails_the_controller() -> None:
    async def go(children: Children, config: Settings) -> Any:
        await asyncio.gather(children.call("wait", gate="g"), children.call("refuse"))

    outcome, desk = ran(go)
    assert (outcome.failure.code, outcome.failure.path) == ("AS601", "work")
    assert desk.stopped in (["g"], [])
    assert "g" not in desk.calls or desk.stopped == ["g"]


@pytest.mark.parametrize(
    ("name", "said"), [("lok", "did you mean `look`?"), ("zzz", "it has look, wait, refuse"), ("", "it has look")]
)
def test_a_node_that_is_not_there_is_refused(name: str, said: str) -> None:
    async def go(children: Children, config: Settings) -> Any:
        with pytest.raises(CallRefused) as caught:
            await children.call(name)
        raise caught.value

    outcome, _ = ran(go)
    assert outcome.failure.code == "AS614"
    assert said in outcome.failure.hint


def test_no_more_calls_than_max_calls() -> None:
    async def go(children: Children, config: Settings) -> Any:
        made = await asyncio.gather(*(children.call("look", day=day) for day in range(4)), return_exceptions=True)
        return [one if isinstance(one, str) else type(one).__name__ for one in made]

    outcome, desk = ran(go, "max_calls: 2")
    assert outcome.result == ["day 0 is free", "day 1 is free", "CallRefused", "CallRefused"]
    assert len(desk.calls) == 2


def test_when_its_time_is_up_its_nodes_are_stopped() -> None:
    async def go(children: Children, config: Settings) -> Any:
        await children.call("wait", gate="g")

    outcome, desk = ran(go, "timeout: 50ms")
    assert outcome.failure.code == "AS605"
    assert desk.stopped == ["g"]


def test_one_that_holds_on_when_cancelled_is_too_late_all_the_same() -> None:
    async def go(children: Children, config: Settings) -> Any:
        try:
            await children.call("wait", gate="g")
        except asyncio.CancelledError:
            return "never mind"

    outcome, desk = ran(go, "timeout: 50ms")
    assert outcome.failure.code == "AS605"
    assert desk.stopped == ["g"]


def test_one_that_never_awaits_is_fine() -> None:
    async def go(children: Children, config: Settings) -> Any:
        return {"n": 1}

    assert ran(go)[0].result == {"n": 1}


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), "\ud800", b"x", {"a": [1, {2}]}])
def test_what_is_no_json_is_no_value(value: Any) -> None:
    async def go(children: Children, config: Settings) -> Any:
        return value

    outcome, _ = ran(go)
    assert outcome.failure.code == "AS603"
    assert "what `odd/go` returned is no JSON" in outcome.failure.message


def test_what_does_not_fit_the_declared_type_is_no_value() -> None:
    async def go(children: Children, config: Settings) -> Any:
        return "three"

    outcome, _ = ran(go, returns={"type": "integer"})
    assert outcome.failure.code == "AS603"
    assert "returned something else than it declares" in outcome.failure.message


def test_arguments_have_to_be_json() -> None:
    async def go(children: Children, config: Settings) -> Any:
        await children.call("look", day={1})

    outcome, _ = ran(go)
    assert outcome.failure.code == "AS603"
    assert "what `look` is called with is no JSON" in outcome.failure.message


def test_arguments_are_those_of_the_moment_of_the_call() -> None:
    async def go(children: Children, config: Settings) -> Any:
        days = {"day": 1}
        call = asyncio.ensure_future(children.call("look", **days, more=days))
        await asyncio.sleep(0)
        days["day"] = 2
        return await call

    desk = Desk()
    desk.controllers["odd/go"] = ControllerFactory("go", go, Settings)
    watched = Watched(compiled(f"nodes:\n  work:\n    controller: odd/go{NODES}", desk), desk)
    asyncio.run(watched.run.execute({}))
    [made] = [event for event in watched.events if isinstance(event, BlockCalled)]
    assert made.values == {"args": {"day": 1, "more": {"day": 1}}}


def test_a_task_that_it_leaves_behind_gets_no_answer_and_makes_no_calls() -> None:
    seen: list[str] = []
    tasks: list[Any] = []

    async def late(children: Children) -> None:
        try:
            await children.call("wait", gate="g")
        except asyncio.CancelledError:
            seen.append("cancelled")
        try:
            await children.call("look", day=1)
        except CallRefused as error:
            seen.append(error.message)

    async def go(children: Children, config: Settings) -> Any:
        tasks.append(asyncio.ensure_future(late(children)))
        await asyncio.sleep(0.01)
        return "done"

    desk = Desk()
    desk.controllers["odd/go"] = ControllerFactory("go", go, Settings)

    async def run() -> None:
        watched = Watched(compiled(f"nodes:\n  work:\n    controller: odd/go{NODES}", desk), desk)
        outcome = await watched.run.execute({})
        assert outcome.result == "done"
        await asyncio.wait_for(tasks[0], 1)

    asyncio.run(run())
    assert seen == ["cancelled", "`work` has ended, and calls `look`"]
    assert desk.stopped == ["g"]


def test_a_crash_is_the_plugins() -> None:
    async def go(children: Children, config: Settings) -> Any:
        return 1 // 0

    outcome, _ = ran(go)
    assert outcome.failure.code == "AS606"


def test_keys_are_checked_before_and_their_expressions_when_they_have_values() -> None:
    from agentspec.spec.diagnostics import SpecInvalid

    async def go(children: Children, config: Settings) -> Any:
        return config.days

    with pytest.raises(SpecInvalid) as caught:
        ran(go, "dayz: 3")
    assert [one.code for one in caught.value.diagnostics] == ["AS503"]
    spec_inputs = {"inputs": {"n": 4}}
    desk = Desk()
    desk.controllers["odd/go"] = ControllerFactory("go", go, Settings)
    text = "inputs: {n: any}\nnodes:\n  work: {controller: odd/go, days: '${{ inputs.n }}'}\n"
    assert outcome_of(text, desk, **spec_inputs).result == 4
    failed = outcome_of(text, desk, {"n": "many"})
    assert failed.failure.code == "AS603"
    assert "the keys of `odd/go`: `days`" in failed.failure.message


CODE = """
nodes:
  work:
    controller: code
    call: desk.route
    with: {most: 2}
    max_calls: 5
    nodes:
      look: {tool: desk.look, with: {day: "${{ args.day }}"}}
"""


def test_a_function_of_a_toolset_is_a_controller_too() -> None:
    desk = Desk()

    @desk.desk.controller()
    async def route(most: int, children: Children) -> list[str]:
        """Look days up."""
        return [await children.call("look", day=day) for day in range(most)]

    outcome = outcome_of(CODE, desk)
    assert outcome.result == ["day 0 is free", "day 1 is free"]
    assert list(outcome.trajectory) == ["C", "T", "C", "T"]


def test_a_plugin_package_brings_a_controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is installed: a distribution with an entry point, found and imported by the registry alone."""
    info = tmp_path / "agentspec_relay-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: agentspec-relay\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[agentspec]\nrelay = relay_plugin\n")
    (tmp_path / "relay_plugin.py").write_text(
        "from agentspec.api import ControllerFactory, Options, hookimpl\n\n\n"
        "class Relay(Options):\n    times: int\n\n\n"
        "async def relay(children, config):\n"
        "    text = ''\n"
        "    for _ in range(config.times):\n"
        "        for name in children.names:\n"
        "            text = await children.call(name, text=text)\n"
        "    return text\n\n\n"
        "@hookimpl\n"
        "def agentspec_register_controllers():\n"
        "    return [ControllerFactory('pass', relay, Relay, {'type': 'string'})]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from agentspec import runtime
    from agentspec.plan import compile_spec
    from agentspec.registry import Registry
    from agentspec.spec.parse import parse_text

    spec = """
agentspec: 1
name: relay
models: {m: fake/echo}
nodes:
  work:
    controller: relay/pass
    times: 2
    nodes:
      a: {lm: m, prompt: "${{ args.text }}a"}
      b: {lm: m, prompt: "${{ args.text }}b"}
"""
    registry = Registry()
    outcome = asyncio.run(runtime.arun(compile_spec(parse_text(spec), registry), registry, {}))
    assert outcome.result == "abab"
    assert list(outcome.trajectory) == ["C", "LM"] * 4
    assert json.dumps(outcome.result)
