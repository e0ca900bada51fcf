"""What a controller plugin implements: a coroutine that decides in code which nodes run, when and how often.

    async def best_of(children: Children, config: BestOf) -> Json:
        drafts = [await children.call("draft") for _ in range(config.n)]
        return max(drafts, key=len)

    ControllerFactory("best_of", best_of, config=BestOf)

It must be deterministic: what it does may depend on its arguments and on what its calls gave, and on nothing
else. After a restart it is run again from its beginning, and its earlier calls give what they gave.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentspec.api.backend import Options
from agentspec.api.messages import Json, Schema


class Children(Protocol):
    """The nodes of a controller in Python, as functions. Calls may be made concurrently."""

    @property
    def names(self) -> Sequence[str]:
        """The ids of the nodes, in the order of the file."""
        ...

    async def call(self, name: str, /, **args: Json) -> Json:
        """Run a node, which reads the arguments as `args`, and return its value.

        Raises `CallRefused` for an unknown name or one call too many, `CallFailed` when the node failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class ControllerFactory:
    """What `agentspec_register_controllers` returns.

    Attributes:
        name: the word behind the slash of `controller: <plugin>/<name>`.
        run: the coroutine.
        config: the model of the keys beside `controller`; expressions in them are filled in before.
        returns: schema of the value; empty when nothing is known of it.
        description: one line for `agentspec doctor` and the docs.
    """

    name: str
    run: Callable[[Children, Any], Awaitable[Json]]
    config: type[Options] = Options
    returns: Schema = field(default_factory=dict)
    description: str = ""
