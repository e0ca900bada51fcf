"""What a step gets again when it runs anew after a restart: the results of the calls that it made before."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from agentspec.api.errors import RunDiverged
from agentspec.api.messages import Json
from agentspec.kernel.state import Running

_LOST_S = 5.0
"""A step that has not made its earlier calls again by then does something else. It waits for nothing but itself."""


class Recalls:
    """The recorded calls of one step, each to be made once more.

    A call is known by its name and values, not by its number: a step that has several calls under way may make
    them in another order. Calls that are not recorded have to wait until all that are were made again, since they
    do something in the world, and a step that has changed is to be found out before that. They do not wait for
    results that are not there yet, on which the other calls may depend.
    """

    def __init__(self, path: str, step: Running) -> None:
        self._path = path
        self._calls = step.calls
        self._left = list(range(len(step.calls)))
        self._made: list[int] = []
        self._changed = asyncio.Event()
        self._order = deque(step.returned)
        self._asked: dict[int, asyncio.Future[None]] = {}

    def number_of(self, name: str, values: Json) -> int | None:
        """The number of the recorded call that this one is; None for one that was not made before."""
        for place, number in enumerate(self._left):
            call = self._calls[number]
            if call.name == name and call.values == values:
                del self._left[place]
                self._made.append(number)
                self._changed.set()
                return number
        return None

    async def turn(self, number: int) -> None:
        """Wait until the results that came before that of a recorded call were given: the step met them so."""
        if number not in self._order:
            return
        asked = self._asked[number] = asyncio.get_running_loop().create_future()
        self._give()
        if asked.done():  # awaiting it would not wait, and overtake others
            await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):  # another order than the last time is no reason to stop
            async with asyncio.timeout(_LOST_S):
                await asked

    def _give(self) -> None:
        """Give one result, and the next one a turn of the event loop later."""
        if self._order and self._order[0] in self._asked:
            asked = self._asked[self._order.popleft()]
            if not asked.done():
                asked.set_result(None)
            asyncio.get_running_loop().call_soon(self._give)

    async def all_made(self, name: str) -> None:
        """Wait until every recorded call was made again that can be. Raises `RunDiverged`."""
        try:
            async with asyncio.timeout(_LOST_S):
                while self._left and all(self._calls[number].done for number in self._made):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            missing = self._calls[self._left[0]].name
            text = f"`{self._path}` calls `{name}`, and not `{missing}` as it did before it was cut off"
            raise RunDiverged(text, hint="start the run anew: its spec or a plugin has changed") from error
