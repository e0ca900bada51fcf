"""The tree of an agent's nodes with what has become of each, live on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from agentspec.api.events import (
    BlockCalled,
    CallAnswered,
    CallDelayed,
    ControllerEntered,
    ControllerLeft,
    Event,
    RunFinished,
    RunPaused,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    TextStreamed,
)
from agentspec.cli.render.errors import printable
from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.names import letter_and_name
from agentspec.plan.paths import general
from agentspec.plan.steps import STEPS
from agentspec.plan.work import Caller, PlanningWork, inner_blocks

_MARKS = {
    "ok": ("✓ ", "green"),
    "failed": ("✗ ", "red"),
    "cancelled": ("■ ", "yellow"),
    "paused": ("‖ ", "yellow"),
}
_COLOURS = {"LM": "cyan", "T": "magenta", "C": "yellow"}


@dataclass(slots=True)
class _Count:
    """How often a node was started, and how that went."""

    running: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    of: int = 0
    text: str = ""


class LiveTree:
    """An observer that shows the run on `console`; without a terminal it shows the tree once, at the end."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._counts: dict[str, _Count] = {}
        self._plans: dict[str, list[tuple[str, str]]] = {}
        self._status = ""
        # Drawn by rich's own timer: events only count, so a fast run is not slowed down by its picture.
        self._live = Live(console=console, get_renderable=self.tree, refresh_per_second=8, transient=True)

    def __enter__(self) -> LiveTree:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()
        self._console.print(self.tree())

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Leave the screen to somebody else for a while."""
        self._live.stop()
        try:
            yield
        finally:
            if self._console.is_terminal:
                self._live.start()

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, RunFinished | RunPaused):
            self._status = event.status if isinstance(event, RunFinished) else "paused"
            for count in self._counts.values():
                count.running = 0
            return
        if isinstance(event, BlockCalled) and event.name == STEPS and STEPS in event.values:
            self._plans[general(event.path)] = [(step["id"], step["tool"]) for step in event.values[STEPS]]
        path = getattr(event, "path", None)
        if path is None:
            return
        count = self._counts.setdefault(general(path), _Count())
        match event:
            case StepStarted(kind="lm" | "tool"):
                count.running += 1
            case StepSucceeded():
                count.running -= 1
                count.done += 1
                count.text = ""
            case StepFailed():
                count.running = max(count.running - 1, 0)  # a controller that took too long was never started
                count.failed += 1
            case StepSkipped():
                count.skipped += 1
            case ControllerEntered(controller="map", choice=items):
                count.of += int(items)
            case ControllerLeft():
                count.done += 1
            case CallDelayed(reason=reason):
                count.text = f"waits: {reason}"
            case CallAnswered():
                count.text = ""
            case TextStreamed(text=text):
                count.text = (count.text + text)[-60:]
            case _:
                pass

    def tree(self) -> Tree:
        """The tree as it stands."""
        mark, style = _MARKS.get(self._status, ("", ""))
        root = Tree(Text.assemble((mark, style), (self._plan.name, "bold")), guide_style="dim")
        self._grow(root, self._plan.block, "")
        return root

    def _grow(self, tree: Tree, block: PlanBlock, prefix: str) -> None:
        for node in block.nodes:
            path = block.path_of(node, prefix)
            branch = tree.add(self._line(node, path))
            for label, inner in inner_blocks(node.work):
                if isinstance(node.work, Caller) and not self._was_called(f"{path}{label}"):
                    continue
                inside = branch if not inner.label or inner.single else branch.add(Text(inner.label, style="italic"))
                self._grow(inside, inner, f"{path}{label}/")
            if isinstance(node.work, PlanningWork):
                self._grow_plan(branch, node.work, path)

    def _grow_plan(self, branch: Tree, work: PlanningWork, path: str) -> None:
        """Add the steps of the plan that was run last."""
        blocks = {offer.name: offer.block for offer in work.offers}
        for step, tool in self._plans.get(path, ()):
            block = blocks[tool]
            named = replace(block, nodes=(replace(block.nodes[0], id=step),))
            self._grow(branch, named, f"{path}/{STEPS}/{step}/")

    def _was_called(self, path: str) -> bool:
        """Tell whether a block that may be called has been: those that were not would only be in the way."""
        return path in self._counts or any(known.startswith(f"{path}/") for known in self._counts)

    def _line(self, node: PlanNode, path: str) -> Text:
        count = self._counts.get(path, _Count())
        line = Text(node.id)
        letter, name = letter_and_name(node.work)
        colour = _COLOURS[letter]
        line.append(f"  {letter} ", f"bold {colour}").append(name, colour)
        self._append_counts(line, node, path, count)
        if count.text:
            line.append(f"  {printable(count.text).replace(chr(10), ' ')}", "dim")
        return line

    def _append_counts(self, line: Text, node: PlanNode, path: str, count: _Count) -> None:
        if count.of:
            line.append(f"  {self._items_done(node, path)}/{count.of}", "green")
        elif count.done:
            line.append(f"  ✓{f' {count.done}' if count.done > 1 else ''}", "green")
        if count.running:
            line.append(f"  … {count.running if count.running > 1 else ''}", "yellow")
        if count.failed:
            line.append(f"  ✗ {count.failed}", "red")
        if count.skipped:
            line.append(f"  – {count.skipped} skipped", "dim")

    def _items_done(self, node: PlanNode, path: str) -> int:
        """How many items of a map are through: as many as its least advanced last node."""
        [(_, block)] = inner_blocks(node.work)
        ends = [one for one in block.nodes if not one.successors]
        counts = [self._counts.get(f"{path}/{one.id}", _Count()) for one in ends]
        return min(count.done + count.skipped for count in counts)
