"""What a plan must give, worked out the plain way: one node after the other, recursively, no events."""

from __future__ import annotations

from typing import Any

from agentspec.api.errors import EvaluationFailed
from agentspec.api.events import Failure
from agentspec.api.tool import Effect
from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.work import LmWork, Lookup, LoopWork, MachineWork, MapWork, SwitchWork, ToolWork

from .random_plans import Script, befores, value_of


class Failed(Exception):
    def __init__(self, kind: str | None) -> None:
        super().__init__(kind)
        self.kind = kind


class Oracle:
    """`skipped` and `started` hold paths, as far as the run came."""

    def __init__(self, plan: Plan, script: Script) -> None:
        self.plan = plan
        self.script = script
        self.skipped: set[str] = set()
        self.started: set[tuple[str, int]] = set()

    def result(self) -> tuple[str, Any]:
        """The run's status and result."""
        try:
            return "ok", self._block(self.plan.block, _nothing, "", {"inputs": {"x": 1}})
        except Failed:
            return "failed", None

    def _block(self, block: PlanBlock, outer: Lookup, prefix: str, values: dict[str, Any]) -> Any:
        def lookup(name: str) -> Any:
            return values[name] if name in values else outer(name)

        gone: set[int] = set()
        for node, names in zip(block.nodes, befores(block), strict=True):
            path = prefix[:-1] if block.single else prefix + node.id
            value, skipped = self._node(node, names, path, lookup, gone)
            values[node.id] = value
            if skipped:
                gone.add(node.index)
                self.skipped.add(path)
        return block.result(lookup)

    def _node(self, node: PlanNode, names: list[str], path: str, lookup: Lookup, gone: set[int]) -> tuple[Any, bool]:
        if gone.intersection(node.needs):
            return None, True
        attempt = 0
        while True:
            attempt += 1
            try:
                if attempt == 1 and node.when is not None and not node.when(lookup):
                    return None, True
                return self._work(node, names, path, lookup, attempt), False
            except (Failed, EvaluationFailed) as error:
                if attempt <= node.retry.times and error.kind in node.retry.on and _repeatable(node):
                    continue
                if node.on_error == "fail":
                    raise Failed(error.kind) from error
                return (None, True) if node.on_error == "skip" else (node.fallback, False)

    def _work(self, node: PlanNode, names: list[str], path: str, lookup: Lookup, attempt: int) -> Any:
        work = node.work
        match work:
            case LmWork() | ToolWork():
                self.started.add((path, attempt))
                failure: Failure | None = self.script.failure(path, attempt)
                if failure is not None:
                    raise Failed(failure.kind)
                return value_of(path, lookup, names)
            case SwitchWork():
                assert work.on is not None
                label = work.on(lookup)
                for block in work.blocks:
                    if block.label == label:
                        return self._block(block, lookup, f"{path}:{label}/", {})
                return None if work.default is None else self._block(work.default, lookup, f"{path}:default/", {})
            case MapWork():
                items = work.over(lookup)
                results = [self._item(work, lookup, path, index, item) for index, item in enumerate(items)]
                failures = [one for one in results if isinstance(one, Failed)]
                if failures and len(failures) == len(results):
                    raise failures[0]
                return [None if isinstance(one, Failed) else one for one in results]
            case LoopWork():
                return self._loop(work, lookup, path)
            case MachineWork():
                return self._machine(work, lookup, path)

    def _item(self, work: MapWork, lookup: Lookup, path: str, index: int, item: Any) -> Any:
        try:
            return self._block(work.block, lookup, f"{path}[{index}]/", {"item": item, "loop": {"index": index}})
        except Failed as failed:
            if work.keep_going:
                return failed
            raise

    def _loop(self, work: LoopWork, lookup: Lookup, path: str) -> Any:
        value, previous = None, {node.id: None for node in work.block.nodes}
        for index in range(work.most):
            values: dict[str, Any] = {"loop": {"index": index}, "previous": previous}
            if work.again is not None and not work.again(values.__getitem__):
                break
            value = self._block(work.block, lookup, f"{path}#{index + 1}/", values)
            previous = {node.id: values[node.id] for node in work.block.nodes}
            if work.until is not None and work.until(values.__getitem__):
                break
        return value

    def _machine(self, work: MachineWork, lookup: Lookup, path: str) -> Any:
        nodes, at, value = work.block.nodes, work.start, None
        values: dict[str, Any] = {node.id: None for node in nodes}

        def inside(name: str) -> Any:
            return values[name] if name in values else lookup(name)

        for step in range(work.most):
            node = nodes[at]
            values["loop"] = {"index": step}
            value, skipped = self._node(node, [], f"{path}#{step + 1}/{node.id}", inside, set())
            values[node.id] = value
            if skipped:
                self.skipped.add(f"{path}#{step + 1}/{node.id}")
            after = next(to for when, to in work.ways[at] if when is None or when(inside))
            if after is None:
                return value if work.result is None else work.result(inside)
            at = after
        raise Failed(None)


def _nothing(name: str) -> Any:
    raise KeyError(name)


def _repeatable(node: PlanNode) -> bool:
    """No tool that changes something, and may not be repeated, is in it."""
    work = node.work
    match work:
        case LmWork():
            return True
        case ToolWork():
            return work.tool.effect is Effect.READ or work.tool.idempotent
        case SwitchWork():
            blocks = [*work.blocks] if work.default is None else [*work.blocks, work.default]
        case MapWork() | LoopWork() | MachineWork():
            blocks = [work.block]
    return all(_repeatable(inner) for block in blocks for inner in block.nodes)
