"""What people call the work of a node: its letter in trajectories and the name behind it."""

from __future__ import annotations

from typing import Literal

from agentspec.plan.work import (
    AgencyWork,
    AgentWork,
    ApproveWork,
    FreeWork,
    LmWork,
    LoopWork,
    MachineWork,
    MapWork,
    PlanningWork,
    SwitchWork,
    ToolWork,
    TurnWork,
    Work,
)

Letter = Literal["LM", "T", "C"]

_WORDS: dict[type, str] = {
    SwitchWork: "switch",
    MapWork: "map",
    LoopWork: "loop",
    MachineWork: "machine",
    PlanningWork: "plan",
    ApproveWork: "approve",
}


def letter_and_name(work: Work) -> tuple[Letter, str]:
    """`LM` and the model, `T` and the tool, or `C` and the controller's word in the spec."""
    if isinstance(work, LmWork | TurnWork):
        return "LM", work.model
    if isinstance(work, AgencyWork):
        turn = work.turn.nodes[0].work
        assert isinstance(turn, TurnWork)
        return "LM", turn.model
    if isinstance(work, ToolWork):
        return "T", f"{work.toolset}.{work.tool.name}"
    if isinstance(work, AgentWork):
        return "C", f"agent {work.plan.name}"
    if isinstance(work, FreeWork):
        return "C", work.kind
    return "C", _WORDS[type(work)]
