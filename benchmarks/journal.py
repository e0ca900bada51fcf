"""What recording a run costs: chains of steps that do nothing, with and without a journal.

    python benchmarks/journal.py [--json] [--steps N] [--repeats N]

Figures are CPU microseconds per step (`time.process_time`, so the writing thread counts, too), medians over
repeats with and without interleaved. A step is two events: its start and its end. In the second pair each step
waits for the event loop once, as one that calls somebody does, so there is less to be written at a time. Opening
the file is a cost per run, and told by itself. `kb_per_step` is the file for steps whose value has 1 KB.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scheduler import block, plan
from scheduler_shapes import chain

from agentspec.api.events import Meta
from agentspec.api.journal import RunInfo
from agentspec.journal import SqliteJournal
from agentspec.models.secrets import Masker
from agentspec.runtime.driver import Driver
from agentspec.runtime.recording import Recording

MOST_US = 40.0
MOST_KB_PER_STEP = 2.0
META = Meta(0.9, "fake/echo", 0.0, 500, 50, 1, 1, 0.1, "constrained")


def measure(steps: int, file: Path | None, execute: Callable[..., Any]) -> tuple[float, float]:
    """CPU seconds for one run, and for opening the journal."""
    made = plan(block(chain(steps)))
    gc.collect()
    began = time.process_time()
    journal = None if file is None else SqliteJournal(file)
    if journal is not None:
        journal.begin(RunInfo(f"run-{time.monotonic_ns()}", "chain", "chain.yaml", time.time(), {}))
    opened = time.process_time()
    recording = None
    if journal is not None:
        recording = Recording(journal, journal.runs()[0].id, Masker(()), time.time)
    note = None if recording is None else recording.note
    asyncio.run(Driver(made, execute, note, recording).run({}))
    if recording is not None:
        recording.end("ok")
    ended = time.process_time()
    if journal is not None:
        journal.close()
    return ended - opened, opened - began


async def nothing(command: Any, call: Any) -> tuple[Any, Meta]:
    return None, META


async def waits(command: Any, call: Any) -> tuple[Any, Meta]:
    await asyncio.sleep(0)
    return None, META


async def kilobyte(command: Any, call: Any) -> tuple[Any, Meta]:
    return "x" * 1024, META


def compare(steps: int, repeats: int, execute: Callable[..., Any], folder: Path) -> dict[str, float]:
    without, recorded, opening = [], [], []
    for number in range(repeats):
        without.append(measure(steps, None, execute)[0])
        spent, opened = measure(steps, folder / str(number) / "runs.db", execute)
        recorded.append(spent)
        opening.append(opened)
    per_step = 1e6 / steps
    return {
        "without_us": statistics.median(without) * per_step,
        "with_us": statistics.median(recorded) * per_step,
        "journal_us": (statistics.median(recorded) - statistics.median(without)) * per_step,
        "open_ms": statistics.median(opening) * 1e3,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {
            "quick steps": compare(options.steps, options.repeats, nothing, folder / "quick"),
            "steps that wait": compare(options.steps, options.repeats, waits, folder / "wait"),
        }
        large = folder / "large" / "runs.db"
        measure(1_000, large, kilobyte)
        size = large.stat().st_size / 1024 / 1_000
    if options.json:
        print(json.dumps({"cpu_us_per_step": found, "kb_per_step": size}, indent=2))
    else:
        for what, row in found.items():
            print(f"{what:16} {row['without_us']:7.1f} us without, {row['with_us']:7.1f} with:", end=" ")
            print(f"{row['journal_us']:.1f} us for the journal, {row['open_ms']:.1f} ms to open it")
        print(f"{size:.2f} KB per step with 1 KB of value")
    dear = [what for what, row in found.items() if row["journal_us"] > MOST_US]
    for what in dear:
        print(f"too dear: {what}, more than {MOST_US} us", file=sys.stderr)
    return 1 if dear or size > MOST_KB_PER_STEP else 0


if __name__ == "__main__":
    sys.exit(main())
