"""Grounded answers: a quote stands in the text, a date or a number is one of those that code found in it.

Backends that hold answers to a schema can give nothing else: dates and numbers become an `enum`, and the texts for
quotes go along with the request. What comes is checked all the same, whoever gave it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from agentspec.api.backend import Capabilities
from agentspec.api.errors import NothingToChoose
from agentspec.api.messages import Json, Request, Schema, strings_in
from agentspec.api.schema import grounded_parts
from agentspec.models.answers import Answer
from agentspec.models.find_dates import find_dates, find_times
from agentspec.models.find_numbers import find_numbers
from agentspec.models.passages import Passages
from agentspec.plan.work import Grounding, Lookup

MOST_LISTED = 200
"""Candidates that are put into a schema. Of more, the answer is only checked."""

_MOST_SHOWN = 20
_MOST_PROBLEMS = 10
_KINDS = {"date": "date", "date-time": "time"}


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the grounded parts of one answer may be.

    Attributes:
        output: the type of the answer.
        texts: by source; under the empty name, all that the prompt reads.
        written: when the texts were written, where that is known.
    """

    output: Schema
    texts: Mapping[str, tuple[str, ...]]
    written: datetime | date | None = None
    _candidates: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    _passages: dict[str, list[Passages]] = field(default_factory=dict)

    def put_to(self, request: Request) -> Request:
        """A request for an answer of the type, with the candidates. Raises `NothingToChoose`."""
        quoted = {_source(part) for part in grounded_parts(self.output) if "x-quote" in part}
        return replace(request, output=self._schema(), texts={source: self.texts[source] for source in sorted(quoted)})

    def _schema(self) -> Schema:
        missing: list[str] = []
        made: Schema | None = self._offered(self.output, "", missing)
        if made is None:
            raise NothingToChoose(
                f"the answer cannot be given: {missing[0]}",
                hint="add `| null` to the type, for texts without one",
            )
        return made

    def _offered(self, part: Any, place: str, missing: list[str]) -> Any:
        """A part of the type with its candidates; None, and a line in `missing`, when nothing fits it.

        `x-quote` becomes a key of `texts`.
        """
        if not isinstance(part, Mapping):
            return part
        source = _source(part)
        if "x-quote" in part:
            if self.texts[source]:
                return {**_bare(part), "x-quote": source}
            missing.append(f"there is no text to quote {_for(place)}")
            return None
        if "x-from" in part:
            found = self._found(part)
            if not found:
                missing.append(f"there is no {_kind(part)} in `{source}` {_for(place)}")
                return None
            return {**_bare(part), "enum": found} if len(found) <= MOST_LISTED else _bare(part)
        if "anyOf" in part:
            offered = [self._offered(option, place, missing) for option in part["anyOf"]]
            options = [option for option in offered if option is not None]
            rest = {key: value for key, value in part.items() if key != "anyOf"}
            return {**rest, "anyOf": options} if len(options) > 1 else {**rest, **options[0]} if options else None
        if isinstance(part.get("properties"), Mapping):
            fields = {
                name: self._offered(one, _inside(place, name), missing) for name, one in part["properties"].items()
            }
            return None if None in fields.values() else {**part, "properties": fields}
        if isinstance(part.get("items"), Mapping):
            items = self._offered(part["items"], f"{place}[]", [])
            return {**part, "items": items} if items is not None else {**part, "items": {"type": "null"}, "maxItems": 0}
        return part

    def hold(self, answer: Answer) -> Answer:
        """The answer with its quotes as they stand in the text, or with what is wrong with it.

        Takes an answer that fits the type, and leaves one that does not as it is.
        """
        if answer.problems:
            return answer
        problems: list[str] = []
        value = self._held(answer.value, self.output, "", problems)
        return replace(answer, value=value, problems=tuple(problems))

    def _held(self, value: Json, part: Any, place: str, problems: list[str]) -> Json:
        if value is None or len(problems) >= _MOST_PROBLEMS or not isinstance(part, Mapping):
            return value
        if "x-quote" in part:
            return self._quoted(value, _source(part), place, problems)
        if "x-from" in part:
            return self._chosen(value, part, place, problems)
        if "anyOf" in part:
            option = next((one for one in part["anyOf"] if one != {"type": "null"}), part)
            return value if option is part else self._held(value, option, place, problems)
        if isinstance(value, dict) and isinstance(part.get("properties"), Mapping):
            fields = part["properties"]
            return {
                name: self._held(one, fields.get(name, {}), _inside(place, name), problems)
                for name, one in value.items()
            }
        if isinstance(value, list) and isinstance(part.get("items"), Mapping):
            return [self._held(one, part["items"], f"{place}[{n}]", problems) for n, one in enumerate(value)]
        return value

    def _quoted(self, quote: str, source: str, place: str, problems: list[str]) -> str:
        if source not in self._passages:
            self._passages[source] = [Passages(text) for text in self.texts[source]]
        passages = self._passages[source]
        for passage in passages:
            found = passage.find(quote)
            if found is not None:
                return found
        where = f"in `{source}`" if source else "in the text"
        _, nearest = max((passage.nearest(quote) for passage in passages), key=lambda one: one[0], default=(0, ""))
        tail = f"; the nearest passage is «{nearest}»" if nearest else ""
        problems.append(f"{_shown(place)} is not {where}, word for word{tail}")
        return quote

    def _chosen(self, value: Json, part: Schema, place: str, problems: list[str]) -> Json:
        found = self._found(part)
        for candidate in found:
            if candidate == value or (_kind(part) == "time" and _time(candidate) == _time(value)):
                return candidate
        listed = ", ".join(str(one) for one in found[:_MOST_SHOWN]) + (", …" if len(found) > _MOST_SHOWN else "")
        problems.append(f"{_shown(place)} must be a {_kind(part)} in `{_source(part)}`: {listed or 'there is none'}")
        return value

    def _found(self, part: Schema) -> list[Json]:
        """The candidates for a part, in order of appearance."""
        key = (_kind(part), _source(part))
        if key not in self._candidates:
            found = dict.fromkeys(one for text in self.texts[key[1]] for one in self._candidates_in(text, key[0]))
            self._candidates[key] = list(found)
        return self._candidates[key]

    def _candidates_in(self, text: str, kind: str) -> list[Json]:
        written = self.written
        if kind == "date":
            day = written.date() if isinstance(written, datetime) else written
            return [one.isoformat() for one in find_dates(text, day)]
        if kind == "time":
            at = written if isinstance(written, datetime) or written is None else _midnight(written)
            return [one.isoformat().replace("+00:00", "Z") for one in find_times(text, at)]
        numbers = find_numbers(text)
        return [one for one in numbers if isinstance(one, int)] if kind == "whole number" else [*numbers]


def grounds_of(output: Schema | None, grounding: Grounding | None, lookup: Lookup) -> Grounds | None:
    """What an answer may be, from what a node reads; None when nothing of its type is grounded."""
    if output is None or grounding is None:
        return None
    texts = {
        source: tuple(
            dict.fromkeys(text for path in paths for text in strings_in(_value(lookup, path)) if text.strip())
        )
        for source, paths in grounding.sources.items()
    }
    written = None if grounding.reference is None else _time(_value(lookup, grounding.reference))
    return Grounds(output, texts, written)


def _value(lookup: Lookup, path: Sequence[str | int]) -> Json:
    """The value behind a path; None where there is none."""
    value = lookup(str(path[0]))
    for step in path[1:]:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


def _time(text: Json) -> datetime | date | None:
    """A time, or a day, that is written as RFC 3339 has it."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _kind(part: Schema) -> str:
    kind: Any = part.get("type")
    return _KINDS[part["format"]] if kind == "string" else "whole number" if kind == "integer" else "number"


def _source(part: Schema) -> str:
    source = part.get("x-quote", part.get("x-from"))
    return source if isinstance(source, str) else ""


def _bare(part: Schema) -> dict[str, Any]:
    """A part without what only concerns grounding; a default would stand in for a choice."""
    return {key: value for key, value in part.items() if key not in ("x-quote", "x-from", "default")}


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _for(place: str) -> str:
    return f"for `{place}`" if place else "for it"


def _shown(place: str) -> str:
    return f"`{place}`" if place else "the answer"


def for_model(request: Request, capabilities: Capabilities) -> Request:
    """A request as a model gets it: without the texts for quotes where it could do nothing with them."""
    if not request.texts or capabilities.structured == "constrained":
        return request
    return replace(request, output=_unmarked(request.output), texts={})


def _unmarked(part: Any) -> Any:
    if isinstance(part, list):
        return [_unmarked(one) for one in part]
    if not isinstance(part, Mapping):
        return part
    made = {key: _unmarked(value) for key, value in part.items() if key not in ("x-quote", "properties")}
    fields = part.get("properties")
    if isinstance(fields, Mapping):
        made["properties"] = {name: _unmarked(one) for name, one in fields.items()}
    return {key: made[key] for key in part if key in made}
