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

    later = frozenset({"cache"})
    description: str = ""
    when: Bare | None = None
    after: Words = Field(default=[])
    timeout: Duration | None = None
    retry: Annotated[Retry, BeforeValidator(_retry)] = Retry(times=0)
    on_error: Literal["fail", "skip"] | OnErrorValue = "fail"


class FileText(Shape):
    """A text kept in its own file, named relative to the spec."""

    file: str


class Turn(Shape):
    """One entry of `messages:`."""

    role: Literal["system", "user", "assistant"]
    content: str


class LmShape(NodeShape):
    """An `lm:` node; its generation settings override those of the model."""

    later = NodeShape.later | {"tools", "max_turns", "sample", "memory", "examples"}
    lm: str
    system: str | FileText | None = None
    prompt: str | FileText | None = None
    messages: list[Turn] | None = None
    output: Any = None
    repair: Annotated[int, Field(ge=0, le=5)] = 1
    temperature: Annotated[Number, Field(le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: Words = Field(default=[])
    seed: int | None = None

    @model_validator(mode="after")
    def _one_prompt(self) -> LmShape:
        if (self.prompt is None) == (self.messages is None):
            raise PydanticCustomError("one_prompt", "an LM node has either `prompt` or `messages`")
        return self


class ToolShape(NodeShape):
    """A `tool:` node."""

    tool: str
    with_: dict[str, Any] = Field(default={}, alias="with")


class BlockShape(Shape):
    """Nodes and what they give together; `nodes` itself is parsed by the walker."""

    nodes: dict[str, Any]
    result: Any = None
    output: Any = None


class CaseShape(Shape):
    """A case of a switch that is more than one node; without `nodes` it only gives a value."""

    nodes: dict[str, Any] = Field(default={})
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


Controller = SwitchShape | MapShape | LoopShape
CONTROLLERS: dict[str, type[SwitchShape] | type[MapShape] | type[LoopShape]] = {
    "switch": SwitchShape,
    "map": MapShape,
    "loop": LoopShape,
}
LATER_CONTROLLERS = frozenset({"machine", "plan", "approve", "agent", "code"})
COMPOSITES = frozenset({"cascade", "fallback", "route", "split", "shadow"})


class Limits(Shape):
    """What a run may use. None means no limit."""

    usd: Number | None = None
    lm_calls: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    wall: Duration | None = None


class Profile(Shape):
    """Bindings that `--profile` puts in place of those of the file."""

    models: dict[str, Any] = Field(default={})


class Case(Shape):
    """One entry of `tests:`."""

    name: str
    inputs: dict[str, Any] = Field(default={})
    expect: Bare | list[str]


class SpecShape(Shape):
    """The top of a file."""

    later = frozenset({"extends", "include", "allow_unreviewed"})
    agentspec: Literal[1]
    name: str
    description: str = ""
    inputs: dict[str, Any] = Field(default={})
    types: dict[str, Any] = Field(default={})
    models: dict[str, Any] = Field(default={})
    tools: dict[str, Any] = Field(default={})
    limits: Limits = Limits()
    nodes: dict[str, Any]
    result: Any = None
    output: Any = None
    profiles: dict[str, Profile] = Field(default={})
    tests: list[Case] = Field(default=[])
