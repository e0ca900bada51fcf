"""How well the inbox agent sorts the mailbox that ships with it, and what that costs.

    python benchmarks/inbox.py [--bind small=MODEL] [--json]

The sample was written by hand, apart from the model's training data, and has labels beside it: this is not a
held-out split of the training generator but mail as the model never saw it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

AGENT = Path(__file__).parents[1] / "agents" / "inbox"
SURE = 0.8
"""The agent's own threshold: below it nothing is drafted and a person looks at the mail."""


def run_agent(bind: str | None) -> tuple[dict[str, Any], float]:
    """Run the agent in an empty folder; return what `run --json` prints and the CPU seconds it took."""
    words = [] if bind is None else ["--bind", bind]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "agentspec", "run", str(AGENT), "--offline", "--json", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(done.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(messages: list[dict[str, Any]], labels: list[dict[str, Any]]) -> dict[str, Any]:
    """Shares of right answers: over all mails, and over those that the model was sure of."""
    pairs = list(zip(messages, labels, strict=True))
    sure = [(given, label) for given, label in pairs if given["confidence"] >= SURE]
    return {"mails": len(pairs), "all": shares(pairs), "sure": shares(sure) | {"share": len(sure) / len(pairs)}}


def shares(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, float]:
    """The share of right answers per field, and of mails with all three right."""
    fields = ("category", "reply_needed", "due")
    right = {field: sum(given[field] == label[field] for given, label in pairs) for field in fields}
    exact = sum(all(given[field] == label[field] for field in fields) for given, label in pairs)
    return {name: count / max(len(pairs), 1) for name, count in (*right.items(), ("exact", exact))}


def main() -> int:
    """Run, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bind", metavar="NAME=MODEL")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    data, cpu_s = run_agent(options.bind)
    lines = (AGENT / "samples" / "week.labels.jsonl").read_text(encoding="utf-8").splitlines()
    figures = compare(data["result"]["messages"], [json.loads(line) for line in lines])
    usage = data["usage"]
    figures |= {"cpu_s": cpu_s, "seconds": usage["seconds"], "lm_calls": usage["lm_calls"], "usd": usage["usd"]}
    if options.json:
        print(json.dumps(figures, indent=2))
        return 0
    for name in ("all", "sure"):
        part = figures[name]
        head = f"all {figures['mails']}" if name == "all" else f"sure (>= {SURE}), {part['share']:.0%} of them"
        shown = ", ".join(f"{field} {part[field]:.1%}" for field in ("exact", "category", "reply_needed", "due"))
        print(f"{head:28} {shown}")
    print(f"{usage['lm_calls']} calls, {usage['seconds']:.1f} s, {cpu_s:.1f} CPU s with start-up, ${usage['usd']:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
