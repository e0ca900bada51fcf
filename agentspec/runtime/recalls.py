"""What a step gets again when it runs anew after a restart: the results of the calls that it made before."""

from __future__ import annotations

import asyncio

from agentspec.api.errors import RunDiverged
from agentspec.api.messages import Json
from agentspec.kernel.state import Running

_LOST_S = 5.0
"""A step that has not made its earlier calls again by then does something else. It waits for nothing but itself."""


class Recalls:
    """The recorded calls of one step, each to be made once more.

    A call is known by its name and values, not by its number: a step that has several calls under way may make
    them in another order. Calls that are not recorded have to wait until all that are were made again, since they
    do something in the world, and a step that has changed is to be found out before that.
    """

    def __init__(self, path: str, step: Running) -> None:
        self._path = path
        self._calls = step.calls
        self._left = list(range(len(step.calls)))
        self._none_left = asyncio.Event()

    def number_of(self, name: str, values: Json) -> int | None:
        """The number of the recorded call that this one is; None for one that was not made before."""
        for place, number in enumerate(self._left):
            call = self._calls[number]
            if call.name == name and call.values == values:
                del self._left[place]
                if not self._left:
                    self._none_left.set()
                return number
        return None

    async def all_made(self, name: str) -> None:
        """Wait until every recorded call was made again. Raises `RunDiverged`."""
        if not self._left:
            return
        try:
            async with asyncio.timeout(_LOST_S):
                await self._none_left.wait()
        except TimeoutError as error:
            missing = self._calls[self._left[0]].name
            text = f"`{self._path}` calls `{name}`, and not `{missing}` as it did before it was cut off"
            raise RunDiverged(text, hint="start the run anew: its spec or a plugin has changed") from error
