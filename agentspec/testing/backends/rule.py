"""A rule, and how it is told that a backend breaks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from agentspec.testing.backends.subject import Subject

Check = Callable[[Subject], AsyncIterator[str]]
"""Yields what is wrong, in words; nothing where the rule is kept or does not apply."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a backend breaks.

    Attributes:
        rule: number of the rule, e.g. `B08`.
        sentence: what the rule wants.
        problem: what was seen instead.
    """

    rule: str
    sentence: str
    problem: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.sentence}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One numbered rule. Its sentence is true of a backend that keeps it."""

    number: str
    sentence: str
    check: Check

    def violation(self, problem: str) -> Violation:
        """The rule is broken in this way."""
        return Violation(self.number, self.sentence, problem)


def rule(number: str, sentence: str) -> Callable[[Check], Rule]:
    """Make a check a rule."""
    return lambda check: Rule(number, sentence, check)
