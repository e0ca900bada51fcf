"""`agentspec plan SPEC`"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from agentspec.api.errors import EvaluationFailed
from agentspec.api.messages import Json
from agentspec.cli.loading import binding_options, load_plan, pairs
from agentspec.cli.render.errors import printable, show_diagnostic
from agentspec.plan.model import LmWork, Plan, PlanBlock, PlanNode, ToolWork
from agentspec.runtime.inputs import complete, from_words
from agentspec.runtime.record import blocks_of
from agentspec.spec.shorthand import show_type


@click.command("plan")
@click.argument("spec")
@click.option("-i", "--input", "words", multiple=True, metavar="NAME=VALUE", help="An input of the agent.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@binding_options
def command(spec: str, words: tuple[str, ...], as_json: bool, profile: str | None, bind: tuple[str, ...]) -> None:
    """Show what would run: the steps in order, their models and tools, and the prompts as they would be sent.

    Nothing is called. What only a run can know stands in the prompts as `<name>`.
    """
    from agentspec.plan import draw

    checked, _ = load_plan(spec, profile, bind)
    plan = checked.plan
    assert plan is not None
    for diagnostic in checked.diagnostics:
        show_diagnostic(diagnostic)
    given = from_words(plan, pairs(words, "-i"), Path.cwd())
    missing = [one.name for one in plan.inputs if one.required and one.name not in given]
    values = (
        complete(plan, given | {name: f"<inputs.{name}>" for name in missing})
        if not missing
        else {
            one.name: given.get(one.name, f"<inputs.{one.name}>" if one.required else one.default)
            for one in plan.inputs
        }
    )
    steps = list(_steps(plan.block, "", {"inputs": values}))
    if as_json:
        click.echo(json.dumps({"agent": plan.name, "steps": steps}, ensure_ascii=False, indent=2))
        return
    console = Console()
    console.print(Text(draw.as_text(draw.picture(plan), width=min(console.width, 120)).rstrip("\n")), soft_wrap=True)
    for step in steps:
        _show(step, plan, console)


def _steps(block: PlanBlock, prefix: str, values: Mapping[str, Json]) -> Iterator[dict[str, Any]]:
    for node in block.nodes:
        path = prefix[:-1] if block.single else prefix + node.id
        if not blocks_of(node):
            yield _step(node, path, values)
        for inner, label in blocks_of(node):
            yield from _steps(inner, f"{path}{label}/", values)


def _step(node: PlanNode, path: str, values: Mapping[str, Json]) -> dict[str, Any]:
    work = node.work
    if isinstance(work, ToolWork):
        return {"step": path, "tool": f"{work.toolset}.{work.tool.name}", "effect": str(work.tool.effect)}
    assert isinstance(work, LmWork)
    messages = [{"role": role, "content": _filled(text, values)} for role, text in work.messages]
    answer = "text" if work.output is None else show_type(work.output)
    return {"step": path, "model": work.model, "messages": messages, "answer": answer}


class _Unknown(dict[str, Any]):
    """Stands for what only a run can know: every field of it is again unknown."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __missing__(self, key: str) -> _Unknown:
        return _Unknown(f"{self.name}.{key}")

    def __contains__(self, key: object) -> bool:
        return True

    def get(self, key: str, default: Any = None) -> Any:
        return self[key]

    def __str__(self) -> str:
        return f"<{self.name}>"


def _filled(text: Any, values: Mapping[str, Json]) -> str:
    def lookup(name: str) -> Any:
        return values[name] if name in values else _Unknown(name)

    try:
        return str(text(lookup))
    except EvaluationFailed as error:
        return f"<known only when it runs: {error.message}>"


def _show(step: Mapping[str, Any], plan: Plan, console: Console) -> None:
    console.print()
    if "tool" in step:
        console.print(Text.assemble((step["step"], "bold"), f"  T {step['tool']} ({step['effect']})"))
        return
    use = plan.models[step["model"]].use
    console.print(Text.assemble((step["step"], "bold"), f"  LM {step['model']} ({use}) -> {step['answer']}"))
    for message in step["messages"]:
        console.print(Text(f"  {message['role']}:", style="dim"))
        for line in printable(message["content"]).splitlines():
            console.print(Text(f"    {line}"), soft_wrap=True)
