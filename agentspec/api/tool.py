"""What a tool plugin implements: plain typed functions, gathered in toolsets.

    weather = Toolset("weather", "Tomorrow's weather.")

    @weather.tool(effect="read")
    def forecast(city: str) -> str:
        '''Tell what tomorrow brings.'''
        return f"Sunny in {city}."

The signature becomes the schema of the arguments, the return annotation the type of the result, the
docstring the description. A parameter annotated `ToolContext` is filled in by the runtime.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, create_model

from agentspec.api.backend import Options
from agentspec.api.controller import Children
from agentspec.api.errors import InvalidValue, PathRefused, ToolError
from agentspec.api.messages import Json, Schema
from agentspec.api.schema import closed, inline

Function = TypeVar("Function", bound=Callable[..., Any])


class Effect(StrEnum):
    """What calling a tool does to the world."""

    READ = "read"
    WRITE = "write"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool call may know about its run.

    Attributes:
        options: the toolset's validated options from the spec.
        folder: folder of the spec file; relative paths are read from there.
        outputs: folder that this run writes to; made when first used.
        inputs: files and folders that the caller handed in.
        key: idempotency key, the same for every attempt of one step.
        wrote: called with each file written, so that the run can list it.
        children: the nodes that a function of `controller: code` may call; None for tools.
    """

    options: Any
    folder: Path
    outputs: Path
    inputs: tuple[Path, ...] = ()
    key: str = ""
    wrote: Callable[[Path], None] = field(default=lambda path: None)
    children: Children | None = None

    def readable(self, path: str | Path) -> Path:
        """Resolve a path that may be read: in the agent's folder, the outputs or the inputs given.

        Raises `PathRefused` for anything else, symbolic links included.
        """
        resolved = (self.folder / path).resolve()
        if not any(resolved.is_relative_to(root.resolve()) for root in (self.folder, self.outputs, *self.inputs)):
            raise PathRefused(
                f"`{path}` lies outside the agent's folder and the inputs given",
                hint="pass the file as an input of type `path`",
            )
        return resolved

    def writable(self, path: str | Path) -> Path:
        """Resolve a file that may be written, below the run's output folder, and make its parent.

        The run lists the file when it is there at the end. Raises `PathRefused` for a path that leads out of
        that folder, or to the folder itself, and `ToolError` where the folder cannot be made.
        """
        root = self.outputs.resolve()
        resolved = (root / path).resolve()
        if resolved == root or not resolved.is_relative_to(root):
            raise PathRefused(
                f"`{path}` is no file in the run's output folder",
                hint="give a file name relative to the output folder",
            )
        try:
            resolved.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"the output folder `{resolved.parent}` cannot be made: {error.strerror}"
            raise ToolError(text, hint="choose another with --out") from error
        self.wrote(resolved)
        return resolved


@dataclass(frozen=True, slots=True)
class Tool:
    """One function as the checker, a model and the runtime see it.

    Attributes:
        parameters: schema of the arguments, a closed object.
        returns: schema of the result; empty when the function does not say.
        idempotent: whether repeating the call with the same key does no harm.
        call: validates the arguments, runs the function, and gives its result as plain JSON data.
    """

    name: str
    description: str
    parameters: Schema
    returns: Schema
    effect: Effect
    idempotent: bool
    call: Callable[[Mapping[str, Json], ToolContext], Awaitable[Json]]


class Toolset:
    """A named group of tools that a spec binds under `tools:`."""

    def __init__(self, name: str, description: str = "", *, options: type[Options] = Options) -> None:
        self.name = name
        self.description = description
        self.options = options
        self.tools: dict[str, Tool] = {}
        self.controllers: dict[str, Tool] = {}

    def tool(
        self, *, effect: Effect | str, name: str | None = None, idempotent: bool = False
    ) -> Callable[[Function], Function]:
        """Add the decorated function, plain or `async`; plain ones run in a thread."""

        def add(function: Function) -> Function:
            made = _tool(function, name or function.__name__, Effect(effect), idempotent)
            self.tools[made.name] = made
            return function

        return add

    def controller(self, *, name: str | None = None) -> Callable[[Function], Function]:
        """Add the decorated coroutine for `controller: code`; a parameter annotated `Children` is filled in.

        See `agentspec.api.controller` for what it may do.
        """

        def add(function: Function) -> Function:
            if not inspect.iscoroutinefunction(function):
                raise TypeError(f"controller `{name or function.__name__}` must be an `async` function")
            made = _tool(function, name or function.__name__, Effect.READ, idempotent=False)
            self.controllers[made.name] = made
            return function

        return add


def _tool(function: Callable[..., Any], name: str, effect: Effect, idempotent: bool) -> Tool:
    hints = get_type_hints(function, include_extras=True)
    result = TypeAdapter(hints.pop("return", Any))
    fields: dict[str, Any] = {}
    context_name: str | None = None
    children_name: str | None = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"tool `{name}`: parameter `{parameter.name}` must be a plain named one")
        if hints.get(parameter.name) is ToolContext:
            context_name = parameter.name
            continue
        if hints.get(parameter.name) is Children:
            children_name = parameter.name
            continue
        default = Field() if parameter.default is parameter.empty else Field(default=parameter.default)
        fields[parameter.name] = (hints.get(parameter.name, Any), default)
    arguments_model = create_model(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)

    async def call(arguments: Mapping[str, Json], context: ToolContext) -> Json:
        try:
            checked = arguments_model.model_validate(arguments)
        except ValidationError as error:
            raise InvalidValue(f"`{name}` does not take these arguments: {_problems(error)}") from error
        values = {key: getattr(checked, key) for key in fields}
        if context_name is not None:
            values[context_name] = context
        if children_name is not None:
            values[children_name] = context.children
        if inspect.iscoroutinefunction(function):
            answer = await function(**values)
        else:
            import asyncio  # not at the top: a spec is checked without it

            answer = await asyncio.to_thread(function, **values)
        try:
            return result.dump_python(result.validate_python(answer), mode="json")
        except ValidationError as error:
            raise InvalidValue(f"`{name}` returned something else than it declares: {_problems(error)}") from error

    return Tool(
        name=name,
        description=inspect.cleandoc(function.__doc__ or "").split("\n\n")[0],
        parameters=inline(arguments_model.model_json_schema()),
        returns=closed(inline(result.json_schema(mode="serialization"))),
        effect=effect,
        idempotent=idempotent,
        call=call,
    )


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"`{'.'.join(str(step) for step in problem['loc']) or 'value'}`: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    )
