"""The same small task in both modes of agency: calls, tokens, cost and time side by side.

    python benchmarks/diagrams.py [--profile local | --profile cloud] [--bind small=MODEL] [--json]

Without a profile both agents play recorded answers: then calls and trajectories are those of a model, tokens are
words, and time is that of the tools alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

AGENTS = Path(__file__).parents[1] / "agents" / "diagrams"
MODES = {"language-model agency": "lm_agency.yaml", "code agency": "code_agency.yaml"}


def run_agent(file: str, words: Sequence[str]) -> dict[str, Any]:
    """Run one of the agents in an empty folder; return what `run --json` prints."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "agentspec", "run", str(AGENTS / file), "--json", *words]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout:
        raise SystemExit(done.returncode)
    data: dict[str, Any] = json.loads(done.stdout)
    return data


def figures(data: dict[str, Any]) -> dict[str, Any]:
    """What is compared of a run."""
    usage = data["usage"]
    tools = sum(row["steps"] + row["failed"] for row in usage["nodes"] if row["kind"] == "T")
    return {
        "status": data["status"],
        "LM calls": usage["lm_calls"],
        "tool calls": tools,
        "tokens in": usage["tokens_in"],
        "tokens out": usage["tokens_out"],
        "USD": usage["usd"],
        "seconds": usage["seconds"],
        "trajectory": " ".join(data["trajectory"]),
    }


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Figures below each other, modes side by side."""
    wide = max(len(name) for name in next(iter(rows.values())))
    lines = [" " * wide + "".join(f"  {mode:<36}" for mode in rows)]
    for name in next(iter(rows.values())):
        values = ("unknown" if row[name] is None else str(row[name]) for row in rows.values())
        lines.append(f"{name:<{wide}}" + "".join(f"  {value:<36}" for value in values))
    return "\n".join(line.rstrip() for line in lines)


def main() -> int:
    """Run both, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--profile", choices=["local", "cloud"])
    parser.add_argument("--bind", metavar="small=MODEL")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    words = [f"--{name}={value}" for name in ("profile", "bind") if (value := getattr(options, name))]
    rows = {mode: figures(run_agent(file, words)) for mode, file in MODES.items()}
    print(json.dumps(rows, indent=2) if options.json else table(rows))
    return 0 if all(row["status"] == "ok" for row in rows.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
