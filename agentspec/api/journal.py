"""What keeps the events of runs: a store that only grows, and from which a run can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from agentspec.api.events import Event
from agentspec.api.messages import Json

RunStatus = Literal["running", "paused", "ok", "failed", "cancelled"]
"""`running` is also what a run was that died: nobody could say so."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run, as a journal lists it.

    Attributes:
        spec: absolute path of the spec file.
        started, changed: seconds since 1970: when it began, when its status last changed.
        setup: plain data that it takes to make the run's plan again.
    """

    id: str
    agent: str
    spec: str
    started: float
    setup: Mapping[str, Json]
    status: RunStatus = "running"
    changed: float = 0.0


class Entry(NamedTuple):
    """An event and when it was recorded, in seconds since 1970."""

    at: float
    event: Event


class Journal(Protocol):
    """A store of runs. What was appended to a run is never changed.

    Every method may raise `JournalFailed`, and those that read `JournalUnreadable`.
    """

    def begin(self, run: RunInfo) -> None:
        """Add a run. Its id is new."""
        ...

    def append(self, run: str, entry: Entry) -> None:
        """Add an event to a run. Returns before it is stored; a failure comes up in the next call."""
        ...

    async def stored(self) -> None:
        """Wait until all that was appended would survive the end of this process."""
        ...

    def mark(self, run: str, status: RunStatus, at: float) -> None:
        """Set a run's status, once all that was appended before is stored."""
        ...

    def runs(self) -> list[RunInfo]:
        """All runs, the newest first."""
        ...

    def entries(self, run: str) -> list[Entry]:
        """The events of a run, in order."""
        ...

    def hold(self, run: str) -> AbstractContextManager[None]:
        """Keep other processes from going on with a run. Raises `RunBusy` when another one holds it."""
        ...

    def is_held(self, run: str) -> bool:
        """Tell whether a living process holds a run."""
        ...

    def close(self) -> None:
        """Store what was appended, and let go of everything."""
        ...
