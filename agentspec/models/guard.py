"""What every model has around its calls: how many at a time, how many a minute, and none while nothing answers.

A call passes, in this order: the breaker, a free place, the rates. Who waits longest goes first.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

from agentspec.api.errors import AgentspecError, CircuitOpen, RateLimited
from agentspec.spec.model_shapes import ModelShape

MOST_FAILURES = 5
"""Failures in a row after which a model is left alone for a while."""

PAUSE_S = 30.0
"""How long it is left alone before one call tries again."""

_MINUTE_S = 60.0
_LATE_S = 1.0
"""How long a call waits before observers are told."""

_FAILURES = frozenset({"unavailable", "timeout"})
Clock = Callable[[], float]


class Booking:
    """What a call has taken of a rate; settled when it is known what it really used."""

    __slots__ = ("amount", "at")

    def __init__(self, at: float, amount: int) -> None:
        self.at = at
        self.amount = amount


class Rate:
    """An amount that must not be exceeded within any minute: a window that moves along.

    A single amount beyond `most` goes when nothing else is in the window, since it could never go otherwise.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._booked: deque[Booking] = deque()

    def wait_s(self, amount: int, now: float) -> float:
        """Seconds until there is room for an amount; 0 when there is."""
        while self._booked and now - self._booked[0].at >= _MINUTE_S:
            self._booked.popleft()
        used, freed_s = sum(one.amount for one in self._booked), 0.0
        for one in self._booked:
            if used + amount <= self.most:
                break
            used -= one.amount
            freed_s = one.at + _MINUTE_S - now
        return freed_s

    def book(self, amount: int, now: float) -> Booking:
        """Take an amount for which there is room."""
        booking = Booking(now, amount)
        self._booked.append(booking)
        return booking


class Breaker:
    """Leaves a model alone that failed several times in a row, then lets one call try.

    closed -> open: `most` failures in a row. open -> half-open: `pause_s` have passed; one call is let through.
    half-open -> closed: it was answered. half-open -> open: it failed.
    """

    def __init__(self, uses: str, clock: Clock, most: int = MOST_FAILURES, pause_s: float = PAUSE_S) -> None:
        self._uses = uses
        self._clock = clock
        self._most = most
        self._pause_s = pause_s
        self._failures = 0
        self._opened: float | None = None
        self._trying = False

    def check(self) -> None:
        """Raise `CircuitOpen` when no call is let through now."""
        if self._opened is None:
            return
        left_s = max(self._opened + self._pause_s - self._clock(), 0.0)
        if left_s or self._trying:
            until = f"it is tried again in {left_s:.0f} s" if left_s else "one call is trying it now"
            text = f"`{self._uses}` failed {self._most} times in a row, and the circuit is open: {until}"
            hint = "the failures before this one say why; a `fallback` asks another model meanwhile"
            raise CircuitOpen(text, hint=hint, retry_after_s=left_s or 1.0)

    def begin(self) -> bool:
        """Let a call through; true for the one that tries a model again. Raises `CircuitOpen`."""
        self.check()
        self._trying = self._opened is not None
        return self._trying

    def answered(self) -> None:
        """The model is there."""
        self._failures, self._opened, self._trying = 0, None, False

    def failed(self, *, tried: bool) -> None:
        """The model is not there. Calls that began before the circuit opened say nothing new."""
        if self._opened is None:
            self._failures += 1
            if self._failures >= self._most:
                self._opened = self._clock()
        elif tried:
            self._opened, self._trying = self._clock(), False

    def unknown(self, *, tried: bool) -> None:
        """A call ended that says nothing about the model, such as one that was cancelled."""
        if tried:
            self._trying = False


class Guard:
    """Holds the calls of one bound model to its terms.

    Args:
        uses: `<backend>/<model>`, for messages.
        sleep: waits so many seconds of `clock`.
    """

    def __init__(
        self,
        uses: str,
        terms: ModelShape | None = None,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._breaker = Breaker(uses, clock)
        most = None if terms is None else terms.concurrency
        self._places = None if most is None else asyncio.Semaphore(most)
        self._requests = _rate(None if terms is None else terms.requests_per_minute)
        self._tokens = _rate(None if terms is None else terms.tokens_per_minute)
        self._gate = asyncio.Lock()

    @asynccontextmanager
    async def call(self, tokens: int, late: Callable[[str], None] = lambda reason: None) -> AsyncIterator[Booking]:
        """Wait until a call may be made, and hear how it ends.

        `tokens` are what it is expected to use; what it did use is put into the booking. `late` is told why it
        waits when that takes longer than a second. Raises `CircuitOpen`.
        """
        self._breaker.check()
        async with self._place(late):
            booking = await self._booked(tokens, late)
            tried = self._breaker.begin()
            try:
                yield booking
            except AgentspecError as error:
                if error.kind in _FAILURES:
                    self._breaker.failed(tried=tried)
                elif isinstance(error, RateLimited):
                    self._breaker.answered()
                else:
                    self._breaker.unknown(tried=tried)
                raise
            except BaseException:
                self._breaker.unknown(tried=tried)
                raise
            self._breaker.answered()

    @asynccontextmanager
    async def _place(self, late: Callable[[str], None]) -> AsyncIterator[None]:
        if self._places is None:
            yield
            return
        with _alarm(late, "as many calls are under way as `concurrency` allows"):
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    async def _booked(self, tokens: int, late: Callable[[str], None]) -> Booking:
        """Take a request and its tokens, as soon as there is room for both."""
        if self._requests is None and self._tokens is None:
            return Booking(0.0, tokens)
        with _alarm(late, "the model's rate is used up for now"):
            async with self._gate:
                while (wait_s := self._wait_s(tokens)) > 0:
                    await self._sleep(wait_s)
                now = self._clock()
                if self._requests is not None:
                    self._requests.book(1, now)
                return Booking(now, tokens) if self._tokens is None else self._tokens.book(tokens, now)

    def _wait_s(self, tokens: int) -> float:
        now = self._clock()
        requests_s = 0.0 if self._requests is None else self._requests.wait_s(1, now)
        return max(requests_s, 0.0 if self._tokens is None else self._tokens.wait_s(tokens, now))


def _rate(most: int | None) -> Rate | None:
    return None if most is None else Rate(most)


@contextlib.contextmanager
def _alarm(late: Callable[[str], None], reason: str) -> Iterator[None]:
    """Tell somebody if what follows takes long."""
    alarm = asyncio.get_running_loop().call_later(_LATE_S, late, reason)
    try:
        yield
    finally:
        alarm.cancel()
