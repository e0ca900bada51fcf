"""`python -m tests.hostile.run --count 100000`: what comes of so many hostile answers."""

from __future__ import annotations

import argparse
import sys

from .play import play


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    played = play(chosen.count, chosen.seed)
    total, runs = sum(played.answers.values()), sum(played.ends.values())
    print(f"{total} answers in {runs} runs, {played.seconds:.0f} s, slowest run {played.slowest:.2f} s")
    print("answers: ", ", ".join(f"{kind} {count}" for kind, count in sorted(played.answers.items())))
    print("ends:    ", ", ".join(f"{code} {count}" for code, count in played.ends.most_common()))
    print("judged:  ", ", ".join(f"{where} {count}" for where, count in played.judge.seen.most_common()))
    print(f"wrong:    {len(played.judge.wrong)}; tasks left: {played.tasks_left}")
    for line in played.judge.wrong[:40]:
        print("  ", line)
    return 1 if played.judge.wrong or played.tasks_left else 0


if __name__ == "__main__":
    sys.exit(main())
