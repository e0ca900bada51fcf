"""What a plan may use, as a table and as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentspec.plan.proof.amounts import Amount, Range, Unknown
from agentspec.plan.proof.bounds import Bounds
from agentspec.plan.proof.costs import Cost
from agentspec.spec.frames import harmless

EXPECTED = (
    "nothing fails and no answer is repaired; half of the conditions hold; cases are equally likely; loops with a "
    "condition, machines and models with tools take half of their rounds, a turn calls one tool; a plan has half of "
    "its steps; answers have half of `max_tokens`"
)
"""What expected numbers take for granted; see `agentspec.plan.proof.bounds`."""

_QUANTITIES = ("lm_calls", "tokens_in", "tokens_out", "usd", "steps", "questions", "chain", "seconds")
_UNITS = {"lm_calls": "LM calls", "tokens": "tokens", "usd": "USD", "steps": "steps"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LINE = 60
_WIDEST = 19
_NARROW = 12
"""The widest cell without, and with, columns for money."""


def as_data(bounds: Bounds) -> dict[str, Any]:
    """The object under `bounds` of `plan --json`. A number that is not known is null; `text` says what is known."""
    rows = list(bounds.rows())
    unknowns = _unknowns([bounds.total, *(row.cost for row in rows)])
    return {
        "total": _cost(bounds.total),
        "nodes": [{"node": row.path, "kind": row.letter, "name": row.name, **_cost(row.cost)} for row in rows],
        "unknown": [{"name": one.name, "reason": one.reason, "place": _place(one)} for one in unknowns],
        "expected": EXPECTED,
        "prices": {"known": bounds.book.known, "source": bounds.book.source},
    }


def show_bounds(bounds: Bounds, console: Console) -> None:
    """Show the table, the sums, and why something has no bound."""
    rows = [row for row in bounds.rows() if row.letter != "C" or row.cost.steps != Range()]
    total = bounds.total
    shown = [amount for cost in [*(row.cost for row in rows), total] for amount in _amounts(cost)]
    met = dict.fromkeys(one for amount in shown for one in amount.unknowns)
    names = {one: _letter(number) for number, one in enumerate(met)}
    table = Table(box=box.SIMPLE_HEAD, show_footer=True, footer_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    columns = [name for name in _UNITS if name != "usd" or total.usd != Range()]
    widest = _WIDEST if "usd" not in columns else _NARROW
    longest = max((len(row.path) for row in rows), default=0)
    table.add_column("node", "total", overflow="fold", min_width=min(longest, 24))
    for name in columns:
        expected, worst = _cells(total, name, names, widest)
        if name != "steps":
            table.add_column(f"{_UNITS[name]}\nexpected", expected or "0", justify="right", no_wrap=True)
        head = "steps\nat most" if name == "steps" else "\nat most"
        table.add_column(head, worst or "0", justify="right", no_wrap=True)
    for row in rows:
        cells = [cell for name in columns for cell in _cells(row.cost, name, names, widest)]
        table.add_row(harmless(row.path), *cells[:-2], cells[-1])
    console.print()
    console.print(table)
    for head, line in _lines(bounds, names):
        console.print(Text.assemble((f"{head}  ", "bold"), harmless(line)), soft_wrap=False)


def _lines(bounds: Bounds, names: Mapping[Unknown, str]) -> Iterator[tuple[str, str]]:
    total, limits = bounds.total, bounds.plan.limits
    yield (
        "in a row",
        f"at most {_short(total.chain.worst, names, _LINE)} LM calls, expected {total.chain.expected.text(names)}",
    )
    if total.seconds.worst.known is not None:
        yield "time", f"at most {total.seconds.worst} s, by the timeouts"
    if total.questions.worst != Amount():
        yield "questions", f"at most {_short(total.questions.worst, names, _LINE)} to a person"
    stops = [f"{name} {limit:,g}" + ("s" if name == "wall" else "") for name, limit in limits if limit is not None]
    if stops:
        yield "limits", f"a run stops at {', '.join(stops)}"
    for one, letter in names.items():
        yield letter, f"{one.name}: {one.reason} ({_place(one)})"
    if any(one.name.startswith("usd(") for one in names) or total.usd != Range():
        yield "prices", f"of {bounds.book.known}, from {bounds.book.source}"
    yield "expected", f"means that {EXPECTED}"


def _amounts(cost: Cost) -> Iterable[Amount]:
    for name in _UNITS:
        one = getattr(cost, name)
        yield from (one.expected, one.worst)
    yield cost.chain.worst


def _cells(cost: Cost, name: str, names: Mapping[Unknown, str], widest: int) -> tuple[str, str]:
    one: Range = getattr(cost, name)
    if one.worst == Amount():
        return "", ""
    return _short(one.expected, names, widest), _short(one.worst, names, widest)


def _short(amount: Amount, names: Mapping[Unknown, str], widest: int) -> str:
    text = amount.text(names)
    if len(text) <= widest and text != "unbounded":
        return text
    return f"? ({','.join(dict.fromkeys(names[one] for one in amount.unknowns))})"


def _letter(number: int) -> str:
    turn, place = divmod(number, len(_LETTERS))
    return _LETTERS[place] + (str(turn + 1) if turn else "")


def _unknowns(costs: Iterable[Cost]) -> list[Unknown]:
    amounts = (getattr(cost, name).worst for cost in costs for name in _QUANTITIES)
    return list(dict.fromkeys(one for amount in amounts for one in amount.unknowns))


def _cost(cost: Cost) -> dict[str, Any]:
    return {name: _range(getattr(cost, name)) for name in _QUANTITIES}


def _range(one: Range) -> dict[str, Any]:
    return {
        "least": one.least,
        "expected": one.expected.known,
        "worst": one.worst.known,
        "text": f"expected {one.expected}, at most {one.worst}",
    }


def _place(one: Unknown) -> str:
    return f"{one.origin.name}:{one.span.line}"
