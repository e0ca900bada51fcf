"""The dates and times that an English text names, as far as code can tell: candidates, of which a model chooses one.

Where a form can be read in two ways (`9/3/2026`, `next Friday`), both readings are candidates. A date without a year
is read by a reference, the day on which the text was written, where there is one, else with every year that other
dates of the text name. Words such as `tomorrow` and `Friday` need a reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

# fmt: off
_MONTHS = ("january", "february", "march", "april", "may", "june",
           "july", "august", "september", "october", "november", "december")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# fmt: on
_MONTH = rf"({'|'.join(_MONTHS)}|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?)"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_SHORT_OR_LONG = r"(\d{4}|\d{2})"
_BEFORE, _AFTER = timedelta(days=90), timedelta(days=275)
"""How far before and after the reference a date without a year may lie."""

_TIME = re.compile(
    r"(?:T|,?\s{0,2}(?:at\s)?)\s?(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?)?"
    r"(?P<half>\s?[ap]\.?m\b)?(?P<zone>\s?(?:Z|UTC|GMT)\b|\s?[-+]\d\d:?\d\d(?!\d))?(?![\d:])",
    re.IGNORECASE,
)

Day = tuple[int | None, int, int]
"""Year (None: not said), month, day; maybe no day of the calendar."""
Found = tuple[int, int, list[date]]


def find_dates(text: str, reference: date | None = None) -> list[date]:
    """Return the dates in `text`, in order of appearance, each once."""
    return list(dict.fromkeys(day for _, _, days in _places(text, reference) for day in days))


def find_times(text: str, reference: datetime | None = None) -> list[datetime]:
    """Return the dates with a time of day in `text`, in order of appearance, each once.

    One without an offset from UTC has that of the reference, else none at all, which is UTC.
    """
    zone = (reference and reference.tzinfo) or UTC
    found: dict[datetime, None] = {}
    for _, end, days in _places(text, reference and reference.date()):
        match = _TIME.match(text, end)
        if match and (match["minute"] or match["half"]):
            with suppress(ValueError):
                hour, minute, second = int(match["hour"]), int(match["minute"] or 0), int(match["second"] or 0)
                half = (match["half"] or "").strip().lower()[:1]
                hour = hour % 12 + 12 * (half == "p") if half and 1 <= hour <= 12 else hour
                at = [
                    datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=_zone(match["zone"], zone))
                    for day in days
                ]
                found.update(dict.fromkeys(at))
    return list(found)


def _zone(written: str | None, otherwise: tzinfo) -> tzinfo:
    signed = re.search(r"([-+])(\d\d):?(\d\d)", written or "")
    if signed:
        offset = timedelta(hours=int(signed[2]), minutes=int(signed[3]))
        return timezone(-offset if signed[1] == "-" else offset)
    return UTC if written else otherwise


def _places(text: str, reference: date | None) -> list[Found]:
    """Each place of a date: its start and end, and the days that it may mean."""
    said: list[tuple[int, int, list[Day]]] = []
    for pattern, read in _RULES:
        said += [(match.start(), match.end(), list(read(match))) for match in pattern.finditer(text)]
    years = dict.fromkeys(year for _, _, days in sorted(said) for year, _, _ in days if year is not None)
    found = [(start, end, list(_days(days, reference, years))) for start, end, days in said]
    if reference is not None:
        found += [(match.start(), match.end(), list(_relative(match, reference))) for match in _WORDS.finditer(text)]
    return sorted(found)


def _days(said: Iterable[Day], reference: date | None, years: Iterable[int]) -> Iterator[date]:
    for year, month, day in said:
        if year is not None:
            near: Iterable[int] = (year,)
        elif reference is None:
            near = years
        else:
            near = (reference.year - 1, reference.year, reference.year + 1)
        for one in near:
            with suppress(ValueError):
                made = date(one, month, day)
                if year is not None or reference is None or -_BEFORE <= made - reference <= _AFTER:
                    yield made


def _year(digits: str | None) -> int | None:
    return None if not digits else int(digits) + (2000 if len(digits) == 2 else 0)


def _big_first(match: re.Match[str]) -> Iterator[Day]:
    yield int(match[1]), int(match[3]), int(match[4])


def _day_first(match: re.Match[str]) -> Iterator[Day]:
    yield _year(match[3]), int(match[2]), int(match[1])


def _either_first(match: re.Match[str]) -> Iterator[Day]:
    yield from _day_first(match)
    yield _year(match[3]), int(match[1]), int(match[2])


def _day_month(match: re.Match[str]) -> Iterator[Day]:
    yield _year(match[3]), _month(match[2]), int(match[1])


def _month_day(match: re.Match[str]) -> Iterator[Day]:
    yield _year(match[3]), _month(match[1]), int(match[2])


def _month(word: str) -> int:
    return next(number for number, name in enumerate(_MONTHS, 1) if name.startswith(word[:3].lower()))


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Iterator[Day]]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), read)
    for pattern, read in (
        (r"(?<![\w-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)", _big_first),
        (rf"(?<![\w.])(\d{{1,2}})\.\s?(\d{{1,2}})\.\s?(?:{_SHORT_OR_LONG}(?![\d:.]\d|\d)|(?!\d))", _day_first),
        (rf"(?<![\w/])(\d{{1,2}})/(\d{{1,2}})(?:/{_SHORT_OR_LONG})?(?![\w/])", _either_first),
        (r"(?<![\w-])(\d{1,2})-(\d{1,2})-(\d{4})(?![\w-])", _either_first),
        (rf"(?<![\w.,:]){_DAY}\.?\s{{1,2}}(?:of\s)?{_MONTH}(?![a-z])(?:,?\s{{1,2}}(\d{{4}})\b(?!:\d))?", _day_month),
        (rf"\b{_MONTH}\s{{1,2}}(?:the\s)?{_DAY}\b(?!:\d)(?:,?\s{{1,2}}(\d{{4}})\b(?!:\d))?", _month_day),
    )
)
_WORDS = re.compile(
    rf"\b(?:(next|last|this)\s)?({'|'.join(_DAYS)})\b|\b(today|tonight|tomorrow|yesterday)\b", re.IGNORECASE
)
_SHIFTS = {"tomorrow": 1, "yesterday": -1}


def _relative(match: re.Match[str], reference: date) -> Iterator[date]:
    """The days that a word means: the next of that name, `this` also today, `next` also that of the week after."""
    which, weekday, word = ((group or "").lower() for group in match.groups())
    ahead = 0 if word else (_DAYS.index(weekday) - reference.weekday()) % 7
    if word:
        meant = [_SHIFTS.get(word, 0)]
    elif which == "last":
        meant = [ahead - 7]
    elif which == "next":
        meant = [ahead or 7, ahead + 7]
    else:
        meant = [ahead if ahead or which else 7]
    for days in dict.fromkeys(meant):
        with suppress(OverflowError):
            yield reference + timedelta(days=days)
