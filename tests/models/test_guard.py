"""Rates, places and the breaker around the calls of a model, on a clock that a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agentspec.api.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    CircuitOpen,
    InvalidAnswer,
    RateLimited,
)
from agentspec.models import guard as guards
from agentspec.models.guard import MOST_FAILURES, PAUSE_S, Breaker, Guard, Rate
from agentspec.spec.model_shapes import ModelShape


class Time:
    """A clock that goes on only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds


def guarded(time: Time, **terms: int) -> Guard:
    return Guard("say/a", ModelShape(use="say/a", **terms), time, time.sleep)


def together(*work: Callable[[], Awaitable[None]]) -> list[BaseException | None]:
    async def run() -> list[BaseException | None]:
        return await asyncio.wait_for(asyncio.gather(*(one() for one in work), return_exceptions=True), 5)

    return asyncio.run(run())


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 60), st.integers(0, 60)), max_size=40),
)
def test_no_minute_has_more_than_the_rate(most, calls):
    rate, now, booked = Rate(most), 0.0, []
    for pause, amount, used in calls:
        now += pause
        wait_s = rate.wait_s(amount, now)
        assert wait_s <= 60
        now += wait_s
        assert rate.wait_s(amount, now) == 0, "what was waited for has come"
        booking = rate.book(amount, now)
        booking.amount = min(used, amount)  # an answer was shorter than it might have been
        booked.append(booking)
    for one in booked:
        window = [other.amount for other in booked if one.at - 60 < other.at <= one.at]
        assert sum(window) <= most or len([amount for amount in window if amount]) == 1


def test_a_call_that_used_more_than_expected_holds_up_the_next():
    rate = Rate(10)
    rate.book(1, 0.0).amount = 10
    assert rate.wait_s(1, 20.0) == 40.0
    assert rate.wait_s(1, 60.0) == 0.0


def test_calls_beyond_the_rate_wait_in_their_order():
    time, began = Time(), []

    def call(number: int) -> Callable[[], Awaitable[None]]:
        async def made() -> None:
            async with guarding.call(10):
                began.append((number, time.now - 1000))

        return made

    guarding = guarded(time, requests_per_minute=2)
    together(*map(call, range(5)))
    assert began == [(0, 0), (1, 0), (2, 60), (3, 60), (4, 120)]
    began.clear()
    guarding = guarded(time := Time(), tokens_per_minute=25)
    together(*map(call, range(3)))
    assert [at for _, at in began] == [0, 0, 60]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(1, 30))
def test_no_more_calls_are_under_way_than_allowed(places, calls):
    under_way, most = 0, 0

    async def call() -> None:
        nonlocal under_way, most
        async with guarding.call(0):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    guarding = guarded(Time(), concurrency=places)
    assert together(*[call] * calls) == [None] * calls
    assert most == min(places, calls)


@pytest.mark.parametrize("terms", [{"concurrency": 1}, {"requests_per_minute": 1}])
def test_a_call_that_is_cancelled_while_it_waits_leaves_no_trace(terms):
    async def run() -> None:
        time = Time()
        stuck = asyncio.Event()

        async def forever(seconds: float) -> None:
            await stuck.wait()

        guarding = Guard("say/a", ModelShape(use="say/a", **terms), time, forever)

        async def call() -> None:
            async with guarding.call(0):
                await release.wait()

        release = asyncio.Event()
        first = asyncio.create_task(call())
        await asyncio.sleep(0)
        second = asyncio.create_task(call())
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert second.cancelled()
        release.set()
        await first
        time.now += 60
        await asyncio.wait_for(call(), 1)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("terms", "reason"), [({"concurrency": 1}, "concurrency"), ({"requests_per_minute": 1}, "rate")]
)
def test_a_long_wait_is_told_and_a_short_one_is_not(monkeypatch, terms, reason):
    async def run(late_s: float) -> list[str]:
        monkeypatch.setattr(guards, "_LATE_S", late_s)
        told: list[str] = []
        time = Time()

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(0.03)
            time.now += seconds

        guarding = Guard("say/a", ModelShape(use="say/a", **terms), time, sleep)

        async def call() -> None:
            async with guarding.call(0, told.append):
                await asyncio.sleep(0.03)

        await asyncio.gather(call(), call())
        return told

    (said,) = asyncio.run(run(0.01))
    assert reason in said
    assert asyncio.run(run(10)) == []


class Breaking(RuleBasedStateMachine):
    """The breaker beside a model of it: any number of calls under way, ending in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.breaker = Breaker("say/a", self.time, most=3, pause_s=30)
        self.under_way: list[bool] = []
        self.state, self.row, self.opened = "closed", 0, 0.0

    @rule()
    def begin(self) -> None:
        if self.state == "open" and self.time.now >= self.opened + 30:
            self.state = "half-open"
            assert self.breaker.begin() is True
            self.under_way.append(True)
        elif self.state == "closed":
            assert self.breaker.begin() is False
            self.under_way.append(False)
        else:
            with pytest.raises(CircuitOpen) as caught:
                self.breaker.begin()
            assert 0 < caught.value.retry_after_s <= 30

    @precondition(lambda self: self.state == "closed")
    @rule()
    def fail_until_it_opens(self) -> None:
        while self.state == "closed":
            assert self.breaker.begin() is False
            self.breaker.failed(tried=False)
            self.row += 1
            if self.row == 3:
                self.state, self.opened = "open", self.time.now

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), end=st.sampled_from(["answered", "failed", "unknown"]))
    def end(self, data: st.DataObject, end: str) -> None:
        tried = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        if end == "answered":
            self.breaker.answered()
            self.state, self.row = "closed", 0
        elif end == "unknown":
            self.breaker.unknown(tried=tried)
            self.state = "open" if tried and self.state == "half-open" else self.state
        else:
            self.breaker.failed(tried=tried)
            if self.state == "closed":
                self.row += 1
                if self.row == 3:
                    self.state, self.opened = "open", self.time.now
            elif tried:
                self.state, self.opened = "open", self.time.now

    @rule(seconds=st.sampled_from([1, 10, 30]))
    def wait(self, seconds: int) -> None:
        self.time.now += seconds

    @invariant()
    def lets_through_what_it_should(self) -> None:
        free = self.state == "closed" or (self.state == "open" and self.time.now >= self.opened + 30)
        if free:
            self.breaker.check()
        else:
            with pytest.raises(CircuitOpen):
                self.breaker.check()


TestBreaking = Breaking.TestCase
TestBreaking.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)


def end_with(guarding: Guard, *errors: BaseException | None) -> list[BaseException | None]:
    async def call(error: BaseException | None) -> None:
        async with guarding.call(0):
            if error is not None:
                raise error

    async def run() -> list[BaseException | None]:
        return [(await asyncio.gather(call(error), return_exceptions=True))[0] for error in errors]

    return asyncio.run(run())


@pytest.mark.parametrize("error", [BackendUnavailable("away"), BackendTimeout("slow")])
def test_a_model_that_does_not_answer_is_left_alone_and_tried_again_later(error):
    time = Time()
    guarding = guarded(time)
    *_, refused = end_with(guarding, *[error] * MOST_FAILURES, None)
    assert isinstance(refused, CircuitOpen)
    assert (refused.code, refused.kind, refused.retry_after_s) == ("AS711", "unavailable", PAUSE_S)
    assert "failed 5 times in a row" in refused.message
    time.now += PAUSE_S
    failed, refused = end_with(guarding, error, None)
    assert failed is error
    assert isinstance(refused, CircuitOpen)
    time.now += PAUSE_S
    assert end_with(guarding, None, error, None) == [None, error, None]


def test_one_call_tries_again_and_the_others_are_refused_meanwhile():
    time = Time()
    breaker = Breaker("say/a", time, most=1)
    breaker.failed(tried=breaker.begin())
    time.now += PAUSE_S
    assert breaker.begin() is True
    with pytest.raises(CircuitOpen, match="one call is trying it now"):
        breaker.begin()
    breaker.unknown(tried=True)
    assert breaker.begin() is True, "a call that was cancelled has not found out"
    breaker.answered()
    assert breaker.begin() is False


@pytest.mark.parametrize("error", [RateLimited("busy"), BackendRefused("no key"), InvalidAnswer("no"), ValueError()])
def test_other_failures_open_no_circuit(error):
    assert end_with(guarded(Time()), *[error] * 20, None)[-1] is None


def test_failures_count_only_in_a_row():
    away = BackendUnavailable("away")
    row = [away] * (MOST_FAILURES - 1)
    assert CircuitOpen not in map(type, end_with(guarded(Time()), *row, None, *row, RateLimited("busy"), *row, None))
