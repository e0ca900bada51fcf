"""What a part of a plan uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from agentspec.plan.proof.amounts import ONCE, ZERO, Range, add, either, later


@dataclass(frozen=True, slots=True)
class Cost:
    """What one visit uses. The fields but the last two add up, whatever runs at the same time.

    Attributes:
        steps: tries of nodes, as `limits: {steps: …}` counts them.
        questions: how often a person is asked.
        chain: most LM calls of which each waits for the one before.
        seconds: the time that timeouts allow for.
    """

    steps: Range = ZERO
    lm_calls: Range = ZERO
    tokens_in: Range = ZERO
    tokens_out: Range = ZERO
    usd: Range = ZERO
    questions: Range = ZERO
    chain: Range = ZERO
    seconds: Range = ZERO

    @property
    def tokens(self) -> Range:
        """In and out."""
        return self.tokens_in + self.tokens_out

    def __add__(self, other: Cost) -> Cost:
        return in_sequence((self, other))

    def __mul__(self, times: Range) -> Cost:
        """The same several times, one after the other."""
        return self if times is ONCE else Cost(*(getattr(self, name) * times for name in _NAMES))

    def with_chain(self, one: Range, seconds: Range) -> Cost:
        """The same with another order in time."""
        return replace(self, chain=one, seconds=seconds)


_NAMES = [one.name for one in fields(Cost)]
FREE = Cost()


def in_sequence(costs: Sequence[Cost]) -> Cost:
    """One after the other."""
    return Cost(*(add([getattr(one, name) for one in costs]) for name in _NAMES))


def one_of(costs: Sequence[Cost]) -> Cost:
    """One of these; nothing where there are none."""
    return Cost(*(either([getattr(one, name) for one in costs]) for name in _NAMES)) if costs else FREE


def in_order(costs: Sequence[Cost], successors: Sequence[Sequence[int]]) -> Cost:
    """All of these, each as soon as those that it waits for are done; successors stand behind."""
    begin, end = [(ZERO, ZERO)] * len(costs), (ZERO, ZERO)
    for index, cost in enumerate(costs):
        chain, seconds = begin[index][0] + cost.chain, begin[index][1] + cost.seconds
        if not successors[index]:
            end = (later(end[0], chain), later(end[1], seconds))
        for other in successors[index]:
            begin[other] = (later(begin[other][0], chain), later(begin[other][1], seconds))
    return in_sequence(costs).with_chain(*end)
