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
            raise PydanticCustomError("turns", "needs `tools` and `max_turns` together: tools need a bound")
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
