"""The commands `agentspec models list` and `agentspec models stats`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

import click

from agentspec.api.backend import BackendFactory
from agentspec.api.messages import Json
from agentspec.cli.loading import binding_options, load_plan
from agentspec.cli.render.report import model_row, usd
from agentspec.cli.resume import journal_of, project_option, where
from agentspec.plan.model import Binding, Composite
from agentspec.plan.proof.prices import Price, PriceBook, price_book
from agentspec.registry import Registry
from agentspec.runtime.statistics import Asked, model_uses
from agentspec.runtime.usage import ModelUse
from agentspec.spec.formats.data import dumps

_FORMATS = ("constrained", "native", "parsed", "extracted", "repaired", "failed")
"""How typed answers come about, the surest first."""


@click.group("models")
def command() -> None:
    """List models, and tell how they did in recorded runs."""


@command.command("list", short_help="List the models of a spec, or of the backends.")
@click.argument("spec", required=False)
@binding_options
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def list_models(spec: str | None, profile: str | None, bind: tuple[str, ...], as_json: bool) -> None:
    """List the models that a spec binds; without SPEC, what the installed backends offer. Nothing is called."""
    if spec is None:
        if profile or bind:
            raise click.UsageError("--profile and --bind belong to a SPEC.")
        _list_backends(as_json)
        return
    checked, _ = load_plan(spec, profile, bind)
    assert checked.plan is not None
    book = price_book()
    rows = [_bound(name, entry, book) for name, entry in checked.plan.models.items()]
    if as_json:
        click.echo(dumps({"models": rows, "prices": {"known": book.known, "source": book.source}}))
        return
    shown = [(row["name"], row["use"], _terms(row), _price(row["price"])) for row in rows]
    _table(("name", "model", "terms", "price"), shown)
    if any(row["price"] for row in rows):
        click.echo(f"prices of {book.known}, in USD per million tokens in and out, where the spec gives none", err=True)


@command.command("stats", short_help="Tell how models did in recorded runs.")
@click.option("--agent", metavar="NAME", help="Only runs of this agent.")
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def stats(agent: str | None, project: str, as_json: bool) -> None:
    """Tell for each node and model of recorded runs how answers came about, and what they cost."""
    with contextlib.closing(journal_of(project)) as journal:
        found = model_uses(journal, agent)
    if as_json:
        rows = found.items()
        click.echo(dumps([{"agent": at.agent, "node": at.node, **model_row(at.model, use)} for at, use in rows]))
        return
    if not found:
        of_agent = "" if agent is None else f" of `{agent}`"
        click.echo(f"no calls of models{of_agent} are recorded {where(journal)}", err=True)
        return
    header = ("agent", "node", "model", "answers", "fit", *_FORMATS, "escalated", "calls", "in", "out", "cost", "sure")
    _table(header, [_stat(asked, use) for asked, use in found.items()])


def _stat(asked: Asked, use: ModelUse) -> tuple[str, ...]:
    rate, sure = use.format_rate, use.mean_confidence
    return (
        *asked,
        str(sum(use.formats.values())),
        "" if rate is None else f"{100 * rate:.1f} %",
        *(_count(use.formats.get(how, 0)) for how in _FORMATS),
        _count(use.escalated),
        str(use.calls),
        f"{use.tokens_in:,}",
        f"{use.tokens_out:,}",
        usd(use.usd),
        "" if sure is None else f"{sure:.2f}",
    )


def _list_backends(as_json: bool) -> None:
    registry = Registry()
    installed, broken = registry.installed()
    rows = [_backend(name, one, registry) for name, one in installed.backends.items()]
    if as_json:
        click.echo(dumps({"backends": rows}))
    else:
        shown = [(row["backend"], ", ".join(row["models"]), row["description"]) for row in rows]
        _table(("backend", "models, among others", "description"), shown)
    for error in broken:
        click.echo(f"left out: {error.message}", err=True)


def _backend(name: str, one: BackendFactory, registry: Registry) -> dict[str, Json]:
    return {
        "backend": name,
        "models": list(one.models),
        "options": [field.alias or key for key, field in one.options.model_fields.items()],
        "description": one.description,
        "version": registry.version(name),
    }


def _bound(name: str, entry: Binding | Composite, book: PriceBook) -> dict[str, Json]:
    terms = entry.terms if isinstance(entry, Binding) else None
    price = book.of(entry) if isinstance(entry, Binding) else None
    return {
        "name": name,
        "use": entry.use,
        "members": list(entry.members) if isinstance(entry, Composite) else [],
        "concurrency": terms and terms.concurrency,
        "requests_per_minute": terms and terms.requests_per_minute,
        "tokens_per_minute": terms and terms.tokens_per_minute,
        "price": _price_data(price),
    }


def _price_data(price: Price | None) -> Json:
    if price is None:
        return None
    return {"in": round(price.token_in * 1e6, 6), "out": round(price.token_out * 1e6, 6), "per_second": price.second}


def _terms(row: dict[str, Json]) -> str:
    words = {"concurrency": "at a time", "requests_per_minute": "calls/min", "tokens_per_minute": "tokens/min"}
    return ", ".join(f"{row[key]:,} {word}" for key, word in words.items() if row[key])


def _price(price: Json) -> str:
    if price is None:
        return "unknown"
    tokens = f"{price['in']:g} / {price['out']:g}"
    return f"{tokens}, {price['per_second']:g} per second" if price["per_second"] else tokens


def _count(number: int) -> str:
    return str(number) if number else ""


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns, without those in which nothing stands."""
    cells = [list(header), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    used = [place for place in range(len(header)) if any(row[place] for row in cells[1:])]
    for row in cells:
        click.echo("  ".join(f"{row[place]:<{widths[place]}}" for place in used).rstrip())
