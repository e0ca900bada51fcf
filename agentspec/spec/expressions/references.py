"""What an expression refers to."""

from __future__ import annotations

from dataclasses import dataclass

Path = tuple[str | int, ...]
"""A name, then the constant fields and indices behind it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a name from outside the expression.

    Attributes:
        start, end: offsets in the expression's text.
        guarded: whether a missing or null value does no harm here.
    """

    path: Path
    start: int
    end: int
    guarded: bool = False


def written(path: Path) -> str:
    """Return a path as an expression writes it: `read.messages[0]`."""
    first, *rest = path
    return str(first) + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in rest)
