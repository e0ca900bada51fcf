"""A run as a pure state machine: events in, commands out.

advance      the machine          controllers  switch, map, loop, machine, agent
steps        opening and settling state        what there is to change
commands     what it asks for     calls        blocks that steps call
invariants   what must always hold
"""

from agentspec.kernel.advance import InvalidTransition, advance, is_stalled, new_state
from agentspec.kernel.commands import (
    Announce,
    CancelStep,
    Command,
    FinishRun,
    PauseRun,
    ReturnCall,
    StartStep,
    StartTimer,
    StopTimer,
)
from agentspec.kernel.state import State

__all__ = [
    "Announce",
    "CancelStep",
    "Command",
    "FinishRun",
    "InvalidTransition",
    "PauseRun",
    "ReturnCall",
    "StartStep",
    "StartTimer",
    "State",
    "StopTimer",
    "advance",
    "is_stalled",
    "new_state",
]
