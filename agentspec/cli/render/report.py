"""What is said after a run: result, trajectory, the table of calls, tokens, time and cost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from agentspec.api.events import Failure, StepPaused
from agentspec.api.messages import Json
from agentspec.cli.render.errors import printable
from agentspec.runtime.outcome import Outcome
from agentspec.runtime.record import NodeUse, shown
from agentspec.runtime.usage import ModelUse


def as_data(outcome: Outcome) -> dict[str, Json]:
    """The object that `run --json` prints."""
    data: dict[str, Json] = {
        "run": outcome.run,
        "status": outcome.status,
        "result": outcome.result,
        "usage": {
            "lm_calls": sum(use.calls for use in outcome.nodes),
            "tokens_in": sum(use.tokens_in for use in outcome.nodes),
            "tokens_out": sum(use.tokens_out for use in outcome.nodes),
            "usd": total_usd(outcome.nodes),
            "seconds": round(outcome.seconds, 3),
            "nodes": [_row(use) for use in outcome.nodes],
        },
        "trajectory": list(outcome.trajectory),
        "files": [str(path) for path in outcome.files],
        "problems": [_problem(failure) for failure in (*outcome.problems, *filter(None, [outcome.failure]))],
    }
    if outcome.questions:
        data["questions"] = [_question(one) for one in outcome.questions]
    if outcome.partial:
        data["partial"] = dict(outcome.partial)
    return data


def _row(use: NodeUse) -> dict[str, Json]:
    return {
        "node": use.path,
        "kind": use.kind,
        "letter": use.letter,
        "model": use.model or None,
        "models": dict(use.models),
        "steps": use.steps,
        "failed": use.failed,
        "skipped": use.skipped,
        "lm_calls": use.calls,
        "tokens_in": use.tokens_in,
        "tokens_out": use.tokens_out,
        "tokens_cached": use.tokens_cached,
        "usd": use.usd,
        "seconds": round(use.seconds, 4),
        "formats": dict(use.formats),
        "by_model": [model_row(model, one) for model, one in use.by_model.items()],
        "saved": None if use.saving is None else {"against": use.saving.against, "usd": use.saved_usd},
    }


def model_row(model: str, use: ModelUse) -> dict[str, Json]:
    """What one model was asked at one node, as data."""
    return {
        "model": model,
        "lm_calls": use.calls,
        "tokens_in": use.tokens_in,
        "tokens_out": use.tokens_out,
        "tokens_cached": use.tokens_cached,
        "usd": use.usd,
        "seconds": round(use.seconds, 4),
        "formats": dict(use.formats),
        "format_rate": use.format_rate,
        "taken": use.taken,
        "escalated": use.escalated,
        "confidence": use.mean_confidence,
    }


def _question(one: StepPaused) -> dict[str, Json]:
    show, choices, by, timeout_s, on_timeout = one.question
    return {
        "step": one.path,
        "show": show,
        "choices": list(choices),
        "by": by,
        "asked": one.asked,
        "timeout": timeout_s,
        "on_timeout": on_timeout,
    }


def _problem(failure: Failure) -> dict[str, Json]:
    return {"step": failure.path, "code": failure.code, "message": failure.message, "hint": failure.hint}


def total_usd(nodes: Iterable[NodeUse]) -> float | None:
    """The sum of the costs; None as soon as one of them is unknown."""
    total = 0.0
    for use in nodes:
        if use.usd is None:
            return None
        total += use.usd
    return total


def show_result(value: Json, console: Console) -> None:
    """Show a result: lists of flat objects as tables, the rest as JSON. Plain JSON where it is not a terminal."""
    if isinstance(value, str):
        console.print(Text(printable(value)))
    elif console.is_terminal and isinstance(value, Mapping):
        for key, item in value.items():
            _show_field(str(key), item, console)
    else:
        console.print(Text(json.dumps(value, ensure_ascii=False, indent=2)), soft_wrap=True)


def _show_field(name: str, value: Json, console: Console) -> None:
    rows = [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
    if rows and len(rows) == len(value):
        table = Table(title=f"{name} ({len(rows)})", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        columns: list[list[str]] = []
        for column in dict.fromkeys(key for row in rows for key in row):
            cells = [_cell(row.get(column)) for row in rows]
            # Narrow columns keep their width: what a terminal lacks is taken from the long texts.
            natural = max(map(len, (column, *cells)))
            table.add_column(column, overflow="ellipsis", max_width=46, min_width=min(natural, 12), no_wrap=True)
            columns.append(cells)
        for row_cells in zip(*columns, strict=True):
            table.add_row(*row_cells)
        console.print(table)
    else:
        console.print(Text.assemble((f"{name}: ", "bold"), _cell(value)), soft_wrap=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, str):
        return printable(value).replace("\n", " ")
    return json.dumps(value, ensure_ascii=False)


def show_report(outcome: Outcome, console: Console) -> None:
    """Show trajectory, table, files and problems."""
    if outcome.trajectory:
        console.print(Text.assemble(("trajectory  ", "bold"), shown(list(outcome.trajectory))), soft_wrap=True)
    console.print(_table(outcome))
    formats = _formats(outcome.nodes)
    if formats:
        console.print(Text.assemble(("answers  ", "bold"), formats))
    for use in outcome.nodes:
        if use.saving is not None and use.steps:
            amount = usd(use.saved_usd) if use.saved_usd is not None else "an unknown amount"
            text = f"{use.path}: about {amount} against {use.saving.against} alone"
            console.print(Text.assemble(("saved  ", "bold"), text), soft_wrap=True)
    for path in outcome.files:
        console.print(Text.assemble(("wrote  ", "bold"), str(path)), soft_wrap=True)
    for failure in outcome.problems:
        console.print(
            Text.assemble(("problem  ", "yellow"), printable(f"{failure.path}: {failure.message}")), soft_wrap=True
        )


def _table(outcome: Outcome) -> Table:
    rows = [use for use in outcome.nodes if use.steps or use.failed]
    table = Table(box=box.SIMPLE_HEAD, show_footer=True, footer_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    columns = (
        ("node", "total"),
        ("model", ""),
        ("steps", str(sum(use.steps for use in rows))),
        ("calls", str(sum(use.calls for use in rows))),
        ("in", f"{sum(use.tokens_in for use in rows):,}"),
        ("out", f"{sum(use.tokens_out for use in rows):,}"),
        ("time", f"{outcome.seconds:.2f} s"),
        ("cost", usd(total_usd(rows))),
        ("sure", ""),
    )
    for place, (header, footer) in enumerate(columns):
        justify: JustifyMethod = "left" if place < 2 else "right"
        table.add_column(
            header, footer, justify=justify, no_wrap=place > 1, min_width=14 if place == 0 else None, overflow="fold"
        )
    for use in rows:
        table.add_row(use.path, *_cells(use))
    return table


def _cells(use: NodeUse) -> tuple[str, ...]:
    steps = f"{use.steps}{f' ✗{use.failed}' if use.failed else ''}"
    if use.kind != "LM":
        numbered = "" if use.letter == "T" else use.letter
        return numbered, steps, "", "", "", f"{use.seconds:.2f} s", "", ""
    sure = f"{use.confidence / use.sure:.2f}" if use.sure else ""
    cached = f" ({use.tokens_cached:,})" if use.tokens_cached else ""
    tokens = f"{use.tokens_in:,}{cached}", f"{use.tokens_out:,}"
    return use.model, steps, str(use.calls), *tokens, f"{use.seconds:.2f} s", usd(use.usd), sure


def _formats(nodes: Iterable[NodeUse]) -> str:
    """How answers were held to their types, over all nodes: `72 constrained, 1 repaired`."""
    counts = Counter[str]()
    for use in nodes:
        counts.update(use.formats)
    return ", ".join(f"{times} {how}" for how, times in counts.most_common())


def usd(value: float | None) -> str:
    """An amount of money for a person."""
    if value is None:
        return "unknown"
    return f"-${-value:.4f}" if value < 0 else f"${value:.4f}"
