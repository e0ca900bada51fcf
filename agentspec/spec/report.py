"""Turns problems of shape into located diagnostics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agentspec.spec.diagnostics import Diagnostic, Severity, did_you_mean, suggest
from agentspec.spec.shapes import Shape
from agentspec.spec.source import Where
from agentspec.spec.text.document import Document


class Reporter:
    """Collects diagnostics about one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Diagnostic] = []

    def report(
        self,
        code: str,
        message: str,
        where: Where,
        label: str = "",
        *,
        key: bool = False,
        fix: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Add a problem at a value or, with `key`, at the key before it."""
        span = self.document.key_span(where) if key and where else self.document.span(where)
        source = self.document.source_at(where)
        self.problems.append(Diagnostic(code, message, source, span, label, fix=fix, severity=severity))

    def report_inside(
        self, code: str, message: str, where: Where, start: int, end: int, label: str = "", fix: str | None = None
    ) -> None:
        """Add a problem at a part of a string, given by offsets in the string's value."""
        span = self.document.inner_span(where, start, end)
        self.problems.append(Diagnostic(code, message, self.document.source_at(where), span, label, fix=fix))

    def report_unknown(
        self, code: str, message: str, word: str, known: Iterable[str], where: Where, *, key: bool = False
    ) -> None:
        """Add a problem about an unknown word, with the nearest known one or the list of them."""
        choices = sorted(known)
        close = suggest(word, choices)
        label = did_you_mean(close, _listed(choices))
        self.report(code, message, where, label, key=key, fix=close)

    def report_shape(self, shape: type[Shape], error: ValidationError, where: Where) -> None:
        """Add every problem that pydantic found in the mapping at `where`, one for each place."""
        wrong: dict[Where, list[ErrorDetails]] = {}
        for detail in error.errors(include_url=False):
            place = self._existing(where, detail["loc"])
            key = str(detail["loc"][-1]) if detail["loc"] else ""
            if detail["type"] == "extra_forbidden":
                known = keys(owner) if (owner := _owner(shape, detail["loc"])) else ()
                self.report_unknown("AS201", f"unknown key `{key}`", key, known, place, key=True)
            elif detail["type"] == "missing":
                self.report("AS202", f"{_called(place)} needs `{key}`", place, key=True)
            else:
                wrong.setdefault(place, []).append(detail)
        for place, details in wrong.items():
            words = shape_words(details)
            joint = " " if words.startswith(("must ", "needs ")) else ": "
            self.report("AS203", f"{_called(place)}{joint}{words}", place)

    def _existing(self, where: Where, loc: tuple[str | int, ...]) -> Where:
        """Follow pydantic's location as far as the document has it: it also names members of unions."""
        data: Any = self.document.data
        for step in where:
            data = data[step]
        place, inside = where, False
        for step in loc:
            if isinstance(data, Mapping):
                inside = step in data
            else:
                inside = isinstance(data, list) and isinstance(step, int) and step < len(data)
            if inside:
                place, data = (*place, step), data[step]
        return place


def _called(where: Where) -> str:
    """What is spoken of at a place: its key, or which entry it is of which list."""
    if not where:
        return "the file"
    if isinstance(where[-1], int):
        return f"entry {where[-1] + 1} of `{where[-2]}`" if len(where) > 1 else f"entry {where[-1] + 1}"
    return f"`{where[-1]}`"


def _owner(shape: type[Shape], loc: tuple[str | int, ...]) -> type[Shape] | None:
    """The shape of the mapping that a location of pydantic ends in; None when it cannot be told."""
    owner: type[Shape] | None = shape
    for step in loc[:-1]:
        if owner is None or isinstance(step, int) or step == owner.__name__:
            continue
        field = next((field for name, field in owner.model_fields.items() if step in (name, field.alias)), None)
        inner = [] if field is None else _shapes_in(field.annotation)
        owner = inner[0] if len(inner) == 1 else None
    return owner


def _shapes_in(annotation: Any) -> list[type[Shape]]:
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return [annotation]
    return [found for part in get_args(annotation) for found in _shapes_in(part)]


def keys(shape: type[Shape]) -> list[str]:
    """The keys of a shape as a person writes them."""
    return [*(field.alias or name for name, field in shape.model_fields.items()), *shape.later]


def _listed(choices: list[str]) -> str:
    if not choices or len(choices) > 12:
        return ""
    return "known: " + ", ".join(choices)


_WORDS = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _our_words(message: str) -> str:
    """A message of pydantic in the words of the others: `must be at least 1`."""
    text = re.sub(r"^\w+ should", "must", message).replace(" after validation", "")
    text = text.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")
    return text[:1].lower() + text[1:]


def shape_words(details: list[ErrorDetails]) -> str:
    """Say what a value must be. Of a union pydantic reports each member: they become alternatives."""
    wanted = []
    for detail in details:
        expected = detail.get("ctx", {}).get("expected")
        if detail["type"] == "literal_error":
            wanted.append(str(expected).replace("'", "`"))
        elif detail["type"] in _WORDS:
            wanted.append(_WORDS[detail["type"]])
        else:
            return _our_words(detail["msg"])
    return f"must be {', or '.join(dict.fromkeys(wanted))}"
