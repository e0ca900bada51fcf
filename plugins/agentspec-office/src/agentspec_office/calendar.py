"""The plugin `calendar`: what is on in an iCalendar file, and when there is time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, field_validator, model_validator

from agentspec.api import Options, ToolContext, ToolError, Toolset, hookimpl
from agentspec_office.agenda import CalendarEvent, events_between, load
from agentspec_office.dates import day_text
from agentspec_office.slots import Span, WorkingHours, free_slots

SEARCHED_DAYS = 90
"""`free` looks no further ahead than this."""

LONGEST_SPAN = timedelta(days=366)


class CalendarOptions(Options):
    """What a spec may say under `tools:`."""

    file: str = Field(description="The iCalendar file, relative to the spec.")
    timezone: str = Field(default="Europe/Berlin", description="IANA name; all times are given in it.")
    begin: time = Field(default=time(9), alias="from", description="When the working day begins.")
    end: time = Field(default=time(17), alias="to", description="When the working day ends.")

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(f"unknown time zone `{value}`; write one like `Europe/Berlin`") from error
        return value

    @field_validator("begin", "end")
    @classmethod
    def _plain(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("write a time of day like `09:00`; the zone is that of `timezone`")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begin >= self.end:
            raise ValueError("`from` must be before `to`")
        return self


class Slot(BaseModel):
    """A free slot."""

    start: datetime
    end: datetime
    text: str = Field(description="For people: `Tue 10 March, 10:00-10:30`.")


calendar = Toolset("calendar", "Reads an iCalendar file and finds free time in it.", options=CalendarOptions)

FirstDay = Annotated[date, Field(description="First day.")]
LastDay = Annotated[date, Field(description="Last day, included.")]
Day = Annotated[date, Field(description="The first day to look at.")]
Minutes = Annotated[int, Field(ge=5, le=1440, description="How long the slot has to be.")]
Count = Annotated[int, Field(ge=1, le=50, description="How many slots are wanted.")]


@calendar.tool(effect="read")
def events(start: FirstDay, end: LastDay, context: ToolContext) -> list[CalendarEvent]:
    """List what is on from one day to another, both included, in order of time.

    Cancelled entries are left out; of a series, each of its days is an entry. Raises `ToolError`.
    """
    if end < start or end - start > LONGEST_SPAN:
        raise ToolError(f"no useful span: {start} to {end}", hint="give a first and a last day, at most a year apart")
    return _events(_options(context), start, end, context)


@calendar.tool(effect="read")
def free(day: Day, context: ToolContext, minutes: Minutes = 30, count: Count = 3) -> list[Slot]:
    """Find the first free slots in working hours, on that day or on working days (Monday to Friday) after it.

    Slots do not overlap, start at a quarter of an hour, and are fewer than `count` only when 90 days have no
    more. Tentative and all-day entries take time, transparent and cancelled ones do not. Raises `ToolError`.
    """
    options: CalendarOptions = _options(context)
    hours = WorkingHours(options.begin, options.end, ZoneInfo(options.timezone))
    length = timedelta(minutes=minutes)
    if length > datetime.combine(day, options.end) - datetime.combine(day, options.begin):
        raise ToolError(
            f"{minutes} minutes do not fit into the working day from {options.begin:%H:%M} to {options.end:%H:%M}",
            hint="ask for less, or widen `from:` and `to:` of the toolset",
        )

    def busy(on: date) -> Sequence[Span]:
        return [(event.start, event.end) for event in _events(options, on, on, context) if event.busy]

    found = islice(free_slots(day, length, hours, busy, days=SEARCHED_DAYS), count)
    return [
        Slot(start=start, end=end, text=f"{day_text(start.date())}, {start:%H:%M}-{end:%H:%M}") for start, end in found
    ]


@hookimpl
def agentspec_register_tools() -> Sequence[Toolset]:
    """Offer the toolset `calendar`."""
    return [calendar]


def _options(context: ToolContext) -> CalendarOptions:
    options = context.options
    return options if isinstance(options, CalendarOptions) else CalendarOptions.model_validate(options)


def _events(options: CalendarOptions, first: date, last: date, context: ToolContext) -> list[CalendarEvent]:
    path = context.readable(options.file)
    try:
        return events_between(load(path), first, last, ZoneInfo(options.timezone), path.name)
    except OverflowError as error:
        raise ToolError(f"{first} is out of the range of calendars", hint="give a day of this century") from error
