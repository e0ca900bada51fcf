"""What a plan may use, as a table and as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
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
_WIDEST, _NARROW, _SHORTEST = 19, 12, 7
"""The widest sum in a cell without columns for money, with them, and where there is no room."""
_PATH = 32
"""The width at which a path goes on in the next line, where there is no room."""
_MEMBERS = 6
"""At most so many names are told of those that share a reason."""


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
    costs = [*(row.cost for row in rows), bounds.total]
    met = dict.fromkeys(one for cost in costs for amount in _amounts(cost) for one in amount.unknowns)
    names = {one: _letter(number) for number, one in enumerate(met)}
    longest = max((len(row.path) for row in rows), default=0)
    layout = _fitting(costs, names, console.width - 3 - min(longest, _PATH))
    table = Table(box=box.SIMPLE_HEAD, show_footer=True, footer_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("node", "total", overflow="fold", min_width=min(longest, _PATH))
    columns = list(layout.columns(costs, names))
    for head, cells in columns:
        table.add_column(head, cells[-1] or "0", justify="right", no_wrap=True)
    for number, row in enumerate(rows):
        table.add_row(harmless(row.path), *(cells[number] for _, cells in columns))
    console.print()
    console.print(table)
    for head, line in _lines(bounds, names, layout, console.width):
        console.print(Text.assemble((f"{head}  ", "bold"), harmless(line)), soft_wrap=False)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which quantities the table shows, how wide their sums may get, and whether expected numbers are there."""

    quantities: tuple[str, ...]
    widest: int
    expected: bool = True
    left_out: tuple[str, ...] = ()

    def columns(self, costs: list[Cost], names: Mapping[Unknown, str]) -> Iterator[tuple[str, list[str]]]:
        """The head and the cells of each column but the first; the last cell is that of the whole."""
        for name in self.quantities:
            cells = [_cells(cost, name, names, self.widest) for cost in costs]
            both = self.expected and name != "steps"
            if both:
                yield f"{_UNITS[name]}\nexpected", [expected for expected, _ in cells]
            yield "\nat most" if both else f"{_UNITS[name]}\nat most", [worst for _, worst in cells]

    def width(self, costs: list[Cost], names: Mapping[Unknown, str]) -> int:
        """The columns that these take, each with a space on both sides."""
        columns = self.columns(costs, names)
        return sum(max(map(len, [*head.split("\n"), *cells])) + 2 for head, cells in columns)


def _fitting(costs: list[Cost], names: Mapping[Unknown, str], room: int) -> _Layout:
    """The fullest layout that has room. What is not known in any row is the first to go."""
    every = tuple(name for name in _UNITS if name != "usd" or costs[-1].usd != Range())

    def known(some: list[Cost]) -> tuple[str, ...]:
        """The quantities of which at least one of these says something."""
        told = {name for name in every for cost in some if _tells(_cells(cost, name, names, _NARROW)[1])}
        return tuple(name for name in every if name in told)

    somewhere, in_total = known(costs), known(costs[-1:])
    layouts = [
        *([] if "usd" in every else [_Layout(every, _WIDEST)]),
        _Layout(every, _NARROW),
        _Layout(somewhere, _NARROW),
        _Layout(somewhere, _SHORTEST),
        _Layout(in_total, _SHORTEST),
        _Layout(in_total, _SHORTEST, expected=False),
    ]
    chosen = next((one for one in layouts if one.width(costs, names) <= room), layouts[-1])
    unknown = tuple(name for name in every if name not in chosen.quantities)
    return replace(chosen, left_out=unknown)


def _tells(cell: str) -> bool:
    return bool(cell) and not cell.startswith("?")


def _lines(bounds: Bounds, names: Mapping[Unknown, str], layout: _Layout, width: int) -> Iterator[tuple[str, str]]:
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
    for name in layout.left_out:
        met = getattr(total, name).worst.unknowns
        letters = [letter for one, letter in names.items() if one in met]
        if letters:
            yield _UNITS[name], f"not known before the run, depends on {_some(letters)}"
    yield from _reasons(names, width)
    if any(one.name.startswith("usd(") for one in names) or total.usd != Range():
        yield "prices", f"of {bounds.book.known}, from {bounds.book.source}"
    yield "expected", f"means that {EXPECTED}"


def _reasons(names: Mapping[Unknown, str], width: int) -> Iterator[tuple[str, str]]:
    """Why the letters stand for something unknown. Those that differ only in the first name share a line."""
    alike: dict[tuple[str, ...], list[Unknown]] = {}
    for one in names:
        before, _, rest = one.reason.partition("`")
        alike.setdefault((before, rest.partition("`")[2], one.origin.name), []).append(one)
    for some in alike.values():
        head = ",".join(names[one] for one in some)
        texts = [_together(some, shown) for shown in range(min(_MEMBERS, len(some)), 0, -1)]
        texts.append(texts[-1].rpartition(" (")[0])
        yield head, next((text for text in texts if len(head) + 2 + len(text) <= width), texts[-1])


def _together(some: list[Unknown], shown: int) -> str:
    """The reason that these have in common, with the names and places of the first few."""
    before, _, rest = some[0].reason.partition("`")
    lines = dict.fromkeys(str(one.span.line) for one in some[:shown])
    place = f"({Path(some[0].origin.name).name}:{', '.join(lines)})"
    if not rest:
        return f"{before} {place}"
    who = _some([f"`{one.reason.split('`')[1]}`" for one in some], shown)
    return f"{before}{who}{rest.partition('`')[2]} {place}"


def _some(words: list[str], shown: int = _MEMBERS) -> str:
    """A few of these words, and how many more there are."""
    more = len(words) - shown
    return ", ".join(words[:shown]) + (f" and {more} more" if more > 0 else "")


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
    text = f"? ({','.join(dict.fromkeys(names[one] for one in amount.unknowns))})"
    return text if len(text) <= widest else "?"


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
