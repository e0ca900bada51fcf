"""What a step gets again when it runs anew: the results of the calls that it made before it was cut off."""

from __future__ import annotations

import asyncio
from collections import deque

from agentspec.api.errors import RunDiverged
from agentspec.kernel.state import Running

_LOST_S = 60.0
"""After this time without a call that was made the last time, the step is not doing what it did then."""


class Recalls:
    """The calls of one step, counted from when it began to run.

    Results are given in the order in which the calls ended, and none before the calls were made again that were
    made before it. So a step that makes several calls at once meets them as it did the last time.
    """

    def __init__(self, path: str, step: Running) -> None:
        self.made = 0
        self._path = path
        self._calls = step.calls
        self._order = deque(step.returned)
        self._ended = frozenset(step.returned)
        self._waiting: dict[int, asyncio.Future[None]] = {}

    def count(self) -> int:
        """The number of the call that is made now."""
        number = self.made
        self.made += 1
        self._give()
        return number

    async def turn(self, number: int) -> None:
        """Wait until it is a call's turn to give what it gave. Raises `RunDiverged`."""
        if number not in self._ended:
            return
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._give()
        try:
            async with asyncio.timeout(_LOST_S):
                await waiting
        except TimeoutError as error:
            text = f"`{self._path}` does not make the calls that it made before it was cut off"
            raise RunDiverged(text, hint="start the run anew: its spec or a plugin has changed") from error

    def _give(self) -> None:
        while self._order:
            number = self._order[0]
            waiting = self._waiting.get(number)
            if waiting is None or self._calls[number].after > self.made:
                return
            self._order.popleft()
            if not waiting.done():
                waiting.set_result(None)
