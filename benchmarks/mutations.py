"""How many single mistakes in good specs the checker sees on their line.

    python benchmarks/mutations.py [--count 2000] [--seed 1] [--all]

Each mistake is one random change of a key, a name, a type or a value in one of the specs of `tests/corpus/good`;
what may be changed is said in `tests/corpus/places.py`. Failures are grouped by kind; `--all` lists every one.
Ends with 1 below 95 %.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
BOUND = 0.95
SHOWN = 3


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "corpus" / "plugin")]

    from agentspec.registry import Registry
    from tests.corpus.expected import good_specs
    from tests.corpus.mutate import judge, mutations

    registry = Registry()
    verdicts = [judge(one, registry) for one in mutations(good_specs(), options.count, options.seed)]
    made = Counter(one.mutation.kind for one in verdicts)
    missed = [one for one in verdicts if not one.seen]
    print(f"{'kind':20} {'made':>6} {'seen':>6} {'share':>7}")
    for kind, count in made.most_common():
        here = [one for one in missed if one.mutation.kind == kind]
        print(f"{kind:20} {count:6} {count - len(here):6} {1 - len(here) / count:7.1%}")
        for one in here if options.all else here[:SHOWN]:
            said = f"said at {sorted(one.lines)}" if one.lines else "nothing said"
            print(f"    {one.mutation}  ({said})")
    share = 1 - len(missed) / len(verdicts)
    print(f"{'all':20} {len(verdicts):6} {len(verdicts) - len(missed):6} {share:7.1%}")
    elsewhere = sum(bool(one.lines) for one in missed)
    print(f"of those missed, {elsewhere} are reported on another line only")
    print("PASS" if share >= BOUND else "FAIL", f"at least {BOUND:.0%} on the line of the mistake")
    return 0 if share >= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
