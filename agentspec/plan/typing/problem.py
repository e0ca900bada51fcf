"""What is wrong with the types inside an expression."""

from __future__ import annotations

from dataclasses import dataclass

from agentspec.api.messages import Schema


@dataclass(frozen=True, slots=True)
class TypeProblem:
    """Something wrong inside an expression; `start` and `end` are offsets in its text.

    Attributes:
        fix: what could stand in place of the text from `start` to `end`, when one thing is likely meant.
        owner: the type that lacks a field, so that its definition can be shown.
    """

    code: str
    message: str
    start: int
    end: int
    label: str = ""
    fix: str | None = None
    owner: Schema | None = None
