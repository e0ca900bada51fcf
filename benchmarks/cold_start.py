"""What starting costs: CPU time of `agentspec --help` and of checking specs, against python alone.

    python benchmarks/cold_start.py [--json]

Each command runs `REPEATS` times, taking turns, so that a busy machine troubles all of them alike; the figure is
the median of user plus system time of the child process. Bounds: `--help` at most 0.10 s above `python -c pass`,
checking 1,000 nodes under 0.6 s, and nothing heavy imported by `--help`.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPEATS = 9
HEAVY = ("litellm", "ollama", "networkx", "pydantic", "rich", "yaml", "jinja2")


def big_spec(nodes: int) -> str:
    """A spec of LM nodes that read each other, with conditions, prompts of two lines and typed answers."""
    lines = ["agentspec: 1", "name: big", "inputs: {who: string}", "models: {m: fake/echo}", "nodes:"]
    for index in range(nodes):
        before = max(index - 7, 0)
        reads = f"after ${{{{ n{before} }}}}" if index else "first"
        lines += [
            f"  n{index}:",
            "    lm: m",
            f"    when: inputs.who != 'x{index}'",
            "    prompt: |",
            f"      Step {index} of ${{{{ inputs.who }}}}",
            f"      {reads}",
            "    output: string",
        ]
    lines.append(f"result: ${{{{ n{nodes - 1} | default('') }}}}")
    return "\n".join(lines) + "\n"


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one run of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def heavy_imports() -> list[str]:
    """Heavy modules that `--help` imports; there should be none."""
    code = (
        "import sys\nfrom agentspec.cli.main import cli\n"
        "try: cli.main(['--help'], standalone_mode=False)\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split()
    return [name for name in HEAVY if name in loaded]


def main() -> int:
    """Measure, print, and return 1 when a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.yaml", Path(folder) / "large.yaml"
        small.write_text(big_spec(5), encoding="utf-8")
        large.write_text(big_spec(1000), encoding="utf-8")
        agentspec = [sys.executable, "-m", "agentspec"]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "agentspec --help": [*agentspec, "--help"],
            "agentspec check, 5 nodes": [*agentspec, "check", str(small)],
            "agentspec check, 1,000 nodes": [*agentspec, "check", str(large)],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(REPEATS):
            for name, command in commands.items():
                times[name].append(cpu_seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    above = medians["agentspec --help"] - medians["python -c pass"]
    imported = heavy_imports()
    bounds = {
        "--help at most 0.10 s above python": above <= 0.10,
        "check of 1,000 nodes under 0.6 s": medians["agentspec check, 1,000 nodes"] < 0.6,
        "check of a small spec at most 0.5 s": medians["agentspec check, 5 nodes"] <= 0.5,
        "--help imports nothing heavy": not imported,
    }
    if as_json:
        print(json.dumps({"cpu_s": medians, "help_above_python_s": above, "bounds": bounds}, indent=2))
    else:
        for name, seconds in medians.items():
            print(f"{name:32} {seconds * 1000:7.0f} ms")
        for name, holds in bounds.items():
            print(f"{'PASS' if holds else 'FAIL'}  {name}")
    return 0 if all(bounds.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
