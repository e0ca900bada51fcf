"""CPU time of checking a spec, per node, at two sizes: it should not depend on the size.

    python benchmarks/check_scaling.py [--small 1000] [--large 10000] [--repeats 3] [--profile SHAPE] [--json]

Four shapes: nodes that stand side by side, a chain, blocks inside blocks, and one map with many nodes; prompts,
types and references as people write them. Measured is everything that `agentspec check` does with the text: YAML,
shape, references, types, order. Files of 10,000 nodes are larger than the loader allows; its caps are lifted here,
and `fits` says how many nodes of each shape stay within them. Ends with 1 when a node costs more than 1.2 times as
much at the large size. The same ratio without Python's garbage collector tells what is due to it.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import pstats
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

BOUND = 1.2
HEAD = """\
agentspec: 1
name: large
inputs: {company: string, words: [string]}
types:
  Part: {title: string, tags: [string], urgent: boolean, due: date | null}
models: {small: fake/echo, large: {use: fake/echo, confidence: 0.9}}
"""


def flat(count: int) -> str:
    """Nodes that read inputs only, and a result that reads them all."""
    nodes = "".join(
        f'  part_{i}: {{lm: small, prompt: "Part {i} for ${{{{ inputs.company }}}}, soon.", output: Part}}\n'
        for i in range(count)
    )
    return f"{HEAD}nodes:\n{nodes}result: [{_listed(f'part_{i}.title' for i in range(count))}]\n"


def chain(count: int) -> str:
    """Each node reads the one before, through a filter."""
    nodes = '  part_0: {lm: small, prompt: "First for ${{ inputs.company }}.", output: Part}\n' + "".join(
        f'  part_{i}: {{lm: small, prompt: "After ${{{{ part_{i - 1}.title | upper }}}}.", output: Part}}\n'
        for i in range(1, count)
    )
    return f"{HEAD}nodes:\n{nodes}result: ${{{{ part_{count - 1}.title }}}}\n"


def nested(count: int) -> str:
    """Maps with a loop inside, four nodes each, as many as give `count` nodes in all."""
    blocks = "".join(
        f"""\
  each_{i}:
    controller: map
    over: inputs.words
    as: word
    nodes:
      improve:
        controller: loop
        max: 3
        until: review.urgent
        nodes:
          draft: {{lm: large, prompt: "On ${{{{ word }}}} for ${{{{ inputs.company }}}}."}}
          review: {{lm: small, prompt: "Good? ${{{{ draft }}}}", output: Part}}
        result: ${{{{ draft }}}}
"""
        for i in range(count // 4)
    )
    return f"{HEAD}nodes:\n{blocks}result: [{_listed(f'each_{i}' for i in range(count // 4))}]\n"


def wide_map(count: int) -> str:
    """One map whose block holds all nodes; each reads the item and a node ten places before."""
    before = [f"part_{i - 10}.title" if i > 9 else "word" for i in range(count)]
    nodes = "".join(
        f'      part_{i}: {{lm: small, prompt: "On ${{{{ word }}}} and ${{{{ {before[i]} }}}}.", output: Part}}\n'
        for i in range(count)
    )
    result = f"    result: [{_listed(f'part_{i}.title' for i in range(max(0, count - 10), count))}]\n"
    return (
        f"{HEAD}nodes:\n  each:\n    controller: map\n    over: inputs.words\n    as: word\n    nodes:\n{nodes}{result}"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"${{{{ {name} }}}}"' for name in names)


SHAPES: dict[str, Callable[[int], str]] = {"flat": flat, "chain": chain, "nested": nested, "wide map": wide_map}


def check_text(text: str) -> None:
    """Parse and check a text that has to be without problems."""
    from agentspec.plan import check
    from agentspec.registry import Registry
    from agentspec.spec.diagnostics import render_all
    from agentspec.spec.parse import parse_text

    found = check(parse_text(text), Registry()).diagnostics
    assert not found, render_all(found[:3])


def cpu_s(text: str, collect: bool) -> float:
    """CPU seconds of one check, with the garbage collector as it is or resting."""
    gc.collect()
    (gc.enable if collect else gc.disable)()
    start = time.process_time()
    try:
        check_text(text)
        return time.process_time() - start
    finally:
        gc.enable()


def best(
    shape: Callable[[int], str], sizes: tuple[int, int], repeats: int, collect: bool = True
) -> tuple[float, float]:
    """CPU seconds per node at both sizes: the best of interleaved repeats."""
    texts = [shape(size) for size in sizes]
    times = [[cpu_s(text, collect) for text in texts] for _ in range(repeats)]
    small, large = (min(column) / size for column, size in zip(zip(*times, strict=True), sizes, strict=True))
    return small, large


def lift_caps() -> tuple[int, int]:
    """Let the loader take files of any size here; return its caps: bytes and values."""
    from agentspec.spec.text import loader, nodes

    caps = loader.MAX_BYTES, nodes.MAX_NODES
    loader.MAX_BYTES = 10**9
    loader.MAX_NODES = nodes.MAX_NODES = 10**9
    return caps


def fitting(shape: Callable[[int], str], caps: tuple[int, int]) -> int:
    """How many nodes of a shape stay within the caps, to the hundred."""
    from agentspec.spec.source import Source
    from agentspec.spec.text.loader import _compose

    def values(node: object) -> int:
        inside = getattr(node, "value", "")
        if isinstance(inside, str):
            return 1
        return 1 + sum(sum(map(values, item)) if isinstance(item, tuple) else values(item) for item in inside)

    text = shape(1_000)
    most = min(caps[0] / len(text), caps[1] / values(_compose(Source("large", text))))
    return int(most * 10) * 100


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--profile", choices=SHAPES)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    caps = lift_caps()
    if options.profile:
        text = SHAPES[options.profile](options.large)
        profile = cProfile.Profile()
        profile.runcall(check_text, text)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return 0
    rows = []
    check_text(flat(100))
    for name, shape in SHAPES.items():
        small, large = best(shape, (options.small, options.large), options.repeats)
        quiet_small, quiet_large = best(shape, (options.small, options.large), options.repeats, collect=False)
        rows.append((name, fitting(shape, caps), small * 1e6, large * 1e6, quiet_large / quiet_small, large / small))
    passed = all(row[-1] <= BOUND for row in rows)
    if options.json:
        keys = ("shape", "fits", "small_us", "large_us", "ratio_no_collector", "ratio")
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in rows]))
        return 0 if passed else 1
    print(f"caps of the loader: {caps[0]:,} bytes, {caps[1]:,} values")
    columns = (
        f"{f'µs/node at {options.small:,}':>20} {f'at {options.large:,}':>10} {'ratio, no collector':>20} {'ratio':>6}"
    )
    print(f"{'shape':10} {'fits':>7} {columns}")
    for name, fits, small, large, quiet, ratio in rows:
        verdict = "PASS" if ratio <= BOUND else "FAIL"
        print(f"{name:10} {fits:7,} {small:20.0f} {large:10.0f} {quiet:20.2f} {ratio:6.2f}  {verdict}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
