"""What nodes do, compiled: one class for each kind of work.

Three kinds: leaves (LmWork, ToolWork, TurnWork, ApproveWork), rules that the kernel applies from data alone, and
callers: coroutines that call blocks and are otherwise steps like leaves. Expressions are functions of a `Lookup`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from agentspec.api.messages import Json, Role, Schema
from agentspec.api.tool import Tool, ToolContext
from agentspec.plan.paths import case_path

if TYPE_CHECKING:
    from agentspec.plan.model import Plan, PlanBlock

Lookup = Callable[[str], Any]
"""Gives the value behind a name; raises KeyError for one that is not in scope."""

Compiled = Callable[[Lookup], Any]
"""An expression or a value with expressions in it; raises `EvaluationFailed`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Generation settings of an LM node; None leaves the model's own."""

    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """Ask `n` times and pick one answer.

    Attributes:
        judge: key of the model that picks the best, for `pick: best`.
        check: condition over `output` and `confidence` (0 where unknown), for `pick: first_valid`.
    """

    n: int
    pick: Literal["majority", "best", "first_valid"]
    judge: str = ""
    check: Compiled | None = None


@dataclass(frozen=True, slots=True)
class Grounding:
    """What grounded parts of an answer are taken from.

    Attributes:
        sources: the values that each `from` of the type names; under the empty name, all that the prompt reads.
        reference: the value that says when the texts were written, for dates without a year.
    """

    sources: Mapping[str, tuple[tuple[str | int, ...], ...]]
    reference: tuple[str | int, ...] | None = None


@dataclass(frozen=True, slots=True)
class LmWork:
    """Ask a model for one answer.

    Attributes:
        output: the schema of the answer, None for free text.
        most_bytes: how long all messages together can get, in UTF-8; None when that is not known.
    """

    model: str
    messages: tuple[tuple[Role, Compiled], ...]
    output: Schema | None
    repair: int
    settings: Settings
    sampling: Sampling | None = None
    most_bytes: int | None = None
    grounding: Grounding | None = None


@dataclass(frozen=True, slots=True)
class ToolWork:
    """Call a tool of the toolset bound as `toolset`."""

    toolset: str
    tool: Tool
    arguments: Compiled


@dataclass(frozen=True, slots=True)
class SwitchWork:
    """Run one of the blocks: the one labelled like `on`, or the first whose condition holds, or the default."""

    on: Compiled | None
    conditions: tuple[Compiled, ...]
    blocks: tuple[PlanBlock, ...]
    default: PlanBlock | None


@dataclass(frozen=True, slots=True)
class MapWork:
    """Run the block for each item of `over`, at most `concurrency` at a time.

    Attributes:
        item: an item's type.
        written: `over` as the spec has it.
        items: the type of the list.
    """

    over: Compiled
    variable: str
    concurrency: int
    keep_going: bool
    block: PlanBlock
    item: Schema = field(default_factory=dict)
    written: str = ""
    items: Schema = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoopWork:
    """Run the block until `until` holds, or while `again` holds, at most `most` rounds."""

    until: Compiled | None
    again: Compiled | None
    most: int
    block: PlanBlock


@dataclass(frozen=True, slots=True)
class MachineWork:
    """Run one node of the block after the other, beginning at index `start`, at most `most` of them.

    Attributes:
        ways: per node, where to go on: condition (None: always) and index of the next node (None: the end).
        result: the machine's value; None means that of the last node.
    """

    start: int
    most: int
    block: PlanBlock
    ways: tuple[tuple[tuple[Compiled | None, int | None], ...], ...]
    result: Compiled | None = None


@dataclass(frozen=True, slots=True)
class AgentWork:
    """Run another agent with the given inputs. It sees nothing of the blocks around this node."""

    plan: Plan
    arguments: Compiled


@dataclass(frozen=True, slots=True)
class ApproveWork:
    """Ask a person to choose.

    Attributes:
        show: what the person is shown.
        timeout_s: how long the question stays open; then the answer is `on_timeout`, or the node fails.
        by: who is asked, in the words of the spec.
    """

    show: Compiled
    choices: tuple[str, ...]
    timeout_s: float | None = None
    on_timeout: str | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool, or an agent, that a model may call.

    Attributes:
        name: as the spec says it, `mail.search`.
        wire: the name that models see: letters, digits, `_` and `-`.
        parameters: schema of the arguments, a closed object.
        returns: schema of the result.
        block: the one node that runs the call; it reads its arguments as `args`.
    """

    name: str
    wire: str
    description: str
    parameters: Schema
    returns: Schema
    block: PlanBlock


@dataclass(frozen=True, slots=True)
class TurnWork:
    """One turn of a model that may call tools; the conversation so far is read as `turns`.

    Attributes:
        offers: what the model may call.
        accepts: what is taken for an answer, where that is more than `output` asks for: the caller checks the rest.
    """

    model: str
    output: Schema | None
    repair: int
    settings: Settings
    offers: tuple[Offer, ...]
    accepts: Schema | None = None
    grounding: Grounding | None = None


@dataclass(frozen=True, slots=True)
class AgencyWork:
    """A model that calls tools until it answers, at most `max_turns` turns. `turn` is the block of a TurnWork."""

    messages: tuple[tuple[Role, Compiled], ...]
    max_turns: int
    turn: PlanBlock
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class PlanningWork:
    """Have a model write a plan as data, check it, have it approved if so wished, and run it.

    Attributes:
        goal: what the plan is for.
        draft: the block that asks the model; it reads the conversation as `turns`.
        approval: the block that asks a person, or None; it reads the plan as `args`.
        most: how many steps a plan may have.
        replan: how many times a failed plan is written anew.
    """

    goal: Compiled
    draft: PlanBlock
    approval: PlanBlock | None
    offers: tuple[Offer, ...]
    most: int
    replan: int


@dataclass(frozen=True, slots=True)
class FreeWork:
    """Run a coroutine that calls the blocks as it likes.

    Attributes:
        kind: `code`, or `<plugin>/<name>`.
        toolset: key of the toolset whose options the coroutine sees; empty for a plugin's controller.
        call: takes the arguments and a context whose `children` are the blocks.
        blocks: by the name of their node; they read their arguments as `args`.
        max_calls: how many calls are allowed; None means any number.
    """

    kind: str
    toolset: str
    call: Callable[[Mapping[str, Json], ToolContext], Awaitable[Json]]
    arguments: Compiled
    blocks: Mapping[str, PlanBlock]
    max_calls: int | None = None


Rule = SwitchWork | MapWork | LoopWork | MachineWork | AgentWork
"""What the kernel does by itself, from data alone."""

Caller = AgencyWork | PlanningWork | FreeWork
"""Steps that call blocks while they run."""

Work = LmWork | ToolWork | TurnWork | ApproveWork | Rule | Caller


def callees(work: Caller) -> dict[str, PlanBlock]:
    """The blocks that a caller may call, by name. A plan that is run is made when it is known."""
    if isinstance(work, FreeWork):
        return dict(work.blocks)
    blocks = {offer.name: offer.block for offer in work.offers}
    if isinstance(work, AgencyWork):
        return {"lm": work.turn, **blocks}
    approval = {} if work.approval is None else {"approve": work.approval}
    return {"lm": work.draft, **approval, **blocks}


def inner_blocks(work: Work) -> list[tuple[str, PlanBlock]]:
    """The blocks inside a node, with what their paths add to the node's: `:case`, `/callee` or nothing."""
    if isinstance(work, SwitchWork):
        blocks = (*work.blocks, *(() if work.default is None else (work.default,)))
        return [(case_path(block.label), block) for block in blocks]
    if isinstance(work, MapWork | LoopWork | MachineWork):
        return [("", work.block)]
    if isinstance(work, AgentWork):
        return [("", work.plan.block)]
    if isinstance(work, Caller):
        return [(f"/{name}", block) for name, block in callees(work).items()]
    return []
