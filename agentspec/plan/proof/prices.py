"""What models cost. A price that is not in the book is unknown, never zero."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_DATED = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2})$")
"""The date at the end of a model's name, which does not change the price."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD for one token of a prompt, and for one of an answer."""

    token_in: float
    token_out: float


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

    def price(self, use: str) -> Price | None:
        """The price of a model, None when it is not known."""
        if use.partition("/")[0] in self.local:
            return Price(0.0, 0.0)
        return self.prices.get(use) or self.prices.get(_DATED.sub("", use))


@cache
def price_book() -> PriceBook:
    """The book that comes with this release."""
    data = json.loads(files(__package__).joinpath("prices.json").read_text(encoding="utf-8"))
    prices = {use: Price(into / 1e6, out / 1e6) for use, (into, out) in data["prices"].items()}
    return PriceBook(data["known"], data["source"], frozenset(data["local"]), prices)
