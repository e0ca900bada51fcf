"""Models that are made of others: who is asked, who answers, and what it costs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from agentspec.api import BackendRefused, BackendTimeout, BackendUnavailable, ContextOverflow, RateLimited, Reply
from agentspec.api.events import ModelEscalated, ShadowAnswered, StepSucceeded, TextStreamed
from agentspec.models import pool
from agentspec.nodes.composites import _split
from agentspec.plan.model import Composite
from agentspec.runtime import Outcome

from .voices import Choir, Heard, compiled, sung, sure

KIND = "{kind: x | y}"
NODE = f"nodes:\n  ask: {{lm: m, prompt: Which?, output: {KIND}}}\n"
X, Y, WRONG = {"kind": "x"}, {"kind": "y"}, {"kind": "z"}


def asked(models: str, choir: Choir, node: str = NODE, **options: Any) -> tuple[Outcome, Heard]:
    return sung(f"models: {{a: say/a, b: say/b, c: say/c, m: {models}}}\n{node}", choir, **options)


def meta(heard: Heard) -> Any:
    return heard.of(StepSucceeded)[0].meta


CASCADE = "{cascade: [a, b, c], accept: confidence >= 0.8}"


@pytest.mark.parametrize(
    ("a", "b", "c", "names", "value", "confidence", "how"),
    [
        (sure(X, 0.9), Y, Y, "a", X, 0.9, "parsed"),
        (sure(X, 0.8), Y, Y, "a", X, 0.8, "parsed"),
        (sure(X, 0.5), sure(Y, 0.9), X, "ab", Y, 0.9, "escalated"),
        (X, sure(Y, 0.9), X, "ab", Y, 0.9, "escalated"),  # not known counts as 0
        (WRONG, sure(Y, 0.9), X, "aab", Y, 0.9, "escalated"),  # one repair
        (sure(X, 0.5), sure(Y, 0.6), sure(X, 0.1), "abc", X, 0.1, "escalated"),  # the last is taken as it is
        (sure(X, 0.5), sure(Y, 0.6), WRONG, "abcc", Y, 0.6, "escalated"),  # the last valid one
        (sure(X, 0.5), WRONG, WRONG, "abbcc", X, 0.5, "escalated"),
    ],
)
def test_a_cascade_takes_the_first_accepted_answer_else_the_last_valid_one(
    a: Any, b: Any, c: Any, names: str, value: Any, confidence: float, how: str
) -> None:
    choir = Choir(a=[a], b=[b], c=[c])
    outcome, heard = asked(CASCADE, choir)
    assert (outcome.result, "".join(choir.names)) == (value, names)
    found = meta(heard)
    assert (found.calls, found.tokens_in, found.tokens_out) == (len(names), 10 * len(names), 5 * len(names))
    assert found.confidence == pytest.approx(confidence)
    assert found.format == how
    winner = "say/" + next(name for name, said in (("c", c), ("b", b), ("a", a)) if name in names and same(said, value))
    assert found.model == winner


def same(said: Any, value: Any) -> bool:
    return (said.text if isinstance(said, Reply) else sure(said, None).text) == sure(value, None).text


def test_a_cascade_without_a_valid_answer_fails_and_says_what_was_used() -> None:
    choir = Choir(a=[WRONG], b=[WRONG], c=["no JSON"])
    outcome, heard = asked(CASCADE, choir)
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.nodes[0].calls) == ("AS708", 6)
    assert "`say/c` gave no answer that fits" in outcome.failure.message
    assert [(event.model, event.following) for event in heard.of(ModelEscalated)] == [("a", "b"), ("b", "c")]
    assert [event.reason[:7] for event in heard.of(ModelEscalated)] == ["`say/a`", "`say/b`"]


def test_a_cascade_adds_up_what_all_its_models_cost() -> None:
    choir = Choir(a=[sure(X, 0.1, usd=0.25)], b=[sure(Y, 0.2, usd=0.5)], c=[sure(X, 0.9, usd=1.0)])
    _, heard = asked(CASCADE, choir)
    assert meta(heard).usd == 1.75
    _, heard = asked(CASCADE, Choir(a=[sure(X, 0.1, usd=None)], b=[sure(Y, 0.9, usd=0.5)]))
    assert meta(heard).usd is None


def test_accept_sees_the_answer_its_cost_and_that_it_is_valid() -> None:
    accept = "output.kind == 'y' and valid and usd == 0.5 and confidence > 0"
    choir = Choir(a=[sure(X, 0.9, usd=0.5)], b=[sure(Y, 0.9, usd=0.25)], c=[sure(Y, 0.9, usd=0.5)])
    outcome, _ = asked(f'{{cascade: [a, b, c, a], accept: "{accept}"}}', choir)
    assert (outcome.result, choir.names) == (Y, ["a", "b", "c"])


def test_accept_is_not_asked_about_the_last_model() -> None:
    node = "nodes:\n  ask: {lm: m, prompt: hi, output: {n: number}}\n"
    choir = Choir(a=[{"n": 2}], b=[{"n": 0}])
    assert asked("{cascade: [a, b], accept: 1 / output.n > 0.9}", choir, node)[0].result == {"n": 0}
    failed, _ = asked("{cascade: [a, b], accept: 1 / output.n > 0.9}", Choir(a=[{"n": 0}]), node)
    assert failed.failure is not None
    assert failed.failure.code == "AS604"


def test_a_failure_is_no_answer_to_escalate_from() -> None:
    choir = Choir(a=[BackendUnavailable("not there")], b=[Y])
    outcome, _ = asked(CASCADE, choir)
    assert outcome.failure is not None
    assert (outcome.failure.code, choir.names) == ("AS701", ["a"])


@pytest.mark.parametrize("error", [BackendUnavailable("gone"), RateLimited("busy"), BackendTimeout("slow")])
def test_a_fallback_asks_the_next_model_when_one_is_not_there(error: Exception) -> None:
    choir = Choir(a=[error], b=[error], c=[Y])
    outcome, heard = asked("{fallback: [a, b, c]}", choir)
    assert (outcome.result, choir.names, meta(heard).model) == (Y, ["a", "b", "c"], "say/c")
    assert [(event.model, event.following, event.reason) for event in heard.of(ModelEscalated)] == [
        ("a", "b", str(error)),
        ("b", "c", str(error)),
    ]


def test_a_fallback_fails_as_its_last_model_does() -> None:
    choir = Choir(a=[BackendUnavailable("gone")], b=[RateLimited("busy")])
    outcome, _ = asked("{fallback: [a, b]}", choir)
    assert outcome.failure is not None
    assert outcome.failure.code == "AS705"


@pytest.mark.parametrize("said", [BackendRefused("no key"), ContextOverflow("too long"), WRONG])
def test_a_fallback_is_not_for_what_another_model_would_not_mend(said: Any) -> None:
    choir = Choir(a=[said], b=[Y])
    outcome, _ = asked("{fallback: [a, b]}", choir)
    assert outcome.status == "failed"
    assert set(choir.names) == {"a"}


def test_a_route_chooses_by_the_prompt_and_the_inputs() -> None:
    route = '{route: [{when: "prompt | length > 20", use: a}, {when: inputs.big, use: b}, {use: c}]}'
    node = "inputs: {big: boolean, text: string}\nnodes:\n  ask: {lm: m, prompt: '${{ inputs.text }}'}\n"
    for inputs, name in [
        ({"big": True, "text": "x" * 21}, "a"),
        ({"big": True, "text": "x"}, "b"),
        ({"big": False, "text": "x"}, "c"),
    ]:
        choir = Choir(a=["a"], b=["b"], c=["c"])
        outcome, _ = asked(route, choir, node, inputs=inputs)
        assert (outcome.result, choir.names) == (name, [name])


def test_a_split_gives_each_run_one_model_and_many_runs_their_shares() -> None:
    choir = Choir(a=["a"], b=["b"], c=["c"])
    models = "{a: say/a, b: say/b, c: say/c, m: {split: {a: 70, b: 25.5, c: 4.5}}}"
    plan = compiled(f"models: {models}\nnodes:\n  ask: {{lm: m, prompt: hi}}", choir)
    entry = plan.models["m"]
    assert isinstance(entry, Composite)
    found: list[str] = []

    class Only:
        def __init__(self, run: str) -> None:
            self.run = run
            self.models = self

        def entry(self, name: str) -> Any:
            found.append(name)
            raise LookupError

    for number in range(4000):
        with pytest.raises(LookupError):
            asyncio.run(_split(entry, None, Only(f"test-{number}")))  # type: ignore[arg-type]
    shares = [found.count(name) / 4000 for name in "abc"]
    # four standard deviations of a share of 4000; run ids are fixed, so this cannot fail by chance
    assert shares == pytest.approx([0.7, 0.255, 0.045], abs=0.03)
    assert shares[2] == pytest.approx(0.045, abs=0.0132)


def test_a_split_asks_the_same_model_for_the_whole_run() -> None:
    node = "nodes:\n" + "".join(f"  n{at}: {{lm: m, prompt: hi}}\n" for at in range(6)) + "result: done\n"
    seen = set()
    for _ in range(12):
        choir = Choir(a=["a"], b=["b"])
        asked("{split: {a: 1, b: 1}}", choir, node)
        assert len(set(choir.names)) == 1
        seen |= set(choir.names)
    assert seen == {"a", "b"}


def test_a_shadow_is_compared_and_never_touches_the_answer() -> None:
    for said, told in [(X, (True, "")), (Y, (False, "")), (BackendUnavailable("gone"), (None, "gone"))]:
        choir = Choir(a=[X], b=[said])
        outcome, heard = asked("{shadow: a, with: b}", choir)
        assert (outcome.status, outcome.result) == ("ok", X)
        assert [(event.model, event.same, event.error) for event in heard.of(ShadowAnswered)] == [("say/b", *told)]
        assert meta(heard).calls == 1


def test_nothing_is_compared_with_an_answer_that_did_not_come() -> None:
    choir = Choir(a=[BackendUnavailable("gone")], b=[X])
    outcome, _ = asked("{shadow: a, with: b}", choir)
    assert (outcome.status, choir.names) == ("failed", ["a"])


def test_a_shadow_does_not_delay_the_steps_that_follow() -> None:
    gate = asyncio.Event()

    async def slow(request: Any) -> Any:
        await gate.wait()
        return Y

    async def opens(request: Any) -> Any:
        gate.set()  # only asked after the node before is done: a shadow that was waited for would never end
        return "after"

    choir = Choir(a=[X], b=slow, c=opens)
    node = NODE + "  then: {lm: c, prompt: '${{ ask }}'}\n"
    outcome, heard = asked("{shadow: a, with: b}", choir, node)
    assert outcome.result == "after"
    assert [event.same for event in heard.of(ShadowAnswered)] == [False]
    assert outcome.nodes[0].calls == 2  # what it used is counted


def test_the_end_of_a_run_waits_for_a_shadow_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_PATIENCE_S", 0.05)
    stopped = []

    async def forever(request: Any) -> Any:
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.append(True)

    choir = Choir(a=[X], b=forever)
    started = time.monotonic()
    outcome, heard = asked("{shadow: a, with: b}", choir)
    assert (outcome.status, stopped, heard.of(ShadowAnswered)) == ("ok", [True], [])
    assert 0.05 <= time.monotonic() - started < 2
    assert sorted(choir.closed) == ["a", "b"]


@pytest.mark.parametrize("way", ["cancel", "task"])
def test_a_run_that_is_cancelled_does_not_wait_for_a_shadow(way: str) -> None:
    async def forever(request: Any) -> Any:
        await asyncio.sleep(3600)

    choir = Choir(a=[X], b=forever, c=forever)
    text = f"models: {{a: say/a, b: say/b, c: say/c, m: {{shadow: a, with: b}}}}\n{NODE}"
    plan = compiled(text + "  then: {lm: c, prompt: '${{ ask }}'}\n", choir)

    async def test() -> None:
        heard = Heard(plan, choir)
        task = asyncio.ensure_future(heard.run.execute({}))
        while not {"b", "c"} <= set(choir.names):
            await asyncio.sleep(0.001)
        started = time.monotonic()
        if way == "cancel":
            heard.run.cancel("enough")
            assert (await task).status == "cancelled"
        else:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert time.monotonic() - started < 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(test())


def test_a_run_that_only_waits_for_a_shadow_can_be_cancelled() -> None:
    async def forever(request: Any) -> Any:
        await asyncio.sleep(3600)

    choir = Choir(a=[X], b=forever)
    plan = compiled(f"models: {{a: say/a, b: say/b, m: {{shadow: a, with: b}}}}\n{NODE}", choir)

    async def test() -> None:
        heard = Heard(plan, choir)
        task = asyncio.ensure_future(heard.run.execute({}))
        while "b" not in choir.names:
            await asyncio.sleep(0.001)
        started = time.monotonic()
        heard.run.cancel("enough")
        assert (await task).result == X
        assert time.monotonic() - started < 1

    asyncio.run(test())


def test_a_limit_that_a_shadow_meets_is_an_event_and_no_failure() -> None:
    choir = Choir(a=[X], b=[Y])
    outcome, heard = asked("{shadow: a, with: b}", choir, f"limits: {{lm_calls: 1}}\n{NODE}")
    assert (outcome.status, choir.names) == ("ok", ["a"])
    assert [event.same for event in heard.of(ShadowAnswered)] == [None]
    assert "`lm_calls: 1` is reached" in heard.of(ShadowAnswered)[0].error


def test_only_the_text_of_the_model_that_answers_is_shown_while_it_is_written() -> None:
    choir = Choir(a=["hello"], b=["hidden"])
    _, heard = asked("{shadow: a, with: b}", choir, "nodes:\n  ask: {lm: m, prompt: hi}\n", stream=True)
    assert [event.text for event in heard.of(TextStreamed)] == ["hello"]


def test_composites_nest_and_every_call_has_a_key_of_its_own() -> None:
    inner = "{fallback: [a, {use: say/b, tone: calm}]}"
    choir = Choir(a=[BackendUnavailable("gone")], b=[sure(X, 0.2)], c=[WRONG, Y])
    outcome, heard = asked(f"{{cascade: [{inner}, {{shadow: c, with: say/b}}], accept: confidence > 0.5}}", choir)
    assert outcome.result == Y
    assert choir.names == ["a", "b", "c", "c", "b"]
    assert any(options.tone == "calm" for options in choir.options)
    keys = [request.key for _, request in choir.asked]
    assert len(set(keys)) == 5
    assert all(key.startswith(f"{outcome.run}/ask") for key in keys)
    assert [(event.model, event.following) for event in heard.of(ModelEscalated)] == [
        ("a", "m.1.2"),
        ("m.1", "m.2"),
    ]


def test_a_row_of_the_report_says_who_answered_and_how_often() -> None:
    said = {"one": sure("small", 0.9), "two": sure("small", 0.1), "three": sure("small", 0.9)}

    async def small(request: Any) -> Any:
        return said[request.messages[-1].content]

    node = "inputs: {words: [string]}\nnodes:\n  each:\n    controller: map\n    over: inputs.words\n"
    node += "    nodes: {n: {lm: m, prompt: '${{ item }}'}}\n"
    choir = Choir(a=small, b=["large"], c=["shadow"])
    models = "{cascade: [a, {shadow: b, with: c}], accept: confidence > 0.5}"
    outcome, _ = asked(models, choir, node, inputs={"words": ["one", "two", "three"]})
    (row,) = outcome.nodes
    assert row.models == {"say/a": 2, "say/b": 1, "say/c": 0}
    assert row.model == "say/a 67 %, say/b 33 %, say/c 0 %"
    assert (row.calls, row.formats) == (5, {"text": 2, "escalated": 1})
    (only,) = asked(models, Choir(a=small), node, inputs={"words": ["one"]})[0].nodes
    assert only.model == "say/a"


def test_the_models_of_a_called_agent_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "sub.yaml").write_text(
        "agentspec: 1\nname: sub\nmodels: {a: say/b, m: {cascade: [a, say/c], accept: confidence > 0.5}}\n"
        "nodes:\n  ask: {lm: m, prompt: hi}\n",
        encoding="utf-8",
    )
    choir = Choir(a=["a"], b=["b"], c=["c"])
    outcome, heard = sung(
        "models: {a: say/a}\nnodes:\n  call: {controller: agent, spec: ./sub.yaml}\n", choir, folder=tmp_path
    )
    assert (outcome.result, choir.names) == ("c", ["b", "c"])
    assert [(event.model, event.following) for event in heard.of(ModelEscalated)] == [("sub.yaml#a", "sub.yaml#m.2")]


def test_accept_sees_null_while_a_model_calls_tools(tmp_path: Path) -> None:
    (tmp_path / "sub.yaml").write_text(
        "agentspec: 1\nname: sub\nmodels: {e: fake/echo}\nnodes: {n: {lm: e, prompt: found}}\n", encoding="utf-8"
    )
    said = [sure({"tool": "sub", "arguments": {}}, 0.9), sure({"answer": "low"}, 0.9), sure({"answer": "fine"}, 0.9)]
    choir = Choir(a=said)
    node = "nodes:\n  ask: {lm: m, prompt: hi, tools: ./sub.yaml, max_turns: 3}\n"
    accept = "output is none or output == 'fine'"
    outcome, _ = asked(f'{{cascade: [a, a], accept: "{accept}"}}', choir, node, folder=tmp_path)
    assert outcome.result == "fine"
    assert choir.names == ["a", "a", "a"]  # the call of the tool was accepted, the first answer was not
