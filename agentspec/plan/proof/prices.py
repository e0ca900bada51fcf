"""What models cost. A price that is not in the book is unknown, never zero."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from agentspec.plan.model import Binding
from agentspec.spec.model_shapes import PriceShape

_DATED = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2})$")
"""The date at the end of a model's name, which does not change the price."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD for one token of a prompt, for one of an answer, and for one second of a call.

    Attributes:
        local: this is a backend that runs on this machine, unless it hands a call on to another one.
        written: the spec says so.
    """

    token_in: float
    token_out: float
    second: float = 0.0
    local: bool = False
    written: bool = False

    @classmethod
    def of(cls, shape: PriceShape) -> Price:
        """The price that a spec gives to a model."""
        return cls((shape.in_ or 0.0) / 1e6, (shape.out or 0.0) / 1e6, shape.per_second or 0.0, written=True)

    def usd(self, tokens_in: int | None, tokens_out: int | None, seconds: float) -> float | None:
        """What a call costs; None when that depends on a count that is not known.

        Tokens that a provider had cached are counted in full: the true cost may be lower.
        """
        known = (tokens_in is not None or not self.token_in) and (tokens_out is not None or not self.token_out)
        if not known:
            return None
        return (tokens_in or 0) * self.token_in + (tokens_out or 0) * self.token_out + seconds * self.second


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices by `<backend>/<model>`.

    Attributes:
        known: the day on which they were so.
        source: where they come from.
        local: backends that run on this machine and cost nothing.
    """

    known: str
    source: str
    local: frozenset[str]
    prices: dict[str, Price]

    def of(self, binding: Binding) -> Price | None:
        """The price of a model as it is bound: that of the spec wins. None when it is not known."""
        if binding.terms is not None and binding.terms.price is not None:
            return Price.of(binding.terms.price)
        return self.price(binding.use)

    def price(self, use: str) -> Price | None:
        """The price of a model, None when it is not known."""
        if use.partition("/")[0] in self.local:
            return Price(0.0, 0.0, local=True)
        return self.prices.get(use) or self.prices.get(_DATED.sub("", use))


@cache
def price_book() -> PriceBook:
    """The book that comes with this release."""
    data = json.loads(files(__package__).joinpath("prices.json").read_text(encoding="utf-8"))
    prices = {use: Price(into / 1e6, out / 1e6) for use, (into, out) in data["prices"].items()}
    return PriceBook(data["known"], data["source"], frozenset(data["local"]), prices)


def total_usd(costs: Iterable[float | None]) -> float | None:
    """The sum of costs; None as soon as one of them is unknown."""
    total = 0.0
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total
