"""Feeds hostile inputs to the loader, and what loads to the parser and the checker.

    python -m tests.fuzz.loader [--count 100000] [--seed 1] [--cpu 1.0]

For every input there is a spec, or a `SpecInvalid` with at least one message that can be shown, and never another
exception. Loading takes at most a second of CPU, whatever the file; loading and checking a second and another for
every 100 kB, since a file within the caps may well hold 10,000 nodes. Memory stays within what the caps allow for.
Ends with 1 and the input itself (`fuzz-SEED-NUMBER.yaml` in the current folder) when one of them does otherwise.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from agentspec.api.errors import PluginMissing
from agentspec.plan import check
from agentspec.registry import Registry
from agentspec.spec.diagnostics import SpecInvalid, render_all
from agentspec.spec.parse import parse
from agentspec.spec.text.loader import load, read

from ..corpus.expected import PLUGIN, good_specs
from .inputs import inputs

MEMORY_MB = 700
"""How much more memory the process may take than before the first input; the largest file alone takes 300."""
_OURS = frozenset({"fake", "desk"})


class Few(Registry):
    """Finds the plugins that the specs use and no other, so that a name by chance imports nothing."""

    def _load(self, namespace: str, what: str) -> object:  # type: ignore[override]
        if namespace not in _OURS:
            raise PluginMissing(f"no plugin `{namespace}` is installed")
        return super()._load(namespace, what)


@dataclass
class Crash:
    """Inputs that end in the same place: how many, and the shortest with its number, kind and traceback."""

    count: int
    content: bytes
    number: int
    kind: str
    trace: str


@dataclass
class Report:
    """What became of the inputs.

    Attributes:
        outcomes: how many ended how: not loaded, no spec, wrong, good.
        slowest: CPU seconds, number and kind of the slowest input.
        slowest_load: the same for loading alone.
        slow: the same of every input that took too long.
        crashed: by place in the source, how many inputs ended otherwise, and the shortest of them.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int, str] = (0.0, 0, "")
    slowest_load: tuple[float, int, str] = (0.0, 0, "")
    slow: list[tuple[float, int, str]] = field(default_factory=list)
    crashed: dict[str, Crash] = field(default_factory=dict)
    memory_mb: float = 0.0
    cpu_s: float = 0.0


def run(count: int, seed: int, folder: Path, most_cpu_s: float = 1.0) -> Report:
    """Feed `count` inputs; files are written to `folder`."""
    report = Report()
    specs = [path.read_bytes() for path in good_specs() if path.stat().st_size < 4_000]
    (folder / "prompts").mkdir(exist_ok=True)
    (folder / "prompts" / "tone.md").write_text("Be kind to ${{ inputs.text }}.", encoding="utf-8")
    catalogue = Few()
    before = _memory_mb()
    begin = time.process_time()
    for number, (kind, content) in enumerate(inputs(count, seed, specs)):
        start = time.process_time()
        try:
            outcome, loaded = feed(content, folder / "agent.yaml", catalogue)
        except Exception as error:  # any is a failure
            _keep(report.crashed, error, content, number, kind)
            outcome, loaded = "crashed", start
        cpu_s, load_s = time.process_time() - start, loaded - start
        report.outcomes[outcome] += 1
        report.slowest = max(report.slowest, (cpu_s, number, kind))
        report.slowest_load = max(report.slowest_load, (load_s, number, kind))
        if load_s > most_cpu_s or cpu_s > most_cpu_s * (1 + len(content) / 100_000):
            report.slow.append((cpu_s, number, kind))
    report.cpu_s = time.process_time() - begin
    report.memory_mb = _memory_mb() - before
    return report


def _keep(crashed: dict[str, Crash], error: Exception, content: bytes, number: int, kind: str) -> None:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
    trace = "".join(traceback.format_exception(error, limit=-4))
    known = crashed.setdefault(place, Crash(0, content, number, kind, trace))
    known.count += 1
    if len(content) < len(known.content):
        known.content, known.number, known.kind, known.trace = content, number, kind, trace


def feed(content: bytes, path: Path, catalogue: Registry) -> tuple[str, float]:
    """Load, parse and check one input; say how far it came, and at what CPU time it was loaded."""
    path.write_bytes(content)
    stage, loaded = "not loaded", 0.0
    try:
        document = load(read(path))
        loaded, stage = time.process_time(), "no spec"
        found = check(parse(document, path.parent), catalogue).diagnostics
    except SpecInvalid as error:
        found, refused = error.diagnostics, True
    else:
        stage, refused = "wrong" if found else "good", False
    loaded = loaded or time.process_time()
    assert found or not refused, "a refusal without a reason"
    shown = render_all(found)
    assert all(char == "\n" or char.isprintable() for char in shown), "not safe to print"
    return stage, loaded


def _memory_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Run by hand."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cpu", type=float, default=1.0, help="seconds of CPU that one input may take")
    options = parser.parse_args()
    sys.path.insert(0, str(PLUGIN))
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = run(options.count, options.seed, Path(folder), options.cpu)
    shares = ", ".join(f"{name} {count:,}" for name, count in report.outcomes.most_common())
    print(f"{options.count:,} inputs in {time.perf_counter() - start:.0f} s, {report.cpu_s:.0f} s of CPU: {shares}")
    print(f"slowest: {report.slowest[0]:.2f} s of CPU, input {report.slowest[1]} ({report.slowest[2]})")
    load_s, number, kind = report.slowest_load
    print(f"slowest to load: {load_s:.2f} s of CPU, input {number} ({kind})")
    print(f"memory: {report.memory_mb:.0f} MB more at the peak, {MEMORY_MB} allowed")
    for cpu_s, number, kind in report.slow:
        print(f"too slow: {cpu_s:.2f} s of CPU, input {number} ({kind})")
    for place, crash in report.crashed.items():
        name = f"fuzz-{options.seed}-{crash.number}.yaml"
        Path(name).write_bytes(crash.content)
        print(f"{crash.count} times {place}; the shortest, {crash.kind}, is kept as {name}:\n{crash.trace}")
    good = not report.crashed and not report.slow and report.memory_mb <= MEMORY_MB
    print("PASS" if good else f"FAIL: {len(report.crashed)} kinds of crashes, {len(report.slow)} too slow")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
