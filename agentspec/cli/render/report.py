"""What is said after a run: result, trajectory, the table of calls, tokens, time and cost."""

from __future__ import annotations

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
from agentspec.plan.proof.prices import total_usd
from agentspec.runtime.outcome import Outcome
from agentspec.runtime.record import NodeUse
from agentspec.runtime.trajectory import shown
from agentspec.runtime.usage import ModelUse
from agentspec.spec.formats.data import dumps


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
            "usd": total_usd(use.usd for use in outcome.nodes),
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
        **_amounts(use),
        "by_model": [model_row(model, one) for model, one in use.by_model.items()],
        "saved": None if use.saving is None else {"against": use.saving.against, "usd": use.saved_usd},
    }


def model_row(model: str, use: ModelUse) -> dict[str, Json]:
    """What one model was asked at one node, as data."""
    return {
        "model": model,
        **_amounts(use),
        "format_rate": use.format_rate,
        "taken": use.taken,
        "escalated": use.escalated,
        "confidence": use.mean_confidence,
    }


def _amounts(use: NodeUse | ModelUse) -> dict[str, Json]:
    return {
        "lm_calls": use.calls,
        "tokens_in": use.tokens_in,
        "tokens_out": use.tokens_out,
        "tokens_cached": use.tokens_cached,
        "usd": use.usd,
        "seconds": round(use.seconds, 4),
        "formats": dict(use.formats),
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


def show_result(value: Json, console: Console) -> None:
    """Show a result: lists of flat objects as tables, the rest as JSON. Plain JSON where it is not a terminal."""
    if isinstance(value, str):
        console.print(Text(printable(value)))
    elif console.is_terminal and isinstance(value, Mapping):
        for key, item in value.items():
            _show_field(str(key), item, console)
    else:
        console.print(Text(dumps(value)), soft_wrap=True)


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
    return dumps(value, indent=None)


def show_report(outcome: Outcome, console: Console) -> None:
    """Show trajectory, table, files and problems."""
    if outcome.trajectory:
        console.print(
            Text.assemble(("trajectory  ", "bold"), shown(list(outcome.trajectory))), soft_wrap=not console.is_terminal
        )
    console.print(_fitting(outcome, console))
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


def _fitting(outcome: Outcome, console: Console) -> Table:
    """The fullest table that has room: without the second space, what was cached, and costs of nothing."""
    free = all(use.usd == 0 for use in outcome.nodes)
    tables = [_table(outcome), _table(outcome, padding=0), _table(outcome, padding=0, cached=False)]
    tables.append(_table(outcome, padding=0, cached=False, cost=not free))
    natural = console.options.update(width=10 * console.width)
    return next((one for one in tables if console.measure(one, options=natural).maximum <= console.width), tables[-1])


def _table(outcome: Outcome, *, padding: int = 1, cached: bool = True, cost: bool = True) -> Table:
    rows = [use for use in outcome.nodes if use.steps or use.failed]
    table = Table(
        box=box.SIMPLE_HEAD, show_footer=True, footer_style="bold", pad_edge=False, padding=(0, padding, 0, 0)
    )
    columns = (
        ("node", "total"),
        ("model", ""),
        ("steps", str(sum(use.steps for use in rows))),
        ("calls", str(sum(use.calls for use in rows))),
        ("in", f"{sum(use.tokens_in for use in rows):,}"),
        ("out", f"{sum(use.tokens_out for use in rows):,}"),
        ("time", f"{outcome.seconds:.2f} s"),
        ("cost", usd(total_usd(use.usd for use in rows))),
        ("sure", ""),
    )
    chosen = [place for place, (header, _) in enumerate(columns) if cost or header != "cost"]
    for place in chosen:
        header, footer = columns[place]
        justify: JustifyMethod = "left" if place < 2 else "right"
        table.add_column(
            header, footer, justify=justify, no_wrap=place > 1, min_width=14 if place == 0 else None, overflow="fold"
        )
    for use in rows:
        cells = (use.path, *_cells(use, cached))
        table.add_row(*(cells[place] for place in chosen))
    return table


def _cells(use: NodeUse, with_cached: bool) -> tuple[str, ...]:
    steps = f"{use.steps}{f' ✗{use.failed}' if use.failed else ''}"
    if use.kind != "LM":
        numbered = "" if use.letter == "T" else use.letter
        return numbered, steps, "", "", "", f"{use.seconds:.2f} s", "", ""
    sure = f"{use.confidence / use.sure:.2f}" if use.sure else ""
    cached = f" ({use.tokens_cached:,})" if use.tokens_cached and with_cached else ""
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
