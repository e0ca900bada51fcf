"""LangGraph on the shapes of `scheduler.py`, in a process and a virtual environment of its own.

Reads one line of JSON, `{shape: [predecessors of each node]}`, then names of shapes, one per line; answers each
with the CPU seconds that running it once took. Graphs are compiled before, and are not part of the figure.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from importlib.metadata import version
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph  # type: ignore[import-not-found,unused-ignore]


class State(TypedDict):
    """The least that a graph can have: a number, which only the loop counts up."""

    rounds: int


async def nothing(state: State) -> dict[str, Any]:
    return {}


async def count(state: State) -> dict[str, Any]:
    return {"rounds": state["rounds"] + 1}


def graph(before: list[list[int]]) -> Any:
    builder = StateGraph(State)
    for index in range(len(before)):
        builder.add_node(f"n{index}", nothing)
    waited_for = {other for others in before for other in others}
    for index, others in enumerate(before):
        if len(others) > 1:
            builder.add_edge([f"n{other}" for other in others], f"n{index}")
        else:
            builder.add_edge(f"n{others[0]}" if others else START, f"n{index}")
        if index not in waited_for:
            builder.add_edge(f"n{index}", END)
    return builder.compile()


def loop(rounds: int) -> Any:
    builder = StateGraph(State)
    builder.add_node("n0", count)
    builder.add_edge(START, "n0")
    builder.add_conditional_edges("n0", lambda state: "n0" if state["rounds"] < rounds else END, ["n0", END])
    return builder.compile()


async def cpu_s(compiled: Any, runs: int) -> float:
    config = {"recursion_limit": 10_000}
    started = time.process_time()
    await asyncio.gather(*(compiled.ainvoke({"rounds": 0}, config) for _ in range(runs)))
    return time.process_time() - started


def main() -> None:
    job = json.loads(sys.stdin.readline())
    compiled = {name: loop(one["rounds"]) if one["rounds"] else graph(one["before"]) for name, one in job.items()}
    print(version("langgraph"), flush=True)
    for line in sys.stdin:
        name = line.strip()
        gc.collect()
        print(asyncio.run(cpu_s(compiled[name], job[name]["runs"])), flush=True)


if __name__ == "__main__":
    main()
