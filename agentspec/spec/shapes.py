"""The shapes that pydantic holds each mapping of a spec to: which keys, and roughly which values.

Expressions, types and names are still plain data here; `agentspec.plan` gives them meaning.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

_DURATION = re.compile(r"(?=\d)(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")


def _seconds(value: Any) -> float:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("duration", "a duration is written like `30s`, `5m` or `1h30m`")
    hours, minutes, seconds, millis = match.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds) + int(millis) / 1000


def _number(value: Any) -> Any:
    return float(value) if type(value) is int else value


Duration = Annotated[float, BeforeValidator(_seconds)]
"""Seconds, written `500ms`, `30s`, `5m`, `1h30m`."""

Number = Annotated[float, BeforeValidator(_number), Field(ge=0)]
"""A number that is not negative, whole or not."""

Bare = str | bool | int | float
"""A field that always holds an expression, bare or wrapped in `${{ }}`."""

Words = str | list[str]


class Shape(BaseModel):
    """Base of all shapes: unknown keys are errors, values are not converted.

    `later` names the keys that the language has and this release does not run.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    later: ClassVar[frozenset[str]] = frozenset()


class Retry(Shape):
    """How a failed step is tried again. `times` counts the tries after the first."""

    times: Annotated[int, Field(ge=0, le=20)] = 2
    wait: Duration = 1.0
    backoff: Annotated[Number, Field(ge=1, le=10)] = 2.0
    on: list[Literal["timeout", "rate_limit", "unavailable", "invalid"]] = Field(
        default=["timeout", "rate_limit", "unavailable"]
    )


class OnErrorValue(Shape):
    """`on_error: {value: …}`: the value that stands in for a failed step's."""

    value: Any


def _retry(value: Any) -> Any:
    return {"times": value} if type(value) is int else value


class NodeShape(Shape):
    """What every node takes."""

    description: str = ""
    when: Bare | None = None
    after: Words = Field(default_factory=list)
    timeout: Duration | None = None
    retry: Annotated[Retry, BeforeValidator(_retry)] = Retry(times=0)
    on_error: Literal["fail", "skip"] | OnErrorValue = "fail"
    cache: bool = False


class FileText(Shape):
    """A text kept in its own file, named relative to the spec."""

    file: str


class Turn(Shape):
    """One entry of `messages:`."""

    role: Literal["system", "user", "assistant"]
    content: str


class Example(Shape):
    """One entry of `examples:`: what was asked, and the answer that was right."""

    input: str
    output: Any


class Sample(Shape):
    """`sample:`: the model is asked `n` times, and one answer is picked."""

    n: Annotated[int, Field(ge=2, le=100)]
    pick: Literal["majority", "best", "first_valid"]
    judge: str | None = None
    check: Bare | None = None

    @model_validator(mode="after")
    def _matching(self) -> Sample:
        if (self.pick == "best") != (self.judge is not None):
            raise PydanticCustomError("sample", "`judge` names the model that picks the best, with `pick: best`")
        if (self.pick == "first_valid") != (self.check is not None):
            raise PydanticCustomError("sample", "`check` is the condition of `pick: first_valid`")
        return self


class LmShape(NodeShape):
    """An `lm:` node; its generation settings override those of the model."""

    later = NodeShape.later | {"memory"}
    lm: str
    system: str | FileText | None = None
    prompt: str | FileText | None = None
    messages: list[Turn] | None = None
    output: Any = None
    examples: list[Example] = Field(default_factory=list)
    tools: Words = Field(default_factory=list)
    max_turns: Annotated[int, Field(ge=2, le=1000)] | None = None
    sample: Sample | None = None
    repair: Annotated[int, Field(ge=0, le=5)] = 1
    temperature: Annotated[Number, Field(le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: Words = Field(default_factory=list)
    seed: int | None = None

    @model_validator(mode="after")
    def _one_prompt(self) -> LmShape:
        if (self.prompt is None) == (self.messages is None):
            raise PydanticCustomError("one_prompt", "an LM node has either `prompt` or `messages`")
        if bool(self.tools) != (self.max_turns is not None):
            raise PydanticCustomError("turns", "`tools` and `max_turns` go together: a model with tools needs a bound")
        if self.tools and self.sample is not None:
            raise PydanticCustomError(
                "sampled_tools", "`sample` and `tools` exclude each other: tools would run n times"
            )
        return self


class ToolShape(NodeShape):
    """A `tool:` node."""

    tool: str
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class BlockShape(Shape):
    """Nodes and what they give together; `nodes` itself is parsed by the walker."""

    nodes: dict[str, Any]
    result: Any = None
    output: Any = None


class CaseShape(Shape):
    """A case of a switch that is more than one node; without `nodes` it only gives a value."""

    nodes: dict[str, Any] = Field(default_factory=dict)
    result: Any = None
    output: Any = None


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
Member = str | dict[str, Any]
"""A model inside another: its name, `<backend>/<model>`, or a mapping as under `models:`."""


class PriceShape(Shape):
    """What a model costs in USD: per million tokens in and out, per second of a call, or both."""

    in_: Number | None = Field(default=None, alias="in")
    out: Number | None = None
    per_second: Number | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> PriceShape:
        if (self.in_ is None) != (self.out is None) or (self.in_ is None and self.per_second is None):
            raise PydanticCustomError("price", "a price has `in` and `out`, or `per_second`, or all three")
        return self


class ModelShape(Shape):
    """What every model takes, whatever its backend; the backend's own options stand beside it."""

    use: str
    concurrency: Annotated[int, Field(ge=1)] | None = None
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    price: PriceShape | None = None


class CascadeShape(Shape):
    """Ask one model after the other; the first answer for which `accept` holds wins."""

    cascade: Annotated[list[Member], Field(min_length=2)]
    accept: Bare


class FallbackShape(Shape):
    """Ask the next model when one fails."""

    fallback: Annotated[list[Member], Field(min_length=2)]


class Way(Shape):
    """One entry of `route:`; without `when` it is taken whenever it is reached."""

    when: Bare | None = None
    use: Member


class RouteShape(Shape):
    """Choose the model by what is asked."""

    route: Annotated[list[Way], Field(min_length=1)]


class SplitShape(Shape):
    """Choose the model by chance, once for each run; the numbers are shares."""

    split: Annotated[dict[str, Annotated[Number, Field(gt=0)]], Field(min_length=2)]


class ShadowShape(Shape):
    """`shadow` answers; `with` is asked, too, and its answer is only recorded."""

    shadow: Member
    with_: Member = Field(alias="with")


Composite = CascadeShape | FallbackShape | RouteShape | SplitShape | ShadowShape
COMPOSITES: dict[str, type[Composite]] = {
    "cascade": CascadeShape,
    "fallback": FallbackShape,
    "route": RouteShape,
    "split": SplitShape,
    "shadow": ShadowShape,
}
"""Models that are made of others, by the key that tells them."""


class Limits(Shape):
    """What a run may use. None means no limit."""

    usd: Number | None = None
    lm_calls: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    wall: Duration | None = None


class Profile(Shape):
    """Bindings that `--profile` puts in place of those of the file."""

    models: dict[str, Any] = Field(default_factory=dict)


class Case(Shape):
    """One entry of `tests:`."""

    name: str
    inputs: dict[str, Any] = Field(default_factory=dict)
    expect: Bare | list[str]


class SpecShape(Shape):
    """The top of a file."""

    extends: Words = Field(default_factory=list)
    include: Words = Field(default_factory=list)
    agentspec: Literal[1]
    name: str
    description: str = ""
    inputs: dict[str, Any] = Field(default_factory=dict)
    types: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, Any] = Field(default_factory=dict)
    tools: dict[str, Any] = Field(default_factory=dict)
    limits: Limits = Limits()
    allow_unreviewed: Words = Field(default_factory=list)
    nodes: dict[str, Any]
    result: Any = None
    output: Any = None
    profiles: dict[str, Profile] = Field(default_factory=dict)
    tests: list[Case] = Field(default_factory=list)
