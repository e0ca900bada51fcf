"""A journal in memory, and a clock that jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import Coroutine
from typing import Any

from agentspec.api.journal import Entry, RunInfo, RunStatus
from agentspec.journal.codec import decode, encode
from agentspec.models.secrets import Masker
from agentspec.runtime.recording import Recording


class MemoryJournal:
    """Keeps what a file would keep: events as text."""

    def __init__(self, entries: list[Entry] | None = None) -> None:
        self.rows = [(at, type(event).__name__, encode(event)) for at, event in entries or []]
        self.marks: list[RunStatus] = []

    def begin(self, run: RunInfo) -> None:
        pass

    def append(self, run: str, entry: Entry) -> None:
        self.rows.append((entry.at, type(entry.event).__name__, encode(entry.event)))

    async def stored(self) -> None:
        pass

    def mark(self, run: str, status: RunStatus, at: float) -> None:
        self.marks.append(status)

    def runs(self) -> list[RunInfo]:
        return []

    def entries(self, run: str) -> list[Entry]:
        return [Entry(at, decode(name, data)) for at, name, data in self.rows]

    def hold(self, run: str) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def is_held(self, run: str) -> bool:
        return False

    def close(self) -> None:
        pass

    def recording(self, clock: Clock) -> Recording:
        return Recording(self, "run", Masker(()), clock)


class Clock:
    """The time of one test, over several event loops."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something to its end, by this clock."""
        loop = asyncio.SelectorEventLoop(_Jumping(self))
        loop.time = self  # type: ignore[method-assign, assignment]
        try:
            return loop.run_until_complete(work)
        finally:
            loop.close()


class _Jumping(selectors.DefaultSelector):
    """Where a loop would wait for a timer, the clock is set forward."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "all wait for something that never comes"
            self._clock.now += max(timeout, 0.0)
        return ready
