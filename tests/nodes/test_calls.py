"""One call of a model: what is reserved before it, what holds it back, what it costs, how its answer was obtained."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agentspec.api import BackendFactory, Capabilities, ModelBinding, Reply, Request
from agentspec.api.errors import BackendUnavailable, LimitReached
from agentspec.api.events import CallAnswered, CallDelayed, ModelEscalated
from agentspec.api.messages import Usage
from agentspec.models import guard
from agentspec.nodes import Budgets
from agentspec.nodes.budget import Need
from agentspec.plan.proof.prices import Price
from agentspec.spec.diagnostics import SpecInvalid

from .voices import Choir, Voice, compiled, sung, sure

PROMPT = "one two three four five six seven eight nine ten"
MANY = """
inputs: {items: [integer]}
limits: {%s}
models: {a: %s}
nodes:
  each:
    controller: map
    over: inputs.items
    concurrency: 64
    nodes: {say: {lm: a, prompt: "%s", max_tokens: 5}}
"""
ITEMS = {"items": list(range(64))}
ONE = "models: {a: %s}\nnodes: {say: {lm: a, prompt: hi, output: {n: integer}}}\nresult: ${{ say }}\n"


class Crowd:
    """Answers when everybody had a chance to ask, and counts who asked at the same time."""

    def __init__(self) -> None:
        self.under_way = self.most = 0

    async def __call__(self, request: Request) -> Reply:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        self.under_way -= 1
        return sure("word", None, usd=None)


@pytest.mark.parametrize(
    ("limit", "model", "most"),
    [
        ("lm_calls: 10", "say/a", 10),
        ("tokens: 100", "say/a", 7),
        ("usd: 10", "{use: say/a, price: {in: 100_000, out: 100_000}}", 7),
        ("usd: 10", "{use: say/a, price: {in: 150_000, out: 0}}", 6),
    ],
)
def test_64_calls_at_once_do_not_overshoot_a_limit(limit: str, model: str, most: int) -> None:
    crowd = Crowd()
    choir = Choir(a=crowd)
    outcome, _ = sung(MANY % (limit, model, PROMPT), choir, ITEMS)
    assert outcome.failure is not None
    assert outcome.failure.code == "AS610"
    assert len(choir.asked) == most, "the last one, alone, may go beyond by its answer"
    assert crowd.most > 1, "there was room for several at a time"


def test_calls_at_once_that_fit_into_a_limit_are_all_made() -> None:
    choir = Choir(a=Crowd())
    outcome, _ = sung(MANY % ("tokens: 960, lm_calls: 64", "say/a", PROMPT), choir, ITEMS)
    assert (outcome.status, len(choir.asked)) == ("ok", 64)


def budgets(limits: str) -> Budgets:
    return Budgets(compiled(f"limits: {{{limits}}}\nmodels: {{a: say/a}}\nnodes: {{a: {{lm: a, prompt: x}}}}", Choir()))


def test_a_call_that_was_not_made_gives_everything_back() -> None:
    async def run() -> None:
        left = budgets("lm_calls: 1, tokens: 20")
        for _ in range(3):
            with pytest.raises(BackendUnavailable):
                async with left.reserved("a", Need(5, 9, 9)):
                    raise BackendUnavailable("the circuit is open")
        async with left.reserved("a", Need(5, 9, 9)) as hold:
            hold.made = True
        assert left.run.lm_calls == 1
        with pytest.raises(LimitReached):
            async with left.reserved("a", Need()):
                raise AssertionError("one call was made, though it was not answered")

    asyncio.run(run())


def test_a_call_waits_for_those_under_way_and_goes_when_they_leave_room() -> None:
    async def run() -> None:
        left, order = budgets("tokens: 30"), []

        async def call(name: str, used: int) -> None:
            async with left.reserved("a", Need(1, 10, 10)) as hold:
                hold.made = True
                order.append(name)
                await asyncio.sleep(0)
                hold.settle(Usage(used, 0, usd=0.0))
                order.append(f"{name}!")

        await asyncio.gather(call("a", 5), call("b", 5), call("c", 5))
        assert order == ["a", "a!", "b", "b!", "c", "c!"]
        assert left.run.tokens == 15

    asyncio.run(run())


def test_an_answer_without_bound_is_taken_to_be_like_the_longest_before_it() -> None:
    async def run() -> bool:
        left = budgets("tokens: 100")
        async with left.reserved("a", Need(1, 10)) as hold:
            hold.settle(Usage(10, 30, usd=0.0))
        async with left.reserved("a", Need(1, 10)):
            return left.run.has_room(Need(1, 10))

    assert asyncio.run(run()) is False


def test_a_prompt_that_costs_more_than_is_left_is_not_sent() -> None:
    async def run(limits: str) -> str:
        with pytest.raises(LimitReached) as caught:
            async with budgets(limits).reserved("a", Need(100, 100, 5, Price(0.01, 0.02))):
                raise AssertionError
        return caught.value.message

    assert "`usd: 0.5` would be exceeded: 0 are used, and the next prompt alone takes at least 1" in asyncio.run(
        run("usd: 0.5")
    )
    assert "`usd: 0` would be exceeded" in asyncio.run(run("usd: 0"))


def test_a_model_is_asked_by_no_more_at_a_time_than_its_terms_allow() -> None:
    for terms, most in (("tone: soft", 64), ("tone: soft, concurrency: 3", 3)):
        crowd = Crowd()
        choir = Choir(a=crowd)
        outcome, _ = sung(MANY % ("lm_calls: 64", f"{{use: say/a, {terms}}}", PROMPT), choir, ITEMS)
        assert outcome.status == "ok"
        assert 3 <= crowd.most <= most
        assert (crowd.most == 3) == (most == 3)
        assert [options.tone for options in choir.options] == ["soft"], "the backend is not given the core's keys"


def test_terms_hold_for_a_member_of_a_composite() -> None:
    crowd = Crowd()
    model = "{fallback: [{use: say/a, concurrency: 2}, say/b]}"
    sung(MANY % ("lm_calls: 64", model, PROMPT), Choir(a=crowd, b=["x"]), ITEMS)
    assert crowd.most == 2


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ("concurrency: 0", "concurrency"),
        ("concurrency: many", "concurrency"),
        ("requests_per_minute: 1.5", "requests_per_minute"),
        ("price: {in: 1}", "`in` and `out`"),
        ("price: {}", "`per_second`"),
        ("price: {in: 1, out: 2, per_hour: 3}", "per_hour"),
        ("price: {in: -1, out: 2}", "in"),
    ],
)
def test_terms_that_make_no_sense_are_reported_at_their_place(terms: str, said: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        compiled(ONE % f"{{use: say/a, {terms}}}", Choir(a=["x"]))
    (one,) = caught.value.diagnostics
    assert one.code in ("AS201", "AS203")
    assert said in one.message
    assert one.span.line == 3


def test_a_run_that_waits_for_a_rate_tells_its_observers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_LATE_S", 0.01)
    monkeypatch.setattr(guard, "_MINUTE_S", 0.1)
    text = (
        "models: {a: {use: say/a, requests_per_minute: 1}}\nnodes: {x: {lm: a, prompt: hi}, y: {lm: a, prompt: hi}}\n"
    )
    outcome, heard = sung(f"{text}result: 1", Choir(a=["word"]))
    assert outcome.status == "ok"
    ((path, model, reason),) = heard.of(CallDelayed)
    assert (path, model) == ("y", "say/a")
    assert "rate" in reason


@pytest.mark.parametrize(
    ("model", "told", "usd"),
    [
        ("say/a", None, None),
        ("say/a", 0.25, 0.25),
        ("{use: say/a, price: {in: 2, out: 4}}", None, 40e-6),
        ("{use: say/a, price: {in: 2, out: 4}}", 0.25, 40e-6),
        ("{use: say/a, price: {in: 0, out: 0}}", None, 0.0),
    ],
)
def test_the_price_of_the_spec_wins_and_what_nobody_knows_stays_unknown(model: str, told: Any, usd: Any) -> None:
    outcome, heard = sung(ONE % model, Choir(a=[sure({"n": 1}, None, usd=told)]))
    (event,) = heard.of(CallAnswered)
    assert event.usd == (None if usd is None else pytest.approx(usd))
    assert outcome.nodes[0].usd == event.usd


def test_a_machine_of_ones_own_is_priced_by_the_second() -> None:
    async def slow(request: Request) -> Any:
        await asyncio.sleep(0.05)
        return sure({"n": 1}, None, usd=0.0)

    _, heard = sung(ONE % "{use: say/a, price: {per_second: 2}}", Choir(a=slow))
    (event,) = heard.of(CallAnswered)
    assert 0.1 <= event.usd <= 2 * event.seconds


def test_a_price_by_the_token_is_unknown_when_nobody_counted_them() -> None:
    reply = replace(sure({"n": 1}, None), usage=Usage())
    _, heard = sung(ONE % "{use: say/a, price: {in: 1, out: 1}}", Choir(a=[reply]))
    assert heard.of(CallAnswered)[0].usd is None


@pytest.mark.parametrize(
    ("answers", "formats", "how"),
    [
        (['{"n": 1}'], ["parsed"], "parsed"),
        ([Reply('{"n": 1}', enforced="native")], ["native"], "native"),
        (['So: ```{"n": 1,}```'], ["extracted"], "extracted"),
        (["one", '{"n": 1}'], ["invalid", "repaired"], "repaired"),
        (["one", "two"], ["invalid", "failed"], None),
    ],
)
def test_how_an_answer_was_obtained_is_told_of_each_call(answers: list[Any], formats: list[str], how: Any) -> None:
    outcome, heard = sung(ONE % "say/a", Choir(a=answers))
    assert [event.format for event in heard.of(CallAnswered)] == formats
    assert outcome.nodes[0].formats == ({how: 1} if how else {})


def test_a_dead_model_is_left_alone_and_its_fallback_asked_at_once() -> None:
    choir = Choir(a=[BackendUnavailable("away")], b=["word"])
    text = (MANY % ("lm_calls: 200", "{fallback: [say/a, say/b]}", PROMPT)).replace("concurrency: 64", "concurrency: 1")
    outcome, heard = sung(text, choir, ITEMS)
    assert (outcome.status, choir.count("a"), choir.count("b")) == ("ok", 5, 64)
    reasons = [event.reason for event in heard.of(ModelEscalated)]
    assert reasons[:5] == ["away"] * 5
    assert all("the circuit is open" in reason for reason in reasons[5:])
    assert {event.uses for event in heard.of(ModelEscalated)} == {"say/a"}


def test_a_prompt_that_no_context_holds_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    choir = Choir(a=['{"n": 1}'])
    made = Voice.__init__

    def small(self: Voice, choir: Choir, name: str) -> None:
        made(self, choir, name)
        self.capabilities = Capabilities(context_tokens=9)

    monkeypatch.setattr(Voice, "__init__", small)
    outcome, _ = sung((ONE % "say/a").replace("hi", PROMPT), choir)
    assert outcome.failure is not None
    assert outcome.failure.code == "AS704"
    assert outcome.failure.message == "the prompt has at least 10 tokens, but the context of `say/a` holds 9"
    assert choir.asked == []


class Abroad(Choir):
    """Its backend `ollama`, which costs nothing on this machine, hands calls on to another one."""

    def backend(self, use: str) -> BackendFactory:
        def create(binding: ModelBinding) -> Voice:
            voice = Voice(self, "a")
            voice.capabilities = Capabilities(remote=binding.model == "far")
            return voice

        return BackendFactory("ollama", create)


@pytest.mark.parametrize(("model", "usd"), [("ollama/near", 0.0), ("ollama/far", None)])
def test_what_a_local_server_hands_on_to_another_machine_is_not_free(model: str, usd: Any) -> None:
    _, heard = sung(ONE % model, Abroad(a=[sure({"n": 1}, None, usd=None)]))
    assert heard.of(CallAnswered)[0].usd == usd


def test_of_a_rate_of_tokens_a_call_keeps_what_it_used_and_not_what_it_might_have() -> None:
    model = "{use: say/a, tokens_per_minute: 100}"
    text = f"models: {{a: {model}}}\nnodes:\n" + "".join(
        f"  n{at}: {{lm: a, prompt: hi, max_tokens: 40, after: [{f'n{at - 1}' if at else ''}]}}\n" for at in range(4)
    )
    outcome, heard = sung(f"{text}result: 1", Choir(a=["word"]))
    assert (outcome.status, len(heard.of(CallAnswered))) == ("ok", 4)
    assert outcome.seconds < 5, "four calls of 15 tokens fit into one minute, four of 41 do not"


@pytest.mark.parametrize(
    "usage",
    [Usage(-5, -5, -5, -1.0), Usage(2**50, 2**50, 2**50, float("inf")), Usage("many", True, 1.5, float("nan"))],  # type: ignore[arg-type]
)
def test_what_no_call_can_have_used_is_unknown(usage: Usage) -> None:
    reply = replace(sure({"n": 1}, None), usage=usage)
    _, heard = sung(ONE % "say/a", Choir(a=[reply]))
    (event,) = heard.of(CallAnswered)
    assert (event.tokens_in, event.tokens_out, event.tokens_cached, event.usd) == (None, None, None, None)
    limited, _ = sung(f"limits: {{usd: 1}}\n{ONE % 'say/a'}", Choir(a=[reply]))
    assert limited.failure is not None
    assert "cannot be held" in limited.failure.message
