"""The shapes of controllers: which keys each of them takes, and roughly which values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from agentspec.spec.shapes import Bare, BlockShape, FileText, NodeShape, Shape, Words


class SwitchShape(NodeShape):
    """`controller: switch`: either `on` with named cases, or a list of cases with `when`."""

    controller: Literal["switch"]
    on: Bare | None = None
    cases: dict[str, Any] | list[dict[str, Any]]
    default: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _matching(self) -> SwitchShape:
        if isinstance(self.cases, dict) != (self.on is not None):
            raise PydanticCustomError("switch", "`on` goes with named cases; in a list each case has `when`")
        return self


class MapShape(NodeShape, BlockShape):
    """`controller: map`: the block once for each item of a list."""

    controller: Literal["map"]
    over: str
    as_: str = Field(default="item", alias="as")
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 8
    keep_going: bool = False


class LoopShape(NodeShape, BlockShape):
    """`controller: loop`: the block again and again, at most `max` times."""

    controller: Literal["loop"]
    until: Bare | None = None
    while_: Bare | None = Field(default=None, alias="while")
    max: Annotated[int, Field(ge=1, le=1_000_000)]

    @model_validator(mode="after")
    def _one_condition(self) -> LoopShape:
        if self.until is not None and self.while_ is not None:
            raise PydanticCustomError("loop", "a loop has `until` or `while`, not both")
        return self


class Transition(Shape):
    """One way on from a state of a machine; without `when` it is taken whenever it is reached."""

    when: Bare | None = None
    to: str


class MachineShape(NodeShape, BlockShape):
    """`controller: machine`: one node after the other, as `next` says; control returns after every step."""

    controller: Literal["machine"]
    start: str
    max_steps: Annotated[int, Field(ge=1, le=1_000_000)]
    next: dict[str, str | list[Transition]]


class PlanShape(NodeShape):
    """`controller: plan`: a model writes a plan as data, which is checked and then run."""

    controller: Literal["plan"]
    lm: str
    goal: str | FileText
    tools: Words
    max_steps: Annotated[int, Field(ge=1, le=1000)]
    replan: Annotated[int, Field(ge=0, le=20)] = 1
    approve: bool = False
    repair: Annotated[int, Field(ge=0, le=5)] = 1


class ApproveShape(NodeShape):
    """`controller: approve`: the run waits for a person's choice."""

    controller: Literal["approve"]
    show: Any
    choices: Annotated[list[str], Field(min_length=1)] = Field(default=["approve", "reject"])
    on_timeout: str | None = None
    by: str = ""


class AgentShape(NodeShape):
    """`controller: agent`: another spec file, called like a function."""

    controller: Literal["agent"]
    spec: str
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class FreeShape(NodeShape):
    """What controllers in Python take: nodes that they may call, and how often at most."""

    nodes: dict[str, Any] = Field(default_factory=dict)
    max_calls: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class CodeShape(FreeShape):
    """`controller: code`: a coroutine of a toolset that gets the nodes as callables."""

    controller: Literal["code"]
    call: str
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class PluginShape(FreeShape):
    """`controller: <plugin>/<name>`; `config` holds the keys that the plugin's own model reads."""

    controller: str
    config: dict[str, Any] = Field(default_factory=dict)


Controller = (
    SwitchShape | MapShape | LoopShape | MachineShape | PlanShape | ApproveShape | AgentShape | CodeShape | PluginShape
)
CONTROLLERS: dict[str, type[Controller]] = {
    "switch": SwitchShape,
    "map": MapShape,
    "loop": LoopShape,
    "machine": MachineShape,
    "plan": PlanShape,
    "approve": ApproveShape,
    "agent": AgentShape,
    "code": CodeShape,
}
