"""Numbers with unknown parts: `1 + 2·n(read.messages)`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agentspec.spec.source import Source, Span

_MOST_TERMS = 3
"""An amount with more terms than this is shown as unbounded: nobody reads it."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number, at least 0, that only a run can know.

    Attributes:
        name: how it is shown in amounts, `n(read.messages)`.
        reason: why it is not known, as a part of a sentence.
        origin, span: the place that brings it in.
    """

    name: str
    reason: str
    origin: Source = field(compare=False)
    span: Span


Term = tuple[Unknown, ...]
"""Unknowns that are multiplied, ordered by name."""


@dataclass(frozen=True, slots=True)
class Amount:
    """`fixed` plus, for each term, its factor times its unknowns. No part of it is negative."""

    fixed: float = 0.0
    terms: Mapping[Term, float] = field(default_factory=dict)

    @property
    def known(self) -> float | None:
        """The number, or None when a part of it is unknown."""
        return None if self.terms else self.fixed

    @property
    def unknowns(self) -> list[Unknown]:
        """All unknowns in it, each once, in the order in which they were met."""
        return list(dict.fromkeys(one for term in self.terms for one in term))

    def __mul__(self, other: Amount) -> Amount:
        if not self.terms and not other.terms:
            return Amount(self.fixed * other.fixed)
        product: dict[Term, float] = {}
        for mine, factor in self._all():
            for theirs, more in other._all():
                if factor and more:
                    term = tuple(sorted((*mine, *theirs), key=lambda one: one.name))
                    product[term] = product.get(term, 0.0) + factor * more
        return Amount(product.pop((), 0.0), product)

    def _all(self) -> list[tuple[Term, float]]:
        return [((), self.fixed), *self.terms.items()]

    def text(self, names: Mapping[Unknown, str] | None = None) -> str:
        """For people, with shorter names for the unknowns."""
        if len(self.terms) > _MOST_TERMS:
            return "unbounded"
        parts = [shown_number(self.fixed)] if self.fixed or not self.terms else []
        for term, factor in self.terms.items():
            words = "·".join((names or {}).get(one, one.name) for one in term)
            parts.append(words if factor == 1 else f"{shown_number(factor)}·{words}")
        return " + ".join(parts)

    def __str__(self) -> str:
        return self.text()


NOTHING = Amount()


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum."""
    fixed, terms = 0.0, dict[Term, float]()
    for one in amounts:
        fixed += one.fixed
        for term, factor in one.terms.items():
            terms[term] = terms.get(term, 0.0) + factor
    return Amount(fixed, terms)


def upper(amounts: Sequence[Amount]) -> Amount:
    """An amount that none of these exceeds, whatever the unknowns are: the greatest factor of each term."""
    terms: dict[Term, float] = {}
    for one in amounts:
        for term, factor in one.terms.items():
            terms[term] = max(factor, terms.get(term, 0.0))
    return Amount(max((one.fixed for one in amounts), default=0.0), terms)


@dataclass(frozen=True, slots=True)
class Range:
    """What is used at least by a run that comes to its end, what is expected, and what cannot be exceeded."""

    least: float = 0.0
    expected: Amount = NOTHING
    worst: Amount = NOTHING

    def __add__(self, other: Range) -> Range:
        return add((self, other))

    def __mul__(self, other: Range) -> Range:
        if self is ZERO or other is ONCE:
            return self
        return Range(self.least * other.least, self.expected * other.expected, self.worst * other.worst)

    def capped(self, limit: float | None) -> Range:
        """The same under a limit that is enforced."""
        if limit is None or (not self.worst.terms and self.worst.fixed <= limit):
            return self
        expected = self.expected if self.expected.terms else Amount(min(self.expected.fixed, limit))
        return Range(self.least, expected, Amount(limit))


ZERO = Range()
ONCE = Range(1.0, Amount(1.0), Amount(1.0))


def exactly(number: float) -> Range:
    """A range of one number."""
    return Range(number, Amount(number), Amount(number))


def between(least: float, expected: float, worst: float) -> Range:
    """A range of known numbers."""
    return Range(least, Amount(expected), Amount(worst))


def unknown(one: Unknown) -> Range:
    """A range of which only the name is known."""
    amount = Amount(0.0, {(one,): 1.0})
    return Range(0.0, amount, amount)


def add(ranges: Sequence[Range]) -> Range:
    """The sum."""
    ranges = [one for one in ranges if one is not ZERO]
    if len(ranges) < 2:
        return ranges[0] if ranges else ZERO
    return Range(
        sum(one.least for one in ranges),
        total(one.expected for one in ranges),
        total(one.worst for one in ranges),
    )


def either(ranges: Sequence[Range]) -> Range:
    """One of these: the least of the least, the mean, and no more than the greatest."""
    share = Amount(1 / len(ranges))
    return Range(
        min(one.least for one in ranges),
        total(one.expected * share for one in ranges),
        upper([one.worst for one in ranges]),
    )


def later(first: Range, second: Range) -> Range:
    """Whichever ends later."""
    if first is ZERO or second is ZERO:
        return second if first is ZERO else first
    return Range(
        max(first.least, second.least),
        upper([first.expected, second.expected]),
        upper([first.worst, second.worst]),
    )


def shown_number(value: float) -> str:
    """A number with as many digits as say something."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}" if value >= 1 else f"{value:.4f}".rstrip("0") if value >= 0.0001 else f"{value:.1e}"
