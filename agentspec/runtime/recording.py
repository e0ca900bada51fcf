"""Records one run in a journal, as it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import get_args

from agentspec.api.errors import JournalFailed, JournalUnreadable
from agentspec.api.events import (
    ControllerEntered,
    ControllerLeft,
    Event,
    StepSkipped,
    StepStarted,
    TextStreamed,
)
from agentspec.api.journal import Entry, Journal, RunStatus
from agentspec.api.messages import Json
from agentspec.kernel.advance import Stimulus
from agentspec.models.secrets import Masker
from agentspec.plan.model import PlanBlock
from agentspec.plan.work import ApproveWork

_TAKEN_IN = tuple(kind for kind in get_args(Stimulus) if kind is not StepStarted)
_DERIVED = (StepSkipped, ControllerEntered, ControllerLeft)
"""What the kernel says again when it takes in the same events."""
_NOT_NOTED = (*_TAKEN_IN, *_DERIVED, TextStreamed)


class Recording:
    """What is recorded of a run. A journal that fails while the run goes on is written no more.

    Attributes:
        failure: why the rest of the run is not recorded.
    """

    def __init__(self, journal: Journal, run: str, masker: Masker, now: Callable[[], float]) -> None:
        self.failure: JournalFailed | JournalUnreadable | None = None
        self._journal = journal
        self._run = run
        self._masker = masker
        self._now = now

    def note(self, event: Event) -> None:
        """Record what observers hear and the kernel does not: starts and calls, what the run used, how it ended."""
        if not isinstance(event, _NOT_NOTED):
            self._add(event)

    def append(self, event: Stimulus) -> None:
        """Record what the kernel is about to take in."""
        self._add(event)

    async def stored(self) -> None:
        """Wait until all is stored. Raises `JournalFailed` when it is not."""
        if self.failure is not None:
            raise self.failure
        await self._journal.stored()

    def as_recorded(self, data: Mapping[str, Json]) -> Json:
        """What data looks like when it is read from the journal."""
        return json.loads(json.dumps(self._masker.data(data)))

    def end(self, status: RunStatus) -> None:
        """Say how the run ended, for now or for good."""
        try:
            self._journal.mark(self._run, status, self._now())
        except (JournalFailed, JournalUnreadable) as error:
            self.failure = self.failure or error

    def _add(self, event: Event) -> None:
        if self.failure is None:
            try:
                self._journal.append(self._run, Entry(self._now(), self._masker.data(event)))
            except (JournalFailed, JournalUnreadable) as error:
                self.failure = error


def can_pause(block: PlanBlock) -> bool:
    """Tell whether a person may be asked anywhere in a block."""
    return any(isinstance(node.work, ApproveWork) for _, node in block.all_nodes())
