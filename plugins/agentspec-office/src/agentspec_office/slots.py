"""Free time between busy times. Pure: no files, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

GRID = timedelta(minutes=15)
"""Slots start at quarters of an hour, counted from the beginning of the working day."""

Span = tuple[datetime, datetime]
"""A beginning and an end, both aware of their time zone."""


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When somebody works, Monday to Friday, by the clocks of `zone`."""

    begin: time
    end: time
    zone: ZoneInfo

    def on(self, day: date) -> Span | None:
        """Return the working time of a day in UTC, or None at the weekend."""
        if day.weekday() > 4:
            return None
        return tuple_utc(datetime.combine(day, self.begin, self.zone), datetime.combine(day, self.end, self.zone))


def tuple_utc(begin: datetime, end: datetime) -> Span:
    """Return the same span in UTC, where arithmetic is not upset by clock changes."""
    return begin.astimezone(UTC), end.astimezone(UTC)


def free_slots(
    first: date, length: timedelta, hours: WorkingHours, busy: Callable[[date], Sequence[Span]], *, days: int
) -> Iterator[Span]:
    """Yield the free slots from the day `first` on, each after the one before, over at most so many `days`.

    `busy` gives the busy times that touch a day. Slots are in the time zone of `hours`.
    """
    for day in (first + timedelta(days=number) for number in range(days)):
        span = hours.on(day)
        if span is None:
            continue
        start, end = span
        taken = sorted(tuple_utc(*times) for times in busy(day))
        while start + length <= end:
            blocked = [until for since, until in taken if since < start + length and until > start]
            if blocked:
                steps = -((start - max(blocked)) // GRID)
                start += steps * GRID
            else:
                yield start.astimezone(hours.zone), (start + length).astimezone(hours.zone)
                start += -(-length // GRID) * GRID
