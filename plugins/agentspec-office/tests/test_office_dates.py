"""The dates that a text names."""

from datetime import date

import pytest
from agentspec_office.dates import MONTHS, find_dates
from hypothesis import given
from hypothesis import strategies as st

WEDNESDAY = date(2026, 3, 11)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14 March", ["2026-03-14"]),
        ("the 14th of March 2027", ["2027-03-14"]),
        ("March 16th", ["2026-03-16"]),
        ("Monday, 23 March at 8:15", ["2026-03-23"]),
        ("March 12th, 10 am", ["2026-03-12"]),
        ("2026-03-17", ["2026-03-17"]),
        ("2026-03-17T10:00", ["2026-03-17"]),
        ("17.03.2026", ["2026-03-17"]),
        ("17.3.26", ["2026-03-17"]),
        ("17/03/2026 or 3/18/2026", ["2026-03-17", "2026-03-18"]),
        ("17 or 18 March", ["2026-03-17", "2026-03-18"]),
        ("12 March-14 March", ["2026-03-12", "2026-03-14"]),
        ("from 4 to 5 June", ["2026-06-04", "2026-06-05"]),
        ("Tuesday 17 March, or Thursday the 19th", ["2026-03-17", "2026-03-19"]),
        ("by the 20th.", ["2026-03-20"]),
        ("on the 5th, please", ["2026-04-05"]),
        ("5 January", ["2026-01-05"]),
        ("5 November", ["2026-11-05"]),
        ("Friday", ["2026-03-13"]),
        ("on Wednesday", ["2026-03-18"]),
        ("this Wednesday", ["2026-03-11"]),
        ("last Monday", ["2026-03-09"]),
        ("last Wednesday", ["2026-03-04"]),
        ("next Tuesday", ["2026-03-17"]),
        ("next\nFriday", ["2026-03-20"]),
        ("next Tuesday, 17 March", ["2026-03-17"]),
        ("next week on Thursday", ["2026-03-19"]),
        ("Tuesday or Wednesday next week", ["2026-03-17", "2026-03-18"]),
        ("by Fri", ["2026-03-13"]),
        ("tomorrow or the day after tomorrow", ["2026-03-12", "2026-03-13"]),
        ("Today", ["2026-03-11"]),
        ("by the end of the week", ["2026-03-13"]),
        ("end of next week", ["2026-03-20"]),
        ("end of the month", ["2026-03-31"]),
        ("end of February 2028", ["2028-02-29"]),
    ],
)
def test_a_date_is_found_and_resolved(text: str, expected: list[str]) -> None:
    assert [str(day) for day in find_dates(f"So: {text}", WEDNESDAY)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "31 April", "30.02.2026", "03/04/2026", "March 2026", "version 4.2.2026.1", "section 10.3.20", "10.0.3.20",
        "on the 3rd floor", "every Friday", "Mondays", "Mon-Sat 9-19", "The Sun", "Sat on", "you may 5",
        "https://example.com/2026-03-17/x", "20260317", "call 030 5550 118", "at 10:30", "50% of 12",
    ],
)  # fmt: skip
def test_what_is_no_date_is_left_alone(text: str) -> None:
    assert find_dates(text, WEDNESDAY) == []


def test_order_is_that_of_the_text_and_nothing_comes_twice() -> None:
    text = "Friday the 20th? Or tomorrow; 2026-03-20 is better than 14 March."
    assert [str(day) for day in find_dates(text, WEDNESDAY)] == ["2026-03-20", "2026-03-12", "2026-03-14"]


@given(day=st.dates(date(2000, 1, 1), date(2090, 1, 1)), sent=st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_full_dates_mean_the_same_whenever_they_were_sent(day: date, sent: date) -> None:
    month = MONTHS[day.month - 1]
    for text in (
        f"{day}",
        f"{day:%d.%m.%Y}",
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
    ):
        assert find_dates(text, sent) == [day]


@given(
    text=st.text() | st.from_regex(r"(next |by )?(Mon|Friday|31|29) (of )?(Feb|March|week)", fullmatch=True),
    sent=st.dates(),
)
def test_no_text_and_no_day_is_too_odd(text: str, sent: date) -> None:
    find_dates(text, sent)
