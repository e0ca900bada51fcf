"""The command `agentspec plan SPEC`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from agentspec.api.errors import EvaluationFailed, Exit, InvalidValue
from agentspec.api.messages import Json, Schema
from agentspec.api.schema import without_null
from agentspec.cli.loading import binding_options, load_plan, pairs
from agentspec.cli.render.errors import printable, show_diagnostic, show_error
from agentspec.plan.infer import STRING
from agentspec.plan.inputs import complete
from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.names import letter_and_name
from agentspec.plan.scope import META
from agentspec.plan.work import (
    AgencyWork,
    AgentWork,
    Caller,
    Compiled,
    LmWork,
    LoopWork,
    MapWork,
    ToolWork,
    inner_blocks,
)
from agentspec.runtime.inputs import from_words
from agentspec.spec.formats.data import dumps
from agentspec.spec.types.shorthand import show_type


@click.command("plan")
@click.argument("spec")
@click.option("-i", "--input", "words", multiple=True, metavar="NAME=VALUE", help="An input of the agent.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@binding_options
def command(spec: str, words: tuple[str, ...], as_json: bool, profile: str | None, bind: tuple[str, ...]) -> int:
    """Show what would run and what it may use: the picture, the bounds of every node, and the prompts.

    Nothing is called, and no key is needed. What only a run can know stands in the prompts as `<name>`.
    """
    from agentspec.cli.render import bounds as shown
    from agentspec.plan import draw
    from agentspec.plan.proof.bounds import bounds_of

    checked, _ = load_plan(spec, profile, bind)
    plan = checked.plan
    assert plan is not None
    for diagnostic in checked.diagnostics:
        show_diagnostic(diagnostic)
    unknown = {one.name: placeholder(f"inputs.{one.name}", one.schema) for one in plan.inputs if one.required}
    try:
        given = from_words(plan, pairs(words, "-i"), Path.cwd())
        inputs = unknown | complete(plan, given, partly=True)
    except InvalidValue as error:
        show_error(error)
        return Exit.USAGE
    steps = list(_steps(plan.block, "", {"inputs": inputs}))
    bounds = bounds_of(plan, {name: value for name, value in inputs.items() if name not in unknown or name in given})
    if as_json:
        data = {"agent": plan.name, "bounds": shown.as_data(bounds), "steps": steps}
        click.echo(dumps(data))
        return Exit.OK
    console = Console()
    console.print(Text(draw.as_text(draw.picture(plan), width=min(console.width, 120)).rstrip("\n")), soft_wrap=True)
    shown.show_bounds(bounds, console)
    for step in steps:
        _show(step, plan, console)
    return Exit.OK


def _steps(block: PlanBlock, prefix: str, values: dict[str, Json]) -> Iterator[dict[str, Any]]:
    values = values | {node.id: placeholder(node.id, node.value) for node in block.nodes}
    for node in block.nodes:
        path = block.path_of(node, prefix)
        if isinstance(node.work, LmWork | AgencyWork | ToolWork):
            yield _step(node, path, values)
        for label, inner in [] if isinstance(node.work, Caller) else inner_blocks(node.work):
            yield from _steps(inner, f"{path}{label}/", values | _variables(node, inner))


def _variables(node: PlanNode, block: PlanBlock) -> dict[str, Json]:
    """What a block sees of its own, as far as it can be known."""
    if isinstance(node.work, MapWork):
        return {node.work.variable: placeholder(node.work.variable, node.work.item), "loop": {"index": 0}}
    if isinstance(node.work, AgentWork):
        return {"inputs": {one.name: placeholder(f"inputs.{one.name}", one.schema) for one in node.work.plan.inputs}}
    if isinstance(node.work, LoopWork):
        return {"previous": dict.fromkeys(inner.id for inner in block.nodes), "loop": {"index": 0}}
    return {}


def placeholder(name: str, schema: Schema) -> Json:
    """Stand for what only a run can know: data of the right shape, with `<name.field>` for its leaves."""
    schema = without_null(schema)
    if schema.get("type") == "object":
        return {key: placeholder(f"{name}.{key}", part) for key, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [placeholder(f"{name}[0]", schema.get("items", {}))]
    return f"<{name}>"


def _step(node: PlanNode, path: str, values: Mapping[str, Json]) -> dict[str, Any]:
    work = node.work
    if isinstance(work, ToolWork):
        return {"step": path, "tool": f"{work.toolset}.{work.tool.name}", "effect": str(work.tool.effect)}
    assert isinstance(work, LmWork | AgencyWork)
    messages = [{"role": role, "content": _filled(text, values)} for role, text in work.messages]
    answer = "text" if node.value == STRING else show_type(node.value)
    return {"step": path, "model": letter_and_name(work)[1], "messages": messages, "answer": answer}


def _filled(text: Compiled, values: Mapping[str, Json]) -> str:
    def lookup(name: str) -> Json:
        return _metas(values) if name == "meta" else values[name]

    try:
        return str(text(lookup))
    except EvaluationFailed as error:
        return f"<known only when it runs: {error.message}>"


def _metas(values: Mapping[str, Json]) -> dict[str, Json]:
    return {name: placeholder(f"meta.{name}", META) for name in values}


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
