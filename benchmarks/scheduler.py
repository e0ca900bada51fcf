"""What running a node costs: our scheduler, bare asyncio tasks and, with --langgraph, LangGraph.

    python benchmarks/scheduler.py [--langgraph] [--json] [--repeats N]

Every node does nothing, the journal is off, plans and graphs are compiled outside the measured part. Figures
are CPU microseconds per node (`time.process_time`), medians over repeats; the repeats of all shapes and peers
are interleaved, so that a busy moment of the machine hits all of them alike. Garbage is collected before each.

Bare asyncio is the least that a program without any framework does: one task per node. In a chain each task is
created and awaited in turn; elsewhere each node is a task that awaits the tasks of its predecessors.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from scheduler_shapes import SHAPES, SIZE, Before, Shape, chain, layered

from agentspec.api.events import Meta
from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.work import LmWork, LoopWork, Settings, Work
from agentspec.runtime.driver import Driver
from agentspec.spec.shapes import Limits, Retry
from agentspec.spec.source import Source, Span

MOST_TIMES_BARE = 2.0
LEAST_TIMES_BELOW_LANGGRAPH = 15.0
MOST_ABOVE_MEDIAN = 1.5
"""How much dearer a node may be at the dearest size than at the median one."""

SIZES = (10, 100, 1_000, 10_000, 100_000)
META = Meta()
Measured = Callable[[], Awaitable[Any]]


def block(before: Before, work: Work | None = None) -> PlanBlock:
    """A compiled block, as the plan floor makes it."""
    after: list[list[int]] = [[] for _ in before]
    for index, others in enumerate(before):
        for other in others:
            after[other].append(index)
    kind: Any = "lm" if work is None else "controller"
    work = work or LmWork("m", (), None, 0, Settings())
    retry, source, span = Retry(times=0), Source("", ""), Span(1, 1, 1, 1)
    nodes = tuple(
        PlanNode(i, f"n{i}", kind, work, (), tuple(after[i]), None, retry, None, "fail", None, source, span)
        for i in range(len(before))
    )
    waits = tuple(len(others) for others in before)
    starts = tuple(index for index, count in enumerate(waits) if not count)
    return PlanBlock("", nodes, waits, starts, lambda lookup: None, {})


def plan(root: PlanBlock) -> Plan:
    """A plan of one block."""
    return Plan("benchmark", "", Path(), Source("", ""), (), {}, {}, Limits(), root)


async def execute(command: Any, call: Any) -> tuple[Any, Meta]:
    """The step that does nothing."""
    return None, META


def ours(shape: Shape) -> Measured:
    """Our scheduler on one shape."""
    root = block(shape.before)
    if shape.rounds:
        root = block([()], LoopWork(None, None, shape.rounds, root))
    compiled = plan(root)
    if shape.runs == 1:
        return lambda: Driver(compiled, execute).run({})
    return lambda: asyncio.gather(*(Driver(compiled, execute).run({}) for _ in range(shape.runs)))


async def node(before: Sequence[asyncio.Task[None]] = ()) -> None:
    """A bare node: awaits its predecessors, then does nothing."""
    for task in before:
        await task


def bare(shape: Shape) -> Measured:
    """One asyncio task per node, and nothing else."""

    async def in_turn() -> None:
        for _ in range(shape.nodes):
            await asyncio.create_task(node())

    async def graph() -> None:
        tasks: list[asyncio.Task[None]] = []
        for others in shape.before:
            tasks.append(asyncio.create_task(node([tasks[other] for other in others])))
        for task in tasks:
            await task

    if shape.rounds or shape.before == chain(len(shape.before)):
        return in_turn
    if shape.runs == 1:
        return graph
    return lambda: asyncio.gather(*(graph() for _ in range(shape.runs)))


def cpu_us(measured: Measured, count: int) -> float:
    """CPU microseconds per node of one go."""

    async def go() -> float:
        started = time.process_time()
        await measured()
        return time.process_time() - started

    gc.collect()
    return asyncio.run(go()) / count * 1e6


def growing(repeats: int) -> dict[int, float]:
    """CPU microseconds per node of graphs of growing size: chains up to 100 nodes, then layers."""
    plans = {size: plan(block(layered(size) if size >= SIZE else chain(size))) for size in SIZES}
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(repeats):
        for size, compiled in plans.items():
            runs = max(1, 10_000 // size)
            times[size].append(cpu_us(partial(in_turn, compiled, runs), runs * size))
    return {size: statistics.median(values) for size, values in times.items()}


async def in_turn(compiled: Plan, runs: int) -> None:
    """Run a plan so many times."""
    for _ in range(runs):
        await Driver(compiled, execute).run({})


class LangGraph:
    """The peer, installed for the occasion."""

    def __init__(self, folder: Path) -> None:
        print("installing langgraph ...", file=sys.stderr)
        venv.create(folder, with_pip=True)
        python = str(folder / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "langgraph"], check=True, stdout=sys.stderr)
        script = Path(__file__).with_name("scheduler_langgraph.py")
        self.process = subprocess.Popen([python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version = self.ask(json.dumps({name: shape._asdict() for name, shape in SHAPES.items()}))

    def ask(self, line: str) -> str:
        """Send a line, return the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(line, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def cpu_us(self, name: str) -> float:
        """CPU microseconds per node of one go."""
        return float(self.ask(name)) / SHAPES[name].nodes * 1e6

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def compare(repeats: int, peer: LangGraph | None) -> dict[str, dict[str, float]]:
    """Medians per shape and competitor."""
    subjects = {name: (ours(shape), bare(shape)) for name, shape in SHAPES.items()}
    times: dict[str, dict[str, list[float]]] = {name: {"agentspec": [], "asyncio": []} for name in SHAPES}
    for repeat in range(repeats):
        for name, (our, plain) in subjects.items():
            times[name]["agentspec"].append(cpu_us(our, SHAPES[name].nodes))
            times[name]["asyncio"].append(cpu_us(plain, SHAPES[name].nodes))
            if peer is not None and repeat % 5 == 0:  # it takes long, and varies little
                times[name].setdefault("langgraph", []).append(peer.cpu_us(name))
    return {name: {who: statistics.median(one) for who, one in row.items()} for name, row in times.items()}


def bounds(medians: dict[str, dict[str, float]], sizes: dict[int, float]) -> dict[str, bool]:
    """What must hold, and whether it does."""
    found = {}
    for name, row in medians.items():
        times = row["agentspec"] / row["asyncio"]
        found[f"{name}: {times:.2f} times bare asyncio, at most {MOST_TIMES_BARE:g}"] = times <= MOST_TIMES_BARE
        if "langgraph" in row:
            below = row["langgraph"] / row["agentspec"]
            text = f"{name}: {below:.0f} times below LangGraph, at least {LEAST_TIMES_BELOW_LANGGRAPH:g}"
            found[text] = below >= LEAST_TIMES_BELOW_LANGGRAPH
    above = max(sizes.values()) / statistics.median(sizes.values())
    text = f"10 to 100,000 nodes: the dearest size {above:.2f} times the median one, at most {MOST_ABOVE_MEDIAN:g}"
    found[text] = above <= MOST_ABOVE_MEDIAN
    return found


def table(title: str, rows: dict[str, dict[str, float]]) -> list[str]:
    """Lines of a table of figures."""
    columns = next(iter(rows.values()))
    head = f"{title:24}" + "".join(f"{name:>12}" for name in columns)
    return [head, *(f"{name:24}" + "".join(f"{row[key]:12.2f}" for key in columns) for name, row in rows.items())]


def main() -> int:
    """Measure, print, and return 1 when a bound does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--langgraph", action="store_true", help="install LangGraph in a temporary folder, too")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        peer = LangGraph(Path(folder)) if options.langgraph else None
        medians = compare(options.repeats, peer)
        if peer is not None:
            peer.close()
    sizes = growing(max(3, options.repeats // 2))
    held = bounds(medians, sizes)
    if options.json:
        version = peer.version if peer is not None else None
        report = {"cpu_us_per_node": medians, "by_size": sizes, "langgraph": version, "bounds": held}
        print(json.dumps(report, indent=2))
    else:
        print(*table("CPU us per node", medians), "", sep="\n")
        print(*table("nodes", {"agentspec": {f"{size:,}": value for size, value in sizes.items()}}), "", sep="\n")
        for text, holds in held.items():
            print(f"{'PASS' if holds else 'FAIL'}  {text}")
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
