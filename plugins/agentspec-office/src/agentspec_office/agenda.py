"""An iCalendar file (RFC 5545) as events with a beginning and an end. Every defect is an error with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from agentspec.api import ToolError
from agentspec_office.text import decoded

if TYPE_CHECKING:
    from icalendar import Calendar
    from icalendar.cal import Component

MAX_FILE_BYTES = 20 * 2**20

_CONTENT_LINE = re.compile(r"[A-Za-z0-9-]+(?:[;:]|$)")
_HINT = "export the calendar again as iCalendar (.ics)"


class CalendarEvent(BaseModel):
    """One entry of a calendar, or one day of a series."""

    start: datetime
    end: datetime
    summary: str
    location: str | None = None
    all_day: bool = Field(description="Whether it has days and no times; it then goes from midnight to midnight.")
    busy: bool = Field(description="Whether it takes time: false for entries that are only shown.")


def load(path: Path) -> Calendar:
    """Parse the file, or take the last result while the file is the same. Raises `ToolError`."""
    try:
        status = path.stat()
        if not path.is_file():
            raise ToolError(f"`{path.name}` is no file", hint="`file:` of the toolset names an .ics file")
        if status.st_size > MAX_FILE_BYTES:
            raise ToolError(f"`{path.name}` is larger than {MAX_FILE_BYTES // 2**20} MiB", hint="export fewer years")
        return _parsed(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ToolError(
            f"the calendar `{path.name}` cannot be read: {error.strerror or error}",
            hint=f"looked at {path}; `file:` of the toolset names an .ics file",
        ) from error


@lru_cache(maxsize=4)
def _parsed(path: Path, changed_ns: int, size: int) -> Calendar:
    from icalendar import Calendar as Parser

    text, _ = decoded(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), None)
    text = text.replace("\r\n", "\n")
    begun = _checked(text, path.name)
    try:
        calendar = Parser.from_ical(text)
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise ToolError(f"`{path.name}` is no valid calendar: {error}", hint=_HINT) from error
    for line, event in zip(begun, calendar.walk("VEVENT"), strict=False):
        problem = _problem(event)
        if problem:
            raise ToolError(f"{path.name}, event at line {line} ({_name(event)}): {problem}", hint=_HINT)
    return calendar


def _checked(text: str, name: str) -> list[int]:
    """Check the lines and the nesting; return the lines at which events begin."""
    stack: list[tuple[str, int]] = []
    begun: list[int] = []
    calendars = 0
    for number, line in enumerate(text.split("\n"), 1):
        word = line.strip().upper()
        if not word or line[0] in " \t":
            continue
        if not _CONTENT_LINE.match(line) or (":" not in line and number < 2):
            raise ToolError(f"{name}, line {number}: `{line[:40]}` is no line of a calendar", hint=_HINT)
        if not stack and word != "BEGIN:VCALENDAR":
            raise ToolError(f"{name}, line {number}: a calendar starts with BEGIN:VCALENDAR", hint=_HINT)
        if word.startswith("BEGIN:"):
            stack.append((word[6:], number))
            calendars += word == "BEGIN:VCALENDAR"
            if word == "BEGIN:VEVENT":
                begun.append(number)
        elif word.startswith("END:"):
            kind, since = stack.pop()
            if kind != word[4:]:
                raise ToolError(f"{name}, line {number}: `{word}` closes the {kind} of line {since}", hint=_HINT)
    if stack:
        raise ToolError(f"{name}, line {stack[-1][1]}: this {stack[-1][0]} is never closed", hint=_HINT)
    if calendars != 1:
        raise ToolError(f"{name}: {calendars} calendars in one file, expected one", hint=_HINT)
    return begun


def _problem(event: Component) -> str | None:
    """Tell what is wrong with an event, so that none is lost in silence."""
    for name, message in event.errors:
        return f"{name or 'a line'}: {message}"
    if "DTSTART" not in event:
        return "has no DTSTART"
    for name in ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID"):
        value: Any = event.get(name)
        try:
            moment = None if value is None else value.dt
        except (AttributeError, ValueError) as error:
            return f"{name}: {error}"
        if isinstance(moment, datetime) and moment.tzinfo is None and value.params.get("TZID"):
            return f"{name}: unknown time zone `{value.params['TZID']}`"
    return _rule_problem(event.get("RRULE"))


def _rule_problem(value: Any) -> str | None:
    """Refuse series that would never end to compute, or give an event every few seconds."""
    for rule in value if isinstance(value, list) else [value] if value else []:
        try:
            if min((int(step) for step in rule.get("INTERVAL", [1])), default=1) < 1:
                return "RRULE: INTERVAL must be at least 1"
        except (AttributeError, TypeError, ValueError) as error:
            return f"RRULE: {error}"
        if rule.get("FREQ", [""])[0] in {"SECONDLY", "MINUTELY"} or "BYSECOND" in rule or "BYMINUTE" in rule:
            return "RRULE: repeats by the minute, which no appointment does"
    return None


def _name(event: Component) -> str:
    return str(event.get("SUMMARY") or event.get("UID") or "unnamed")[:60]


def events_between(calendar: Calendar, first: date, last: date, zone: ZoneInfo, name: str) -> list[CalendarEvent]:
    """Return what touches the days from `first` to `last`, both included, without cancelled entries.

    Times without a zone are those of `zone`, in which all times are given. Raises `ToolError`.
    """
    import recurring_ical_events  # type: ignore[import-untyped]  # ships no types

    begin = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    margin = timedelta(days=1)
    try:
        found = recurring_ical_events.of(calendar).between(begin - margin, end + margin)
    except (ValueError, KeyError, OverflowError, TypeError) as error:
        raise ToolError(f"a series in `{name}` cannot be worked out: {error}", hint=_HINT) from error
    events = [event for event in _dated(found, zone) if event.start < end and _reach(event) > begin]
    return sorted(events, key=lambda event: (event.start, event.end, event.summary))


def _dated(found: list[Component], zone: ZoneInfo) -> Iterator[CalendarEvent]:
    for event in found:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        begun: Any = event["DTSTART"]
        over: Any = event["DTEND"]
        start, end = begun.dt, over.dt
        location = str(event.get("LOCATION", "")).strip()
        yield CalendarEvent(
            start=_moment(start, zone),
            end=_moment(end, zone),
            summary=str(event.get("SUMMARY", "")),
            location=location or None,
            all_day=not isinstance(start, datetime),
            busy=str(event.get("TRANSP", "")).upper() != "TRANSPARENT",
        )


def _moment(value: date, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), zone)
    return value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)


def _reach(event: CalendarEvent) -> datetime:
    """An event without duration still belongs to its day."""
    return max(event.end, event.start + timedelta(microseconds=1))
