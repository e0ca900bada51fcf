"""What an expression may contain, and what it refers to: one walk over Jinja's tree.

A reference is *guarded* where a missing or null value does no harm: under `default(...)`, in `is none` and
`is defined`, compared with null, as a test on its own, left of `or` and `and`, and where such a test holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from agentspec.spec.diagnostics import suggest
from agentspec.spec.filters import FILTERS, accepts
from agentspec.spec.tests import TESTS
from agentspec.spec.tokens import ExpressionProblem

Path = tuple[str | int, ...]
Guards = frozenset[Path]
_NONE: Guards = frozenset()


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a name from outside the expression.

    Attributes:
        path: the name, then the constant fields and indices behind it.
        start, end: offsets in the text.
        guarded: whether a missing or null value does no harm here.
    """

    path: Path
    start: int
    end: int
    guarded: bool = False
