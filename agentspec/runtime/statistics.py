"""What the recorded runs of a project say about its models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from agentspec.api.events import CallAnswered, Event, ModelEscalated, StepSucceeded
from agentspec.api.journal import Journal
from agentspec.plan.paths import general
from agentspec.runtime.usage import ModelUse


class Asked(NamedTuple):
    """Who was asked: the agent, the path of the node without indices, and `<backend>/<model>`."""

    agent: str
    node: str
    model: str


def model_uses(journal: Journal, agent: str | None = None) -> dict[Asked, ModelUse]:
    """What each model was asked at each node, over all runs, or those of one agent. Raises `JournalUnreadable`."""
    found: dict[Asked, ModelUse] = {}
    for run in journal.runs():
        if agent in (None, run.agent):
            gather(found, run.agent, (entry.event for entry in journal.entries(run.id)))
    return dict(sorted(found.items()))


def gather(found: dict[Asked, ModelUse], agent: str, events: Iterable[Event]) -> None:
    """Add what happened in a run. Calls of steps that were cut off and ran again were made, and count."""
    for event in events:
        if isinstance(event, CallAnswered):
            _at(found, agent, event.path, event.model).answered(event)
        elif isinstance(event, ModelEscalated) and Asked(agent, general(event.path), event.uses) in found:
            _at(found, agent, event.path, event.uses).escalated += 1
        elif isinstance(event, StepSucceeded) and event.meta.calls and event.meta.model is not None:
            _at(found, agent, event.path, event.meta.model).was_taken(event.meta)


def _at(found: dict[Asked, ModelUse], agent: str, path: str, model: str) -> ModelUse:
    return found.setdefault(Asked(agent, general(path), model), ModelUse())
