"""What is wrong with a dotted path: an unknown name, a field that is not there, or not always."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from agentspec.api.messages import Schema
from agentspec.plan.scope import Scope
from agentspec.plan.typing.names import type_name
from agentspec.plan.typing.problem import TypeProblem
from agentspec.plan.typing.steps import Track, track
from agentspec.spec.diagnostics import did_you_mean, suggest
from agentspec.spec.expressions.references import Path, Reference, written
from agentspec.spec.types.show_type import show_type

_ANSWER = "give a value for that case: `| default(…)`"
_STEP = re.compile(r"""\s*(?:\.\s*(\w+)|\[\s*(?:'([^'\\]+)'|"([^"\\]+)"|(-?\d+))\s*\])""")
Steps = Sequence[tuple[int, int, bool]]


def follow(reference: Reference, scope: Scope, text: str) -> tuple[Schema, list[TypeProblem]]:
    """Type a plain dotted path, which is read where null is not allowed for."""
    schema = scope.find(str(reference.path[0]))
    if schema is None:
        return {}, [problem_of_name(str(reference.path[0]), reference.start, scope)]
    found = track(schema, reference.path[1:])
    if found.missing is None and found.null is None and found.lacking is None:
        return found.schema, []
    ends, steps = _plain_places(reference, text)
    return found.schema, list(problems_of_track(found, reference.path, 1, reference.start, ends, steps))


def _plain_places(reference: Reference, text: str) -> tuple[list[int], list[tuple[int, int, bool]]]:
    """Where the parts of a path end, and where its steps stand; the whole path when it is written oddly."""
    ends = [reference.start + len(str(reference.path[0]))]
    steps = []
    for one in reference.path[1:]:
        found = _STEP.match(text, ends[-1], reference.end)
        word = found.lastindex if found else None
        if found and word and found[word] == str(one):
            steps.append((*found.span(word), True))
        else:
            steps.append((reference.start, reference.end, False))
        ends.append(found.end() if found else reference.end)
    return ends, steps


def problem_of_name(word: str, start: int, scope: Scope) -> TypeProblem:
    """The problem of a name that is not in sight."""
    end = start + len(word)
    if word in ("env", "secrets"):
        message = f"`{word}` can be read only under `models:` and `tools:`"
        return TypeProblem("AS302", message, start, end, "what a node reads comes from `inputs` and other nodes")
    close = suggest(word, scope.names())
    label = did_you_mean(close, _in_sight(scope))
    return TypeProblem("AS302", f"there is no `{word}` here", start, end, label, close)


def _in_sight(scope: Scope) -> str:
    names = sorted(set(scope.names()))
    return "in sight: " + ", ".join(names) if len(names) <= 12 else ""


def problems_of_track(
    found: Track, path: Path, known: int, start: int, ends: Sequence[int], steps: Steps
) -> Iterator[TypeProblem]:
    """What is wrong with a path of which the first `known` parts have a known type.

    `ends` are the offsets behind its parts, `steps` the places of its steps.
    """
    if found.null is not None:
        before = known + found.null
        message = f"`{written(path[:before])}` may be null here, so it may have no `{path[before]}`"
        yield TypeProblem("AS310", message, start, ends[before - 1], _ANSWER)
    if found.lacking is not None and found.owner is not None:
        at = known + found.lacking
        message = f"`{written(path[:at])}` has no `{path[at]}` when it is `{show_type(found.owner)}`"
        yield TypeProblem("AS310", message, *steps[at - 1][:2], _ANSWER)
    if found.missing is not None:
        at = known + found.missing
        close = suggest(str(path[at]), found.known)
        first, last, exact = steps[at - 1]
        label = did_you_mean(close)
        if not close and found.known:
            label = f"it has {', '.join(found.known)}"
        elif not close and path[:at] == ("inputs",):
            label = "the spec declares no `inputs:`"
        elif not close and found.owner:
            label = f"it is {type_name(found.owner)}"
        message = f"`{written(path[:at])}` has no `{path[at]}`"
        yield TypeProblem("AS301", message, first, last, label, close if exact else None, found.owner)
