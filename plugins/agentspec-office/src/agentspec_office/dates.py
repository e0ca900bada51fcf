"""Find the dates that an English text names, and resolve them against the day on which it was sent.

What counts as a date, and how a vague one is read:

- `2026-03-17`, `17.03.2026`, `17/03/2026` (only where day and month cannot be confused), `14 March`,
  `the 14th of March 2026`, `March 16th`, `17 or 18 March`, `4-5 June`, `Tuesday the 17th`, `by the 20th`;
- without a year: the one that lies between 90 days before the sending and nine months after it;
- `Friday`, `by Friday`: the first one after the sending; `this Friday` may be the same day; `last Friday` is
  before it; `next Friday`, `Friday next week`: that of the following week, weeks beginning on Monday;
- `today`, `tonight`, `tomorrow`, `the day after tomorrow`, `yesterday`;
- `end of the week` is Friday, `end of the month`, `end of March` their last day.

Left alone are counted spans (`in three weeks`), repeated days (`every Monday`, `Mondays`), and web addresses.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial

# fmt: off
MONTHS = ("January", "February", "March", "April", "May", "June",
          "July", "August", "September", "October", "November", "December")
# fmt: on
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_MONTH = (
    r"(?P<month>(?i:January|February|March|April|June|July|August|September|October|November|December)|May|MAY|"
    r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|JAN|FEB|MAR|APR|JUN|JUL|AUG|SEP|OCT|NOV|DEC)\b\.?)(?![a-z])"
)
_FULL_DAY = r"(?i:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_ANY_DAY = rf"(?:{_FULL_DAY}|(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\b\.?)"
_DAY_BEFORE = rf"(?:\b{_ANY_DAY},?\s+(?:(?:on\s+)?the\s+)?)?"
_DAY_AFTER = rf"(?:\s*\(\s*{_ANY_DAY}\s*\))?"
_YEAR = r"(?:,?\s+(?P<year>(?:19|20)\d{2})(?!\d|:))?"
_NUMBER = r"\d{1,2}(?:st|nd|rd|th)?"
_AND = r"(?:\s*[-\u2013\u2014/]\s*|\s+(?:to|and|or|until|till)\s+)"
_PART_OF_DAY = r"(?:\s+(?:morning|noon|afternoon|evening))?"

_ADDRESS = re.compile(r"\b(?:https?://|www\.|mailto:)\S+")

_Resolver = Callable[["re.Match[str]", date], Iterator[date]]


def find_dates(text: str, sent: date) -> list[date]:
    """Return the dates in `text`, in order of appearance, each once. `sent` is the day the text was sent.

    The rules go from the exact to the vague; what one has read is blotted out for those after it.
    """
    found: list[tuple[int, date]] = []

    def read(match: re.Match[str], resolve: _Resolver) -> str:
        try:
            days = list(resolve(match, sent))
        except (ValueError, OverflowError):
            return match.group()
        found.extend((match.start(), day) for day in days)
        return "\0" * len(match.group()) if days else match.group()

    text = _ADDRESS.sub(lambda match: "\0" * len(match.group()), text)
    for pattern, resolve in _RULES:
        text = pattern.sub(partial(read, resolve=resolve), text)
    return list(dict.fromkeys(day for _, day in sorted(found, key=lambda item: item[0])))


def day_text(day: date) -> str:
    """Return e.g. `Tue 10 March`."""
    return f"{DAYS[day.weekday()][:3]} {day.day} {MONTHS[day.month - 1]}"


def _iso(match: re.Match[str], sent: date) -> Iterator[date]:
    yield date(int(match["year"]), int(match["month"]), int(match["day"]))


def _dotted(match: re.Match[str], sent: date) -> Iterator[date]:
    year = int(match["year"])
    if year < 100:
        year += 2000
        if abs(year - sent.year) > 2:  # more likely the number of a section or a version
            return
    yield date(year, int(match["month"]), int(match["day"]))


def _slashed(match: re.Match[str], sent: date) -> Iterator[date]:
    first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
    if first > 12 or first == second:
        yield date(year, second, first)
    elif second > 12:
        yield date(year, first, second)


def _named(match: re.Match[str], sent: date) -> Iterator[date]:
    month = _month(match["month"])
    for word in (match["first"], match["second"]):
        if word:
            day = int(re.sub(r"\D", "", word))
            try:
                yield date(int(match["year"]), month, day) if match["year"] else _nearest(month, day, sent)
            except ValueError:
                continue


def _nearest(month: int, day: int, sent: date) -> date:
    """Return the day of that name between 90 days before `sent` and a year later."""
    earliest = sent - timedelta(days=90)
    for year in range(earliest.year, earliest.year + 9):  # 29 February may be eight years away (1896 to 1904)
        if day <= monthrange(year, month)[1] and date(year, month, day) >= earliest:
            return date(year, month, day)
    raise ValueError("no such day")


def _month(word: str) -> int:
    return next(index for index, name in enumerate(MONTHS, 1) if name.lower().startswith(word.lower().strip(".")[:3]))


def _of_month(match: re.Match[str], sent: date) -> Iterator[date]:
    """`the 20th`: of this month, or of the next where it is over or the month is too short."""
    day, first = int(match["day"]), sent.replace(day=1)
    for _ in range(3):
        if day <= monthrange(first.year, first.month)[1] and first.replace(day=day) >= sent:
            yield first.replace(day=day)
            return
        first = (first + timedelta(days=31)).replace(day=1)


def _weekday(match: re.Match[str], sent: date) -> Iterator[date]:
    wanted = next(index for index, name in enumerate(DAYS) if name.startswith(match["weekday"][:3].capitalize()))
    which = (match["which"] or "").lower()
    if not match["weekday"].lower().endswith("day") and not (match["before"] or which or match["at"]):
        return  # a lone `Sat` or `Sun` may be a word, an opening time or a newspaper
    if match["before"] or match["after"] or which == "next":
        yield sent + timedelta(days=7 - sent.weekday() + wanted)
    elif which in ("last", "past"):
        yield sent - timedelta(days=(sent.weekday() - wanted - 1) % 7 + 1)
    elif which == "this":
        yield sent + timedelta(days=(wanted - sent.weekday()) % 7)
    else:
        yield sent + timedelta(days=(wanted - sent.weekday() - 1) % 7 + 1)


def _relative(match: re.Match[str], sent: date) -> Iterator[date]:
    word = match.group().lower()
    shift = 2 if word.startswith("day") else {"tomorrow": 1, "yesterday": -1}.get(word, 0)
    yield sent + timedelta(days=shift)


def _end_of_week(match: re.Match[str], sent: date) -> Iterator[date]:
    friday = sent + timedelta(days=4 - sent.weekday())
    yield friday + timedelta(days=7) if match["next"] or friday < sent else friday


def _end_of_month(match: re.Match[str], sent: date) -> Iterator[date]:
    if match["month"]:
        month = _month(match["month"])
        first = date(int(match["year"]), month, 1) if match["year"] else _nearest(month, 1, sent.replace(day=1))
    else:
        first = sent.replace(day=1)
        first = (first + timedelta(days=31)).replace(day=1) if match["next"] else first
    yield first.replace(day=monthrange(first.year, first.month)[1])


_RULES: tuple[tuple[re.Pattern[str], _Resolver], ...] = (
    (
        re.compile(rf"{_DAY_BEFORE}(?<![\w-])(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?![\d-])"),
        _iso,
    ),
    (
        re.compile(
            rf"{_DAY_BEFORE}(?<![\w.])(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?"
            r"(?P<year>(?:19|20)\d\d|\d\d)(?![\w:]|\.\d)"
        ),
        _dotted,
    ),
    (
        re.compile(
            rf"{_DAY_BEFORE}(?<![\w/])(?P<first>\d{{1,2}})/(?P<second>\d{{1,2}})/(?P<year>(?:19|20)\d\d)(?![\w/])"
        ),
        _slashed,
    ),
    (
        re.compile(
            rf"{_DAY_BEFORE}(?<![\w:.,/])(?<!\d-)(?:(?P<first>{_NUMBER}){_AND}(?:the\s+)?)?"
            rf"(?<![:.,])\b(?P<second>{_NUMBER})\.?\s+(?:of\s+)?{_MONTH}{_YEAR}{_DAY_AFTER}"
        ),
        _named,
    ),
    (
        re.compile(
            rf"{_DAY_BEFORE}\b{_MONTH}\s+(?:the\s+)?(?P<first>{_NUMBER})(?![\d:.]\d|\d|\s?[ap]\.?m\b)"
            rf"(?:{_AND}(?:the\s+)?(?P<second>{_NUMBER})(?![\d:]|\s+[A-Z]|\s?[ap]\.?m\b))?{_YEAR}{_DAY_AFTER}"
        ),
        _named,
    ),
    (re.compile(rf"\b{_ANY_DAY},?\s+(?:the\s+)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)\b"), _of_month),
    (
        re.compile(
            r"\b(?:on|by|until|till|before|from)\s+the\s+(?P<day>\d{1,2})(?:st|nd|rd|th)\b"
            r"(?=\s*(?:[.,;:?!)\n]|$|\s(?:at|in\sthe|or|and|please|between|from)\b))"
        ),
        _of_month,
    ),
    (
        re.compile(
            r"(?<!every )(?<!each )(?<!\ba )(?<!any )(?<!some )(?<![-\u2013/])\b"
            r"(?:(?P<before>(?i:next)\s+week,?\s+(?:on\s+)?)|(?P<which>(?i:next|this|last|past|coming))\s+|"
            r"(?P<at>(?i:on|by|until|till|before|from))\s+)?"
            rf"(?P<weekday>{_FULL_DAY}|(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun))\b(?!\s*[-\u2013/]\s*[A-Z])"
            rf"(?P<after>{_PART_OF_DAY}(?=(?:\s*(?:,|or|and)\s*{_FULL_DAY}{_PART_OF_DAY}){{0,3}}\s+(?:of\s+)?next\s+week)|)"
        ),
        _weekday,
    ),
    (re.compile(r"(?i)\b(?:day\s+after\s+tomorrow|today|tonight|tomorrow|yesterday)\b"), _relative),
    (re.compile(r"(?i)\bend\s+of\s+(?:the\s+|this\s+|(?P<next>next\s+))?week\b"), _end_of_week),
    (
        re.compile(rf"\bend\s+of\s+(?:{_MONTH}{_YEAR}|(?:the\s+|this\s+|(?P<next>next\s+))?month\b)"),
        _end_of_month,
    ),
)
