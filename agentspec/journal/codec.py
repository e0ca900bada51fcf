"""Events as JSON: the list of an event's fields, in the order of its class.

A field that is added to an event later comes last and has a default, so older rows can still be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, get_args

from agentspec.api.errors import Exit, JournalFailed, JournalUnreadable
from agentspec.api.events import Event, Failure, Meta, Question
from agentspec.api.messages import Json

EVENTS: Mapping[str, type[Any]] = {kind.__name__: kind for kind in get_args(Event)}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


# Escapes all that is not ASCII: a text with half of a surrogate pair has no UTF-8.
_to_json = json.JSONEncoder(check_circular=False, separators=(",", ":"), default=_plain).encode


def encode(event: Event) -> str:
    """Write an event's fields. Raises `JournalFailed` for a value that is no JSON, or nested too deeply."""
    try:
        return _to_json(event)
    except (TypeError, ValueError, RecursionError) as error:
        path = getattr(event, "path", "") or "the run"
        text = f"a value of `{path}` cannot be recorded: {error}"
        raise JournalFailed(text, hint="return plain JSON data, nested less than a few hundred levels") from error


def decode(name: str, text: str) -> Event:
    """Read an event of the class `name`. Raises `JournalUnreadable`."""
    try:
        fields: list[Json] = json.loads(text)
        kind = EVENTS[name]
        for place, read in _READERS.get(name, ()):
            if place < len(fields) and fields[place] is not None:
                fields[place] = read(fields[place])
        event: Event = kind(*fields)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        text = f"an event `{name}` of the journal cannot be read"
        raise JournalUnreadable(text, hint="a newer release of agentspec may have written it") from error
    return event


def _failure(fields: list[Any]) -> Failure:
    failure = Failure(*fields)
    return failure._replace(exit=Exit(failure.exit))


def _question(fields: list[Any]) -> Question:
    show, choices, *more = fields
    return Question(show, tuple(choices), *more)


_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "failure": _failure,
    "meta": lambda fields: Meta(*fields),
    "question": _question,
    "paths": tuple,
}
_READERS = {
    name: [(place, _TYPES[field]) for place, field in enumerate(kind._fields) if field in _TYPES]
    for name, kind in EVENTS.items()
}
"""Per event, the fields that are more than JSON, and how they are read."""
