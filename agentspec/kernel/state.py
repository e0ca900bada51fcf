"""The state of a run: frames that hold values, visits of controllers, and the steps that are running."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any

from agentspec.api.events import Failure, Meta, Question, RunFinished
from agentspec.api.messages import Json
from agentspec.kernel.commands import Command
from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.work import AgentWork, LoopWork, MachineWork, MapWork, SwitchWork

_NOTHING_KNOWN = Meta(attempts=0)
"""For nodes that are settled and were not run as a step: controllers, and those that were skipped or failed."""


class Settled(IntEnum):
    """What became of a node in its frame."""

    NOT_YET = 0
    DONE = 1
    SKIPPED = 2


class Frame:
    """One running instance of a block.

    Attributes:
        values: values of settled nodes (None when skipped) and the block's own variables.
        waiting: per node, how many of those that it waits for are not settled.
        open: how many nodes are not settled.
        parent: the frame whose names are seen from here; None for the outermost one of an agent.
        visit: the visit of the controller that opened this frame; None for the outermost of the run.
        prefix: what the paths of the frame's steps begin with.
    """

    __slots__ = ("block", "metas", "open", "parent", "prefix", "settled", "values", "visit", "waiting")

    def __init__(
        self, block: PlanBlock, parent: Frame | None, visit: Visit | None, prefix: str, values: dict[str, Json]
    ) -> None:
        self.block = block
        self.parent = parent
        self.visit = visit
        self.prefix = prefix
        self.values = values
        self.waiting = list(block.waits)
        self.settled = bytearray(len(block.nodes))
        self.open = len(block.nodes)
        self.metas: dict[str, Meta] = {}

    def lookup(self, name: str) -> Any:
        """The value behind a name, here or in the blocks around. Raises KeyError."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.values:
                return frame.values[name]
            frame = frame.parent
        if name == "meta":
            return self._all_metas()
        raise KeyError(name)

    def _all_metas(self) -> dict[str, Json]:
        found = {} if self.parent is None else self.parent._all_metas()
        metas = self.metas
        for node, how in zip(self.block.nodes, self.settled, strict=True):
            if how:
                found[node.id] = metas.get(node.id, _NOTHING_KNOWN).visible()
        return found

    def path_of(self, node: PlanNode) -> str:
        """The step's address; the only node of a block without names is addressed as the block."""
        return self.block.path_of(node, self.prefix)

    def is_inside(self, owner: Visit | Frame | Running) -> bool:
        """Tell whether this frame, or one around it, is `owner` or was opened by it."""
        frame = self
        while frame is not owner:
            visit = frame.visit
            if visit is None:
                return False
            if visit is owner or (isinstance(visit, CallVisit) and visit.caller is owner):
                return True
            frame = visit.frame
        return True


class Visit:
    """One visit of a controller: where it stands, and how far it is."""

    __slots__ = ("attempt", "frame", "node", "path")

    def __init__(self, frame: Frame, node: PlanNode, attempt: int) -> None:
        self.frame = frame
        self.node = node
        self.attempt = attempt
        self.path = frame.path_of(node)


class SwitchVisit(Visit):
    """A switch has one open frame at most; there is nothing to count."""

    __slots__ = ("work",)

    def __init__(self, frame: Frame, node: PlanNode, attempt: int, work: SwitchWork) -> None:
        super().__init__(frame, node, attempt)
        self.work = work


class MapVisit(Visit):
    """`begun` items were opened, `ended` of them have their result; `failures` are by the item's index."""

    __slots__ = ("begun", "ended", "failures", "items", "results", "work")

    def __init__(self, frame: Frame, node: PlanNode, attempt: int, work: MapWork, items: list[Json]) -> None:
        super().__init__(frame, node, attempt)
        self.work = work
        self.items = items
        self.results: list[Json] = [None] * len(items)
        self.begun = 0
        self.ended = 0
        self.failures: dict[int, Failure] = {}


class LoopVisit(Visit):
    """`round` counts from 1; `previous` holds the values of the last round's nodes."""

    __slots__ = ("previous", "round", "value", "work")

    def __init__(self, frame: Frame, node: PlanNode, attempt: int, work: LoopWork) -> None:
        super().__init__(frame, node, attempt)
        self.work = work
        self.round = 0
        self.previous: dict[str, Json] = {inner.id: None for inner in work.block.nodes}
        self.value: Json = None


class MachineVisit(Visit):
    """All states share `inside`; `step` counts those that were begun, `at` is the present one's index."""

    __slots__ = ("at", "inside", "step", "work")

    def __init__(self, frame: Frame, node: PlanNode, attempt: int, work: MachineWork) -> None:
        super().__init__(frame, node, attempt)
        self.work = work
        self.step = 0
        self.at = work.start
        self.inside = Frame(work.block, frame, self, "", {inner.id: None for inner in work.block.nodes})
        # A state that is not being visited counts as settled; until its first visit, as skipped.
        self.inside.settled = bytearray([Settled.SKIPPED] * len(work.block.nodes))
        self.inside.open = 0


class AgentVisit(Visit):
    """A visit of another agent."""

    __slots__ = ("work",)

    def __init__(self, frame: Frame, node: PlanNode, attempt: int, work: AgentWork) -> None:
        super().__init__(frame, node, attempt)
        self.work = work


class CallVisit(Visit):
    """A block that a step called; `number` is the place of the call in `caller.calls`."""

    __slots__ = ("caller", "number")

    def __init__(self, caller: Running, number: int) -> None:
        super().__init__(caller.frame, caller.node, caller.attempt)
        self.caller = caller
        self.number = number


class Call:
    """A call of a block by a step. `value` and `meta`, or `failure`, are there once it is `done`."""

    __slots__ = ("done", "failure", "meta", "name", "value", "values")

    def __init__(self, name: str, values: Mapping[str, Json]) -> None:
        self.name = name
        self.values = values
        self.done = False
        self.value: Json = None
        self.meta: Meta | None = None
        self.failure: Failure | None = None


class Running:
    """A step that was started and has not answered.

    `calls` are the blocks that it called, in order; `open` of them are still going on, and `returned` are the
    numbers of those that have ended, in the order of their ends.
    """

    __slots__ = ("attempt", "calls", "frame", "node", "open", "returned")

    def __init__(self, frame: Frame, node: PlanNode, attempt: int) -> None:
        self.frame = frame
        self.node = node
        self.attempt = attempt
        self.calls: list[Call] = []
        self.returned: list[int] = []
        self.open = 0


class Paused:
    """A step that waits for a person since `asked` (seconds since 1970)."""

    __slots__ = ("asked", "question", "step")

    def __init__(self, step: Running, question: Question, asked: float) -> None:
        self.step = step
        self.question = question
        self.asked = asked

    def is_over(self, now: float) -> bool:
        """Tell whether the question's time is up."""
        timeout_s = self.question.timeout_s
        return timeout_s is not None and now >= self.asked + timeout_s


class State:
    """A run. Changed by `agentspec.kernel.advance` and by nothing else.

    Attributes:
        running: started steps by path.
        paused: steps that wait for a person, by path.
        timed: visits of controllers whose `timeout` runs, by path.
        agenda: nodes whose turn has come, by index; -1 stands for "all nodes are settled".
        problems: failures that did not end the run.
        finished: how the run ended, None while it goes on.
        commands: what the present call of `advance` gives back.
    """

    __slots__ = ("agenda", "commands", "finished", "paused", "plan", "problems", "root", "running", "timed")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.root: Frame | None = None
        self.running: dict[str, Running] = {}
        self.paused: dict[str, Paused] = {}
        self.timed: dict[str, Visit] = {}
        self.agenda: deque[tuple[Frame, int]] = deque()
        self.problems: list[Failure] = []
        self.finished: RunFinished | None = None
        self.commands: list[Command] = []

    def frames(self) -> Iterator[Frame]:
        """The frames that something still happens in, each once."""
        seen: set[int] = set()
        steps = [*self.running.values(), *(paused.step for paused in self.paused.values())]
        for frame in [self.root, *(step.frame for step in steps), *(entry[0] for entry in self.agenda)]:
            while frame is not None and id(frame) not in seen:
                seen.add(id(frame))
                yield frame
                frame = frame.visit.frame if frame.visit is not None else None
