"""Values of an agent as far as text from outside can come with them, and what is done with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentspec.api.messages import Schema
from agentspec.plan.model import PlanNode
from agentspec.plan.typing.kinds import as_schema, kind, options, values_of
from agentspec.plan.work import AgentWork, ToolWork

_CLOSED_FORMATS = frozenset({"date", "date-time", "time", "uuid"})


@dataclass(slots=True, eq=False)
class Value:
    """A value of an agent: that of a node, of an input, of a variable.

    Attributes:
        label: how it is shown in a path.
        source: whether text from outside comes in here.
        made_of: the values whose text goes into it.
        choices: the approvals whose choice it is, or tells.
        shown: of an approval: what the person sees.
    """

    label: str
    schema: Schema
    node: PlanNode | None = None
    source: bool = False
    input: str = ""
    made_of: list[Value] = field(default_factory=list)
    choices: list[Value] = field(default_factory=list)
    shown: list[Value] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Decision:
    """What decides whether something runs.

    Attributes:
        label: the node that decides.
        texts: values of free text that it decides by.
        approvals: the approvals of which one, at least, was asked.
    """

    label: str
    texts: tuple[Value, ...]
    approvals: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A place where something outside is changed, or an agent is called that may do so.

    Attributes:
        label: the path of the node.
        given: by parameter, the values whose text goes into the call.
        decisions: what decides whether it runs, outermost first.
        model: the value of the node whose model decides to call it, and with what; None when code does.
    """

    label: str
    node: PlanNode
    work: ToolWork | AgentWork
    given: Mapping[str, list[Value]]
    decisions: tuple[Decision, ...]
    model: Value | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the value of a block is made of: values of free text, and approvals whose choice it tells."""

    texts: list[Value]
    choices: list[Value]


def is_closed(schema: Schema) -> bool:
    """Tell whether no value of a type can hold free text."""
    return all(_is_closed(option) for option in options(schema))


def _is_closed(option: Schema) -> bool:
    if values_of(option) is not None:
        return True
    match kind(option):
        case "boolean" | "integer" | "number":
            return True
        case "string":
            return option.get("format") in _CLOSED_FORMATS
        case "array":
            if not option.get("maxItems", 1):
                return True
            return "items" in option and is_closed(as_schema(option["items"])) and "prefixItems" not in option
        case "object":
            parts = option.get("properties", {}).values()
            return option.get("additionalProperties", True) is False and all(is_closed(as_schema(one)) for one in parts)
        case _:
            return False
