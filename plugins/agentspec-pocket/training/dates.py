"""How people write a date, and the marks that stand for dates until the text is complete.

A phrase says `{D}` (the date that counts), `{E}` (a second proposal), `{X}` or `{Y}` (a date that is only
mentioned) and `{NOW}` (today, in words). The order of appearance is only known once the message is put
together, so a date is first written as a mark of two private characters around its letter.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from dataclasses import dataclass

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MARK = re.compile("\ue000([A-Z])\ue001")
_FIRST, _LAST = dt.date(2024, 1, 1), dt.date(2029, 12, 31)
SLOTS = frozenset({"D", "E", "X", "Y", "NOW"})


def mark(letter: str) -> str:
    """Stand-in for a date, see `render`."""
    return f"\ue000{letter[0]}\ue001"


def _ordinal(day: int) -> str:
    suffix = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


def surface(date: dt.date, sent: dt.date, rng: random.Random) -> str:
    """One way of writing `date` in a mail sent on `sent`."""
    month, weekday, ahead = MONTHS[date.month - 1], WEEKDAYS[date.weekday()], (date - sent).days
    if ahead == 1 and rng.random() < 0.5:
        return rng.choice(["tomorrow", "tomorrow", "tomorrow morning", "tomorrow evening", "tmrw"])
    if 1 < ahead <= 7 and rng.random() < 0.45:
        return rng.choice([weekday, weekday, f"this {weekday}", f"next {weekday}", f"{weekday} this week"])
    if rng.random() < 0.2:
        weekday = weekday[:3]
        month = month[:3]
    styles = [
        f"{date.day} {month}", f"{date.day} {month}", f"{_ordinal(date.day)} {month}", f"{month} {date.day}",
        f"{_ordinal(date.day)} of {month}", f"the {_ordinal(date.day)} of {month}",
        f"{month} {_ordinal(date.day)}", f"{weekday} {date.day} {month}", f"{weekday}, {date.day} {month}",
        f"{weekday}, {month} {date.day}", f"{weekday} the {_ordinal(date.day)}", f"the {_ordinal(date.day)}",
        f"{date.day} {month} {date.year}", f"{month} {date.day}, {date.year}", date.isoformat(),
        f"{date.day}.{date.month}.", f"{date.day:02}.{date.month:02}.{date.year}",
        f"{date.day:02}/{date.month:02}/{date.year}", f"{date.day}/{date.month}",
    ]  # fmt: skip
    return rng.choice(styles)


@dataclass(frozen=True, slots=True)
class Dated:
    """Texts whose marks became dates: `found` is what code would list, `due` the date of `{D}` if listed."""

    texts: list[str]
    found: list[str]
    due: str | None


def render(texts: list[str], rng: random.Random) -> Dated:
    """Write dates for all marks of `texts` (in reading order) and list them as code would find them.

    Code misses a date now and then (4 %), and resolves words such as "tonight" in half of the messages.
    """
    sent = _FIRST + dt.timedelta(days=rng.randrange((_LAST - _FIRST).days - 200))
    soon = rng.random() < 0.5
    due = sent + dt.timedelta(days=rng.randrange(1, 9) if soon else rng.randrange(2, 90))
    later = due + dt.timedelta(days=rng.choice([1, 1, 2, 3, 6, 7, 7, 8, 14]))
    past = rng.random() < 0.6
    days = {
        "D": due,
        "E": later,
        "X": sent + dt.timedelta(days=-rng.randrange(1, 60) if past else rng.randrange(1, 80)),
        "Y": sent + dt.timedelta(days=rng.randrange(-30, 100)),
        "N": sent,
    }
    resolves_today = rng.random() < 0.9  # the agent does, but other code may not
    found: list[str] = []
    missed: set[str] = set()
    due_date: str | None = None

    def write(match: re.Match[str]) -> str:
        nonlocal due_date
        letter = match[1]
        date = days[letter].isoformat()
        if date not in found and letter not in missed:
            lost = rng.random() < 0.04 if letter != "N" else not resolves_today
            if lost:
                missed.add(letter)
            else:
                found.append(date)
        if letter in "DN" and date in found and due_date is None:
            due_date = date
        if letter == "N":
            return rng.choice(["today", "today", "tonight", "this afternoon", "this evening", "the end of today"])
        return surface(days[letter], sent, rng)

    return Dated([_MARK.sub(write, text) for text in texts], found, due_date)
