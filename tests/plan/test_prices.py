"""One price book for bounds and for runs: what the spec says wins, what nobody knows stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from agentspec.plan import check
from agentspec.plan.model import Binding
from agentspec.plan.proof.bounds import bounds_of
from agentspec.plan.proof.prices import Price, price_book
from agentspec.registry import Registry
from agentspec.spec.parse import parse_text

SPEC = """
agentspec: 1
name: test
models: {{m: {model}}}
nodes: {{a: {{lm: m, prompt: one two three four, max_tokens: 100}}}}
"""


def found(model: str) -> tuple[Price | None, Any]:
    checked = check(parse_text(SPEC.format(model=model)), Registry())
    assert checked.plan is not None, checked.diagnostics
    binding = checked.plan.models["m"]
    assert isinstance(binding, Binding)
    return price_book().of(binding), bounds_of(checked.plan, {}).total.usd


def test_a_price_of_the_spec_wins_over_the_book_in_bounds_too() -> None:
    price, usd = found("{use: fake/echo, price: {in: 1_000_000, out: 2_000_000}}")
    assert price == Price(1.0, 2.0, written=True)
    assert usd.worst.known >= 200
    assert found("fake/echo")[1].worst.known == 0


def test_time_cannot_be_priced_before_a_run() -> None:
    _, usd = found("{use: fake/echo, price: {per_second: 0.1}}")
    assert usd.worst.known is None


@pytest.mark.parametrize(
    ("price", "tokens", "usd"),
    [
        (Price(0.5, 2.0), (2, 3), 7.0),
        (Price(0.5, 2.0), (None, 3), None),
        (Price(0.5, 0.0), (2, None), 1.0),
        (Price(0.0, 0.0, 0.25), (None, None), 1.0),
        (Price(0.5, 2.0, 0.25), (2, 3), 8.0),
    ],
)
def test_a_call_costs_tokens_and_time(price: Price, tokens: tuple[Any, Any], usd: float | None) -> None:
    assert price.usd(*tokens, seconds=4.0) == usd


def test_a_dated_name_has_the_price_of_the_model() -> None:
    book = price_book()
    assert book.price("litellm/openai/gpt-4.1-2025-04-14") == book.price("litellm/openai/gpt-4.1") is not None
    assert book.price("litellm/nobody/knows") is None
