"""Dates, times and numbers that code finds in a text."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.models.find_dates import find_dates, find_times
from agentspec.models.find_numbers import find_numbers

WEDNESDAY = date(2026, 3, 4)
AT_TWO = timezone(timedelta(hours=2))
NINTH, OTHER = "2026-03-09", "2026-09-03"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("due 2026-03-09.", NINTH),
        ("on 2026/3/9", NINTH),
        ("am 9.3.2026 um", NINTH),
        ("am 09.03.26", NINTH),
        ("am 9. 3. 2026", NINTH),
        ("9/3/2026", f"{NINTH} {OTHER}"),
        ("9-3-2026", f"{NINTH} {OTHER}"),
        ("25/12/2026", "2026-12-25"),
        ("by 9 March 2026", NINTH),
        ("by the 9th of March, 2026", NINTH),
        ("by 9. MARCH 2026", NINTH),
        ("Mon, March 9th, 2026: go", NINTH),
        ("Mar. 9 2026", NINTH),
        ("2026-03-09T10:00:00Z", NINTH),
        ("9 March or 10 April 2026, not 9 March", "2026-03-09 2026-04-10"),
        ("9 March, 1 May 2026, 1 June 2027", "2026-03-09 2027-03-09 2026-05-01 2027-06-01"),
        ("31.2.2026, 2026-13-01, 45 March 2026", ""),
        ("9 March, 9/3 and 9.3.", ""),
        ("May 2026", ""),
        ("version 1.2.3, 12026-03-091", ""),
        ("tomorrow or Friday", ""),
    ],
)
def test_dates_without_a_reference(text: str, found: str) -> None:
    assert " ".join(day.isoformat() for day in find_dates(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9 March", NINTH),
        ("March 9", NINTH),
        ("am 9.3. um 10", NINTH),
        ("9/3", f"{NINTH} {OTHER}"),
        ("20 December", "2025-12-20"),
        ("1 December", "2026-12-01"),
        ("1 December 2031", "2031-12-01"),
        ("29 February", ""),
        ("today, tonight", "2026-03-04"),
        ("Tomorrow", "2026-03-05"),
        ("yesterday", "2026-03-03"),
        ("Friday", "2026-03-06"),
        ("next Friday", "2026-03-06 2026-03-13"),
        ("last friday", "2026-02-27"),
        ("Wednesday", "2026-03-11"),
        ("this Wednesday", "2026-03-04"),
        ("last Wednesday", "2026-02-25"),
        ("Fridays, Sunflower", ""),
    ],
)
def test_dates_with_a_reference(text: str, found: str) -> None:
    assert " ".join(day.isoformat() for day in find_dates(text, WEDNESDAY)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-03-09T10:00:00Z", "2026-03-09T10:00:00+00:00"),
        ("2026-03-09T10:00:00.5-05:00", "2026-03-09T10:00:00-05:00"),
        ("2026-03-09 10:00", "2026-03-09T10:00:00+02:00"),
        ("9 March 2026, 10.30 UTC", "2026-03-09T10:30:00+00:00"),
        ("9 March at 2 pm", "2026-03-09T14:00:00+02:00"),
        ("9 March at 12 a.m.", "2026-03-09T00:00:00+02:00"),
        ("tomorrow at 9:15", "2026-03-05T09:15:00+02:00"),
        ("9/3/2026 8:00", "2026-03-09T08:00:00+02:00 2026-09-03T08:00:00+02:00"),
        ("2026-03-09", ""),
        ("2026-03-09 25:00", ""),
        ("9 March 2026, 14 chairs", ""),
    ],
)
def test_times(text: str, found: str) -> None:
    written = datetime(2026, 3, 4, 9, tzinfo=AT_TWO)
    assert " ".join(one.isoformat() for one in find_times(text, written)) == found


def test_a_time_without_offset_and_reference_is_utc() -> None:
    assert find_times("2026-03-09 10:00") == [datetime(2026, 3, 9, 10, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12 chairs", [12]),
        ("0", [0]),
        ("-5 to +7, \u22128, 4-5", [-5, 7, -8, 4, 5]),
        ("1,234.56", [1234.56]),
        ("1.234,56", [1234.56]),
        ("1,200", [1200, 1.2]),
        ("1.200", [1.2, 1200]),
        ("1,234,567", [1234567]),
        ("0,5 and .5", [0.5]),
        ("1'234.50", [1234.5]),
        ("1\u202f234,5", [1234.5, 1, 234.5]),
        ("12 300", [12300, 12, 300]),
        ("2026 100", [2026, 100]),
        ("15 % of 2.5%", [15, 0.15, 2.5, 0.025]),
        ("9.3.2026", [9, 3, 2026]),
        ("5kg, EUR12, A4, x1", [5]),
        ("1.0", [1]),
        ("007", [7]),
        ("9" * 31, []),
        ("nothing", []),
    ],
)
def test_numbers(text: str, found: list[int | float]) -> None:
    assert find_numbers(text) == found
    assert all(isinstance(one, int) or not one.is_integer() for one in find_numbers(text))


@given(st.integers(-(10**12), 10**12), st.sampled_from(["{}", "{:,}", "{:_}", "{}.00", "EUR {:,}.50"]))
def test_a_number_is_found_however_it_is_grouped(number: int, form: str) -> None:
    text = form.format(number).replace("_", " ")
    wanted = number + (0.5 if number >= 0 else -0.5) * form.endswith("50")
    assert wanted in find_numbers(text)


@given(
    st.dates(date(1000, 1, 1), date(9999, 1, 1)),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d %B %Y", "%b %d, %Y"]),
)
def test_a_date_is_found_however_it_is_written(day: date, form: str) -> None:
    assert day in find_dates(f"It was {day.strftime(form)}, they say.")


@given(st.text("0123456789 .,/-:'marchMAY%fridy\n", max_size=60))
def test_any_text_is_searched_without_a_word(text: str) -> None:
    find_numbers(text), find_dates(text, WEDNESDAY), find_times(text, datetime(9999, 12, 31, tzinfo=AT_TWO))


@pytest.mark.parametrize("part", ["9 ", "9.", "9/", "1,", "1 000", "9", " ", "march ", "9 of ", "-", "friday "])
def test_a_long_text_takes_no_longer_than_its_length(part: str) -> None:
    def taken(count: int) -> float:
        before = time.process_time()
        find_dates(part * count, WEDNESDAY)
        find_numbers(part * count)
        return time.process_time() - before

    assert taken(24_000) < 40 * taken(2_000) + 0.2
